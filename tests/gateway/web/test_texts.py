"""Every sentence of the pages is there in Chinese, those for customers and reporters in Romanian too: nobody finds half a page in another language."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from gateway import web
from gateway.web import words
from gateway.web.console import RAIL
from gateway.web.portal import words as portal_words

TEMPLATES = Path(web.__file__).parent / "templates"


def said_in(folder: Path) -> set[str]:
    """The messages of the templates: a plural is two."""
    found = extract_from_dir(
        folder, method_map=[("**.html", "jinja2")], options_map={"**.html": {"trimmed": "true", "silent": "false"}}
    )
    return {
        text
        for _, _, message, _, _ in found
        for text in ([message] if isinstance(message, str) else message)
        if isinstance(text, str)
    }


def test_no_message_of_the_templates_is_missing_in_chinese():
    wanted = said_in(TEMPLATES) | {word for _, word in RAIL}
    assert len(wanted) > 50
    said = words.catalogue("zh")
    assert sorted(text for text in wanted if text not in said) == []


def said_in_words() -> set[str]:
    """What the pages without an account call things, and what they answer to a mistake."""
    tables = [table for name, table in vars(portal_words).items() if name.isupper()]
    called = {text for table in tables for text in table.values()}
    folder = Path(web.__file__).parent
    files = [*(folder / "portal").glob("*.py"), *folder.parent.glob("*_page.py")]
    calls = [n for file in files for n in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(n, ast.Call)]
    told = {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "NotSaidError" and isinstance(call.args[0], ast.Constant)
    }
    return {text for text in called | told if isinstance(text, str) and " " in text}


@pytest.mark.parametrize("language", ["zh", "ro"])
def test_no_message_of_the_pages_without_an_account_is_missing(language):
    wanted = said_in(TEMPLATES / "portal") | said_in_words()
    assert len(wanted) > 100
    said = words.catalogue(language)
    assert sorted(text for text in wanted if text not in said) == []


def test_a_translation_keeps_the_values_of_its_message():
    for text, said in words.catalogue("zh").items():
        values = {part.partition(")")[0] for part in text.split("%(")[1:]}
        assert {part.partition(")")[0] for part in said.split("%(")[1:]} <= values, text
