"""The shape of the house, held by reading it: sizes, opening docstrings, the clock's few owners, nothing of a machine."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gateway", "parsers", "notifier")
MODULE_LINES = 350
FUNCTION_LINES = 50

# Who may read the wall clock, and why; everybody else is handed `now`.
CLOCK_OWNERS = {
    "gateway/app.py": "the composition root makes the clock that all others are handed",
    "gateway/cli/": "a command starts now",
    "gateway/demo/": "the story is told relative to the day it is told on",
}

# written in two halves, so that this file does not find itself
_FOREIGN = re.compile(
    "|".join(
        [
            "files[.]python" + "hosted[.]org",
            "pypi" + r"[.]org/simple",
            r"(?:extra-)?index-" + r"url\s*=",
            r"--(?:extra-)?index-" + r"url[ =]\S",
            r"https?://[^\s/]*(?:artifactory|nexus|devpi|pypi-" + r"mirror)",
            "/ro" + r"ot/[.\w]",
            "/ho" + r"me/[a-z]",
            "/wo" + "rk/(?:main|shared)",
            r"[.][.]/sha" + "red/",
            "/Us" + "ers/[A-Za-z]",
        ]
    )
)


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of ours by its path: taken apart once, and not once a question."""
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in modules()}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_and_functions_are_short():
    # a migration is written once, by Alembic, and never changed
    ours = {path: tree for path, tree in trees().items() if "migrations/versions" not in path}
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in ours}
    assert {path: count for path, count in lines.items() if count > MODULE_LINES} == {}
    long = {
        f"{path}: {node.name}": lines
        for path, tree in ours.items()
        for node in functions(tree)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is_for():
    """It opens with a docstring: what it is for, what it must never do."""
    silent = [path for path, tree in trees().items() if not ast.get_docstring(tree)]
    assert [path for path in silent if not path.endswith("__init__.py") or trees()[path].body] == []


def test_only_the_owners_of_the_clock_read_it():
    """All others take `now` as an argument."""
    owners = tuple(CLOCK_OWNERS)  # a folder ends with a slash: nothing else begins with it
    strangers = {path: list(clock_readings(tree)) for path, tree in trees().items() if not path.startswith(owners)}
    assert {path: found for path, found in strangers.items() if found} == {}


def clock_readings(tree: ast.AST) -> Iterator[str]:
    """`datetime.now`, `date.today`, `time.time` and the like, called or handed on as a default."""
    wanted = {
        "datetime": {"now", "utcnow", "today"},
        "date": {"today"},
        "time": {"time", "time_ns"},
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in wanted.get(owner, ()):
                yield f"line {node.lineno}: {owner}.{node.attr}"


def test_the_search_for_clock_readings_finds_them():
    source = "import datetime\na = datetime.datetime.now()\nb = datetime.utcnow\nfrom datetime import date\nc = date.today()\n"
    assert len(list(clock_readings(ast.parse(source)))) == 3


def tracked() -> list[Path]:
    """What git has or would take: the files of the project, without what is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git working copy (a source archive)")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_machine_and_no_registry_is_named_in_the_project():
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in _FOREIGN.finditer(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "--index-" + "url https://packages.example/simple",
        "https://files.python" + "hosted.org/x",
        "/ho" + "me/someone/x",
    ],
)
def test_the_search_for_machines_finds_them(line):
    assert _FOREIGN.search(line)


def test_tests_are_no_packages():
    """tests/ is on the path (pytest's pythonpath): an __init__.py in tests/parsers would hide the real package."""
    assert not list((ROOT / "tests").rglob("__init__.py"))
