"""How values look on the page: reasons in words, times, and foreign text that cannot play tricks.

Every value passes `visible`, then Jinja's escaping: neither can be forgotten in a template.
Must never return markup.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway.web import static_files
from gateway.web.phrases import Phrases
from notifier.texts import PACKAGED

_LOCALE = Path(__file__).parent / "locale"
LANGUAGES = {"en": "English", "zh": "中文"}
PUBLIC_LANGUAGES = LANGUAGES | {"ro": "Română"}  # of the pages without an account
REASONS = {
    "no-source": "the report names no address",
    "no-time": "no usable time, and it changed hands",
    "in-future": "the time lies in the future",
    "not-ours": "not one of our addresses",
    "not-assigned-then": "nobody held it at that time",
    "shared-address": "shared address, port missing",
    "addresses-disagree": "two of our addresses disagree",
    "own-relay": "our own relay, client unknown",
    "not-public": "not a public address",
    "several-own-addresses": "the trace names several of our customers",
    "identifiers-contradict": "address and identifiers name different customers",
    "own-infrastructure": "our own infrastructure",
    "innocent-bystander": "a large domain without part in it",
    "first-of-kind": "advertised for the first time: confirm it once",
    "dns-points-here": "the DNS points to us, and nobody is assigned it",
    "outside-disagrees": "our own system names another customer",
    "leases-unread": "it happened after the leases were last read: waits for the next reading",
}
# Invisible, or changing the order of what stands around it. Cf holds the bidirectional controls.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BLANK = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_KEPT = frozenset("\n\t")


def visible(value: Any) -> Any:
    """Text with everything invisible in it written out as an escape; other values as they are."""
    if not isinstance(value, str) or isinstance(value, Markup) or (value.isascii() and value.isprintable()):
        return value
    return "".join(_shown(c) for c in value)


def moment(value: datetime | str | None) -> str:
    """`2026-11-20 03:14:07`, UTC by the house's rule; a time as text (ISO 8601) is read first."""
    if not value:
        return ""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return f"{time:%Y-%m-%d %H:%M:%S}"


def day(value: datetime | None, language: str = "en") -> str:
    """`19 Nov`."""
    if value is None:
        return ""
    return f"{value.month}月{value.day}日" if language == "zh" else f"{value.day} {value:%b}"


def reason(code: str) -> str:
    return REASONS.get(code, code)


def environment(folder: Path, language: str = "en") -> Environment:
    """Jinja over the templates: everything escaped, everything made visible, no name silently empty; what stands in
    `_()` is said in this language. `_()` takes it for markup, so it is for what a template says itself; what comes
    from code goes through the filter `said`."""
    made = Environment(
        loader=FileSystemLoader([folder, PACKAGED / language]),  # the words of mails, `_words.txt`, are ours too
        autoescape=True,
        finalize=visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    said = catalogue(language)
    made.install_gettext_callables(  # type: ignore[attr-defined]  # comes with the extension
        lambda text: said.get(text) or text,
        lambda one, many, count: said.get(one if count == 1 else many) or (one if count == 1 else many),
        newstyle=True,
    )
    made.globals["static"] = static_files.address
    made.filters |= {
        "moment": moment,
        "day": partial(day, language=language),
        "reason": reason,
        "said": Phrases(said, code(language)).say,
    }
    return made


def catalogue(language: str) -> dict[str, str]:
    """What each English sentence of the pages is in this language, from `locale/LANGUAGE.po` and what
    begins with `LANGUAGE-`; for English only how words of closed lists are written."""
    return _read(language, "*")


def code(language: str) -> dict[str, str]:
    """The part of the catalogue whose sentences are not the pages' but of the code that decides: `LANGUAGE-code.po`."""
    return _read(language, "-code")


def _read(language: str, part: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for message in _messages(language, part):
        ids = (message.id,) if isinstance(message.id, str) else tuple(message.id or ())
        texts = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        said |= {text: texts[min(at, len(texts) - 1)] for at, text in enumerate(ids)}
    return said


def _messages(language: str, part: str) -> Iterator[Message]:
    for path in sorted(_LOCALE.glob(f"{language}{part}.po")):
        with path.open("rb") as file:
            yield from (message for message in read_po(file, locale=language) if message.id and message.string)


def _shown(char: str) -> str:
    if char in _KEPT or not (unicodedata.category(char) in _HIDDEN or char in _BLANK):
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
