"""What every test has: the real servers as fixtures (tests/servers), `--rewrite`, and `needs`."""

from __future__ import annotations

import gc
import os
import zlib
from collections.abc import Iterator
from typing import Any

import jinja2
import pytest
import structlog
from hypothesis import settings
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.util import LRUCache

from servers.needs import CHECKS

# Tests run side by side: how long an example takes says nothing, and fewer of them fit into ten minutes.
settings.register_profile("arfgate", max_examples=60, deadline=None)
settings.load_profile("arfgate")

pytest_plugins = ["servers.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite", action="store_true", help="write the fixtures' expected results anew instead of comparing"
    )
    parser.addoption(
        "--thorough",
        action="store_true",
        help="run what is built on the store on both databases, and twice the examples of each property; CI does",
    )


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--rewrite"))


class _CompiledTemplates(jinja2.BytecodeCache):
    """In this process, by name and text: the way of Jinja2's own caches, without their files."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get(self._key(bucket))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[self._key(bucket)] = bucket.code

    @staticmethod
    def _key(bucket: Bucket) -> tuple[str, str, str]:
        return type(bucket.environment).__name__, bucket.key, bucket.checksum


@pytest.fixture(autouse=True, scope="session")
def _templates_are_compiled_once() -> Iterator[None]:
    """Each test has a house of its own, and each house its templates: compiling them again took half of the time of
    the tests of pages."""
    compiled = _CompiledTemplates()
    made = jinja2.Environment.__init__

    def make(self: jinja2.Environment, *arguments: Any, **more: Any) -> None:
        made(self, *arguments, **more)
        self.bytecode_cache = self.bytecode_cache or compiled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "__init__", make)
        yield


@pytest.fixture(autouse=True, scope="session")
def _statements_are_compiled_once() -> Iterator[None]:
    """SQLAlchemy keeps what it compiled by engine and dialect, and each test has an engine of its own: compiling the
    same statements again took a quarter of the time of the tests of the gateway. All dialects of a class are alike here."""
    kept: dict[type, LRUCache[Any, Any]] = {}
    made = Engine.__init__

    def make(self: Engine, *arguments: Any, **more: Any) -> None:
        made(self, *arguments, **more)
        kind = type(self.dialect)
        if kind in alike:
            self._compiled_cache = kept.setdefault(kind, LRUCache(5_000))

    alike = (SQLiteDialect_aiosqlite, PGDialect_asyncpg)
    with pytest.MonkeyPatch.context() as patch:
        for kind in alike:
            patch.setattr(kind, "__eq__", lambda self, other: type(self) is type(other), raising=False)
            patch.setattr(kind, "__hash__", lambda self: hash(type(self)), raising=False)
        patch.setattr(Engine, "__init__", make)
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--thorough"):
        needed = os.environ.get("ARFGATE_REQUIRE") == "all"
        kinds = ("sqlite", "postgresql") if needed or CHECKS["postgresql"]() is None else ("sqlite",)
        config.hook.pytest_deselected(items=[item for item in items if not _its_turn(item, kinds)])
        items[:] = [item for item in items if _its_turn(item, kinds)]
        for function in {item.function for item in items if isinstance(item, pytest.Function)}:
            _half_the_examples(function)
    items[:] = _long_ones_apart(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _its_turn(item: pytest.Item, kinds: tuple[str, ...]) -> bool:
    """Tests of the store run on both databases. What is built on it runs on one of those that are there (`kinds`),
    which one is chosen by the test's name: all of it runs on both with `--thorough`, as in CI."""
    kind = getattr(item, "callspec", None) and item.callspec.params.get("database_url")  # type: ignore[attr-defined]
    if kind is None or item.path.parent.name == "store":
        return True
    name = item.nodeid.replace(f"{kind}-", "").replace(f"-{kind}", "").replace(kind, "")
    return kind == kinds[zlib.crc32(name.encode()) % len(kinds)]


def _half_the_examples(function: Any) -> None:
    chosen = getattr(function, "_hypothesis_internal_use_settings", None)
    if chosen is not None:
        function._hypothesis_internal_use_settings = settings(chosen, max_examples=-(-chosen.max_examples // 2))


def _long_ones_apart(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Each process begins with an equal stretch of the list, and takes from others when it is done. The modules of
    tests/whole take as long as hundreds of others: they are spread over the first halves of the stretches, or one
    process would be left with them at the end."""
    long: dict[object, list[pytest.Item]] = {}
    short: list[pytest.Item] = []
    for item in items:
        if item.path.parent.name == "whole":
            long.setdefault(item.path, []).append(item)
        else:
            short.append(item)
    modules = list(long.values())
    size = -(-len(short) // workers)
    spread: list[pytest.Item] = []
    for worker in range(workers):
        stretch, mine = short[worker * size : (worker + 1) * size], modules[worker::workers]
        step = len(stretch) // 2 // max(1, len(mine))
        for number, module in enumerate(mine):
            spread += [*stretch[number * step : (number + 1) * step], *module]
        spread += stretch[len(mine) * step :]
    return spread


def pytest_collection_finish() -> None:
    """What is loaded and collected by now stays: the garbage collector would look through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(autouse=True)
def _logs_as_they_begin() -> None:
    """A command that ran in this process has set the level of the logs: the next test must not inherit it. A traceback
    is plain, since drawing one with all its variables takes a second."""
    structlog.reset_defaults()
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
