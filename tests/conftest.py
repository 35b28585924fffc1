"""What every test has: the real servers as fixtures (tests/servers), `--rewrite`, and `needs`."""

from __future__ import annotations

import gc
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

# Tests run side by side: how long an example takes says nothing, and fewer of them fit into ten minutes.
settings.register_profile("arfgate", max_examples=60, deadline=None)
settings.load_profile("arfgate")

pytest_plugins = ["servers.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite", action="store_true", help="write the fixtures' expected results anew instead of comparing"
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


def pytest_collection_finish() -> None:
    """What is loaded and collected by now stays: the garbage collector would look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _logs_as_they_begin() -> None:
    """A command that ran in this process has set the level of the logs: the next test must not inherit it. A traceback
    is plain, since drawing one with all its variables takes a second."""
    structlog.reset_defaults()
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
