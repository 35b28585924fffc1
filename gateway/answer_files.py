"""The files that come with a customer's answer: kept for staff with the answer, bounded, never opened, never sent on.

Must never believe a file's name or type: they are shown, and decide nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from notifier.headers import clean
from parsers.archive import file_name
from parsers.envelope import decoded_body, structure
from parsers.errors import ParserError
from parsers.report import Limits
from parsers.scan import Part

MOST = 20  # files of one answer
FILE_BYTES = 10 * 1024 * 1024
ALL_BYTES = 25 * 1024 * 1024
_NAME_CHARS = 200
_TYPE_CHARS = 100


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """One file as it came; `content` is decoded."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


def of_mail(raw: bytes, limits: Limits) -> tuple[AnswerFile, ...]:
    """What is attached to a mail, without its texts."""
    try:
        return tuple(_attached(list(structure(raw, limits).walk())))
    except ParserError:  # then the mail itself is for a person
        return ()


def rows(files: Iterable[AnswerFile]) -> list[dict[str, Any]]:
    """As they are stored. What is beyond the bounds is kept by name, size and digest alone; what is beyond the number
    is not kept."""
    kept: list[dict[str, Any]] = []
    left = ALL_BYTES
    for one in list(files)[:MOST]:
        size = len(one.content)
        fits = size <= min(FILE_BYTES, left)
        left -= size if fits else 0
        kept.append(
            {
                "name": clean(one.name.replace("/", "_").replace("\\", "_"), _NAME_CHARS) or "without a name",
                "content_type": clean(one.content_type, _TYPE_CHARS),
                "size": size,
                "sha256": hashlib.sha256(one.content).hexdigest(),
                "content": one.content if fits else None,
            }
        )
    return kept


def _attached(parts: list[Part]) -> Iterator[AnswerFile]:
    for part in parts:
        name = file_name(part)
        is_text = part.content_type in (b"text/plain", b"text/html") and not name
        if part.content_type.startswith(b"multipart/") or is_text:
            continue
        yield AnswerFile(name, part.content_type.decode("ascii", "replace"), decoded_body(part))
