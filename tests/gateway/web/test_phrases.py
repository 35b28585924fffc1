"""What the deciding code says is said in Chinese on Chinese pages: every member of every closed list, and every sentence.

The sentences are read from the code itself, with a value in each of their places, so that a new one is missed here.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

import gateway
import notifier.notice
import parsers.claims
import parsers.report
from gateway import web
from gateway.legal_checklists import checklists
from gateway.screening.legal import LegalKind
from gateway.web import words
from gateway.web.phrases import Phrases

ROOT = Path(gateway.__file__).parent
TEMPLATES = Path(web.__file__).parent / "templates"
# Said to people by a page, wherever it is raised.
ERRORS = {
    "NotAllowedError", "QueueError", "NoEntryError", "DecidedError", "NotSaidError", "MuteError", "SignInError",
    "AccountError", "PeriodError", "NoReporterError", "ConsentFileError", "TakenError", "_FormError", "HTTPException",
}  # fmt: skip
# Programs' and the command line's own, and what only a bug raises.
ELSEWHERE = ("cli", "demo", "web/api", "store/migrations", "volumes.py", "fines.py", "publication.py", "outcomes.py",
             "watch/postmaster.py", "staff_strikes.py", "lifting.py", "roles.py")  # fmt: skip
# Modules whose every sentence is kept or shown: how something was attributed or screened, what an action is and does.
TELLING = (
    "attribution/attribute.py", "attribution/source.py", "attribution/holders.py", "attribution/words.py",
    "attribution/advertised.py", "attribution/names.py", "attribution/weigh.py", "casework/action_words.py",
    "casework/actions.py", "casework/clocks.py", "casework/defence.py", "casework/cases.py", "casework/states.py",
    "screening/verdict.py", "second_looks.py", "enforced.py", "queue_lookups.py", "would_tell.py", "policies/words.py",
)  # fmt: skip
VALUE = "block-port-25"  # stands in each place: a word of a closed list, without a blank and with a digit


@cache
def chinese() -> Phrases:
    return Phrases(words.catalogue("zh"), words.code("zh"))


def closed_lists() -> Iterator[type[StrEnum]]:
    names = (found.name for found in pkgutil.walk_packages(gateway.__path__, "gateway."))
    ours = [n for n in names if not n.startswith(("gateway.cli", "gateway.demo", "gateway.store.migrations"))]
    for module in (parsers.report, parsers.claims, notifier.notice, *map(importlib.import_module, ours)):
        for one in vars(module).values():
            if isinstance(one, type) and issubclass(one, StrEnum) and one.__module__ == module.__name__:
                yield one


def test_every_member_of_every_closed_list_has_a_chinese_word():
    lists = [one for one in closed_lists() if one.__module__ not in NOT_SHOWN]
    assert len(lists) > 30
    assert {f"{one.__name__}: {member}" for one in lists for member in one if chinese().say(member) == member} == set()


NOT_SHOWN = {"gateway.reparse", "gateway.intake.connect"}  # the command line's own words


def test_every_step_of_the_legal_checklists_is_said_in_chinese():
    lists = [one for kind in LegalKind for one in checklists(kind, ())]
    steps = {text for one in lists for text in (one.jurisdiction, *one.steps)}
    assert len(steps) > 50
    assert {text for text in steps if chinese().say(text) == text} == set()


def test_every_sentence_of_the_code_is_said_in_chinese():
    found = {(where, text) for where, text in sentences() if not re.search("[a-z\0]\0", text)}  # the others: in parts
    assert len(found) > 250
    missing = sorted(f"{where}: {text}" for where, text in found if not is_said(text))
    assert missing == []


def is_said(text: str) -> bool:
    """Nothing of the English is left but the values."""
    said = chinese().say(text.replace("\0", VALUE))
    return not any(re.search(r"[a-z]{3,} [a-z]{2,}", piece) and piece.strip() in said for piece in text.split("\0"))


def sentences() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(ELSEWHERE):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and _name(node.exc.func) in ERRORS:
                for given in node.exc.args[-1:]:
                    yield from ((name, text) for text in _texts(given))
        if name in TELLING:
            yield from ((name, text) for text in _all_texts(tree))


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _texts(node: ast.expr) -> Iterator[str]:
    """The sentences that an expression makes; a zero stands for each value."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif (text := _text(node)) is not None and re.search(r"[a-z]{2,} [a-z\0]", text):
        yield text


def _text(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
    return None


def _all_texts(tree: ast.Module) -> Iterator[str]:
    """Every text that is a sentence: no documentation, nothing for the log, no part that begins with a blank."""
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for value in node.values for part in ast.walk(value)}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _name(node.func.value) == "log":
            left_out |= {id(part) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and id(node) not in left_out:
            text = _text(node)
            if text and text[0] not in " ,;" and re.search(r"[a-z]{2,} [a-z]{2,}", text):
                yield re.sub(r"\{\w+\}", "\0", text)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("had 198.51.100.0/26 until 3 Nov 2026", "持有 198.51.100.0/26 至 2026-11-03"),
        ("7 is open: 8; message 9", "7 is open: 8；邮件 9"),
        (
            "192.0.2.1 is the report's source address; nobody held it with port 7 on 3 Nov 2026 12:00 UTC",
            "192.0.2.1 是举报给出的来源地址；2026-11-03 12:00 UTC 无人以端口 7 持有",
        ),
        ("several held it at once, and the report has no port", "同时有多方持有，且举报没有端口"),
        (
            "ann was faster: entry 7 was assigned to birch on 2026-11-20 12:00Z",
            "ann 已先处理：条目 7 于 2026-11-20 12:00Z 已分配给 birch",
        ),
        ("usually every 3 days, now 31 days without a report", "通常每 3 天一次，现已 31 天没有举报"),
        ("action 5 is done; this needs proposed", "措施 5 的状态为已执行；此操作需要 待批准"),
    ],
)
def test_a_sentence_keeps_its_values(said, meant):
    assert chinese().say(said) == meant


@pytest.mark.parametrize(
    "said",
    ["case closed by phone", "message from him", "by phone", "reports wrong", "strike them", "but why", "", None, 7],
)
def test_words_of_people_stay_as_they_are(said):
    assert chinese().say(said) == said


def test_a_text_that_is_made_to_take_long_does_not():
    hostile = ["; ".join(["holds a from b until "] * 60), "x" * 1_000_000, "; " * 700]
    assert [chinese().say(text) for text in hostile] == hostile


def test_what_is_said_of_a_value_is_no_markup():
    template = words.environment(TEMPLATES, "zh").from_string("{{ text|said }}")
    assert template.render(text="<i> is no domain") == "&lt;i&gt; 不是域名"
    assert template.render(text="<i>100%</i>") == "&lt;i&gt;100%&lt;/i&gt;"


def test_templates_translate_only_what_they_say_themselves():
    """The extension takes what `_()` returns for markup and fills in `%`: a value must never get there."""
    loose = []
    reader = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    for path in TEMPLATES.rglob("*.html"):
        for call in reader.parse(path.read_text("utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in {"_", "gettext"}:
                loose += [f"{path.name}:{call.lineno}"] * (not isinstance(call.args[0], nodes.Const))
    assert loose == []
