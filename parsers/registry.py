"""Finds the formats, asks each whether a message is its own, and lets exactly one read it.

A format is a module of `parsers.formats` whose name does not begin with `_`: no list, no order. Two claims
are an error unless one of the two says `DIALECT_OF = "the other"` (or a tuple of names): then the dialect,
which knows more, reads. What reads a person's words says `GENERAL = True` and gives way to every other claim.
What is never a multipart/report says `NOT_IN_REPORTS = True`, and is not asked about one: two of three
formats; what is never one that is labelled a feedback report and holds one, which nearly all is that machines
send, says `NOT_IN_FEEDBACK_REPORTS = True`. Where mail attached to a mail is taken for spam (`PASSES_ON =
True`), it is first asked whether it is a feed's mail that a colleague passed on: of formats that no spam is
mistaken for (`FORWARDED_TOO = True`). Must never swallow a bug; the face of the package catches those.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Protocol, cast

from parsers import formats
from parsers.errors import AmbiguousError, MalformedError
from parsers.frozen import changed
from parsers.message import Message
from parsers.report import Kind, Parsed


class Format(Protocol):
    """What a module in `formats/` offers; `_template.py` shows it. The constants may be absent."""

    __name__: str

    def recognises(self, message: Message) -> bool: ...

    def read(self, message: Message) -> Parsed: ...


@cache
def known() -> MappingProxyType[str, Format]:
    """Format by name: the modules that lie in the package."""
    names = sorted(found.name for found in pkgutil.iter_modules(formats.__path__) if not found.name.startswith("_"))
    return MappingProxyType(
        {name: cast("Format", importlib.import_module(f"{formats.__name__}.{name}")) for name in names}
    )


def dialect_of(module: Format) -> tuple[str, ...]:
    """Names of the formats that `module` knows more of than they do."""
    general = getattr(module, "DIALECT_OF", ())
    return (general,) if isinstance(general, str) else tuple(general)


def asked(message: Message) -> MappingProxyType[str, Callable[[Message], bool]]:
    """Name and `recognises` of each format that is asked about it."""
    if message.root.content_type != b"multipart/report":
        return _all_but()
    if message.report_type == b"feedback-report" and message.feedback_parts:
        return _all_but("NOT_IN_REPORTS", "NOT_IN_FEEDBACK_REPORTS")
    return _all_but("NOT_IN_REPORTS")


@cache
def _all_but(*words: str) -> MappingProxyType[str, Callable[[Message], bool]]:
    """Those that say none of these words."""
    modules = known().items()
    return MappingProxyType(
        {name: one.recognises for name, one in modules if not any(_says(name, word) for word in words)}
    )


def claimed_by(message: Message) -> str | None:
    """The one format whose message this is, None where no format knows it. Raises AmbiguousError."""
    claims = [name for name, recognises in asked(message).items() if recognises(message)]
    return _chosen(tuple(claims)) if claims else None


@lru_cache(maxsize=1_000)
def _chosen(several: tuple[str, ...]) -> str:
    """The one of these that reads, by what they say of each other: always the same. Raises AmbiguousError."""
    claims = list(several)
    if len(claims) > 1:
        general = {name for claim in claims for name in dialect_of(known()[claim])}
        claims = [name for name in claims if name not in general] or claims
    if len(claims) > 1:
        claims = [name for name in claims if not getattr(known()[name], "GENERAL", False)] or claims
    if len(claims) > 1:
        raise AmbiguousError(f"more than one format claims the message: {', '.join(claims)}")
    return claims[0]


def read(message: Message) -> Parsed:
    """What the message says. Raises ParserError."""
    name = claimed_by(message)
    if name is None:
        if message.broken:
            raise MalformedError(f"no part of it can be found: {message.broken}")
        return message.parsed(Kind.UNKNOWN)
    if _says(name, "PASSES_ON") and (inner := _passed_on(message)):
        parsed = known()[inner.format or ""].read(inner)
        defects = ("nested-report", *message.root.budget.defects, *parsed.defects)
        return changed(parsed, envelope=message.envelope, defects=tuple(dict.fromkeys(defects)))
    message.format = name
    return known()[name].read(message)


def _passed_on(message: Message) -> Message | None:
    """The one attached message, where a format that knows its own when they are forwarded claims it."""
    if len(message.inner_messages) != 1:
        return None
    inner = message.inner_messages[0]
    inner.format = claimed_by(inner)
    return inner if inner.format is not None and _says(inner.format, "FORWARDED_TOO") else None


@cache
def _says(name: str, word: str) -> bool:
    return bool(getattr(known()[name], word, False))
