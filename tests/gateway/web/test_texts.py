"""Every sentence of the pages is there in Chinese: nobody finds half a page in another language."""

from __future__ import annotations

from pathlib import Path

from babel.messages.extract import extract_from_dir

from gateway import web
from gateway.web import words
from gateway.web.console import RAIL

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


def test_a_translation_keeps_the_values_of_its_message():
    for text, said in words.catalogue("zh").items():
        values = {part.partition(")")[0] for part in text.split("%(")[1:]}
        assert {part.partition(")")[0] for part in said.split("%(")[1:]} <= values, text
