"""`docs/policies.md` says for each duty where it is kept and which tests prove it; a duty without a test is open.

`pytest tests/test_policies_page.py --rewrite` writes the rendered part anew.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from rendering import rendered

from gateway.policies.policy import load, shipped
from gateway.policies.words import describe

TESTS = Path(__file__).parent
ROOT = TESTS.parent
PAGE = ROOT / "docs" / "policies.md"
DUTIES = tomllib.loads((TESTS / "duties" / "duties.toml").read_text(encoding="utf-8"))
POLICIES = {
    "PAG": "Pageant Server (`pageant`)",
    "SES": "SES Corporate (`ses`)",
    "CON": "Conectoo (`conectoo`)",
    "MED": "MediaOfficers (`mediaofficers`)",
    "NET": "NetEase (`netease`)",
}
LINKS = 4  # tests that the page names for a duty; the others it counts


def marked() -> dict[str, list[tuple[str, str]]]:
    """duty -> (file, test), by the marks of tests and of whole files."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.duty" not in text:
            continue
        tree = ast.parse(text)
        whole = [duty for node in tree.body if _is_pytestmark(node) for duty in _duties(node)]
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                own = [duty for decorator in node.decorator_list for duty in _duties(decorator)]
                for duty in dict.fromkeys((*own, *whole)):
                    found.setdefault(duty, []).append((path.relative_to(ROOT).as_posix(), node.name))
    return found


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets)


def _duties(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "duty":
            yield from (arg.value for arg in call.args if isinstance(arg, ast.Constant))


def table() -> str:
    tests, lines = marked(), []
    for prefix, title in POLICIES.items():
        lines += [f"### {title}", "", "| duty | asks | kept in | shown by |", "|---|---|---|---|"]
        lines += [_row(duty, tests.get(duty, [])) for duty in DUTIES if duty.startswith(f"{prefix}-")]
        lines.append("")
    return "\n".join(lines)


def _row(duty: str, tests: list[tuple[str, str]]) -> str:
    rule = DUTIES[duty]
    kept = ", ".join(f"[`{path}`](../{path})" for path in rule["kept"])
    # scenarios first: they play the policy's own words
    tests = sorted(tests, key=lambda one: ("tests/duties/" not in one[0], one))
    shown = [f"[{name.removeprefix('test_').replace('_', ' ')}](../{path})" for path, name in tests[:LINKS]]
    more = [f"and {len(tests) - LINKS} more"] if len(tests) > LINKS else []
    still = [f"**open**: {rule['open']}"] if "open" in rule else []
    return f"| {duty} | {rule['asks']} | {kept} | {'; '.join([*shown, *more, *still])} |"


def rules() -> str:
    return "\n".join(f"```\n{describe(load(name))}\n```\n" for name in shipped())


PARTS = {"duties": table, "rules": rules}


def test_the_page_is_what_marks_and_policies_say(rewrite: bool) -> None:
    if rewrite:
        PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8"), PARTS), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    assert page == rendered(page, PARTS), "pytest tests/test_policies_page.py --rewrite"


def test_every_duty_has_a_test_or_is_named_open_with_what_brings_it() -> None:
    tests = marked()
    missing = [duty for duty, rule in DUTIES.items() if duty not in tests and not rule.get("open")]
    assert missing == [], "write the scenario, or name it open in tests/duties/duties.toml with what brings it"


def test_no_test_marks_a_duty_that_is_none() -> None:
    assert sorted(set(marked()) - set(DUTIES)) == []


def test_what_keeps_a_duty_is_there() -> None:
    paths = {path for rule in DUTIES.values() for path in rule["kept"]}
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []
