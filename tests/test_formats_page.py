"""`docs/formats.md` says what the files say, and the format that it tells people to write does what it says.

`pytest tests/test_formats_page.py --rewrite` writes the rendered parts anew.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path
from types import ModuleType

from rendering import rendered

from parsers import findings, registry
from parsers.contract import to_json
from parsers.envelope import structure
from parsers.message import Message
from parsers.report import Limits

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "formats.md"


def formats() -> str:
    return "\n".join(_paragraph(name, module) for name, module in registry.known().items())


def _paragraph(name: str, module: ModuleType) -> str:
    count = len(list((ROOT / "fixtures" / name).glob("*.eml")))
    facts = [f"{count} message" + "s" * (count != 1)]
    if general := registry.dialect_of(module):
        facts.append("goes before " + ", ".join(f"`{one}`" for one in sorted(general)))
    if getattr(module, "GENERAL", False):
        facts.append("gives way to all others")
    links = f"[`{name}.py`](../parsers/formats/{name}.py), [fixtures](../fixtures/{name}/)"
    return f"### {name}\n\n{inspect.getdoc(module)}\n\n{links}: {'; '.join(facts)}.\n"


def checks() -> str:
    rows = (
        f"- [`{name}`](../parsers/findings/{name}.py): {' '.join(inspect.getdoc(module).split(chr(10) * 2)[0].split())}"
        for name, module in findings.known().items()
    )
    return "\n".join(rows) + "\n"


PARTS = {"formats": formats, "findings": checks}


def test_the_page_is_what_the_files_say(rewrite: bool) -> None:
    page = PAGE.read_text(encoding="utf-8")
    if rewrite:
        PAGE.write_text(rendered(page, PARTS), encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
    assert page == rendered(page, PARTS), "pytest tests/test_formats_page.py --rewrite"


def block(language: str) -> str:
    (found,) = re.findall(
        rf"^ *```{language}\n(.*?)^ *```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return textwrap.dedent(found)


def test_the_format_of_the_page_reads_the_message_of_the_page() -> None:
    module = ModuleType("example_watch")
    exec(compile(block("python"), "docs/formats.md", "exec"), module.__dict__)
    message = Message(structure(block("eml").encode(), Limits()), Limits())
    assert module.recognises(message)
    (report,) = to_json(module.read(message), "", 0)["reports"]
    assert (report["category"], report["source_ip"], report["source_port"], report["arrival_date"]) == (
        "login-attack",
        "192.0.2.7",
        40022,
        "2026-11-20T02:59:58Z",
    )
    assert report["provenance"]["source_ip"] == "text:Attacker"
    assert report["defects"] == []


def test_it_needs_to_name_exactly_those_formats_that_claim_its_message_too() -> None:
    module = ModuleType("example_watch")
    exec(compile(block("python"), "docs/formats.md", "exec"), module.__dict__)
    message = Message(structure(block("eml").encode(), Limits()), Limits())
    claims = {name for name, one in registry.known().items() if one.recognises(message)} - {module.__name__}
    assert claims == set(module.DIALECT_OF)
