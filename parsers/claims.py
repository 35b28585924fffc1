"""What every format says of one message: for people who want to know why it was read as it was.

Pure. Must never raise for what a message does to a format: a bug in one is said in its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from parsers import registry
from parsers.envelope import structure
from parsers.errors import ParserError
from parsers.message import Message
from parsers.report import Limits


class Word(StrEnum):
    READS = "reads"  # the one that reads it
    GIVES_WAY = "gives way"  # it claims it too, and another knows more
    NO = "no"
    NOT_ASKED = "not asked"  # it says that it is never of this kind, a multipart/report or a feedback report
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Claim:
    """`name` of the format, its word, and for FAILED what went wrong."""

    name: str
    word: Word
    why: str = ""


def claims(raw: bytes, limits: Limits) -> list[Claim]:
    """A line for each format, by name; empty for what has no structure at all."""
    try:
        message = Message(structure(raw, limits), limits)
    except (ParserError, RecursionError, MemoryError):
        return []
    try:
        reads = registry.claimed_by(message)
    except Exception:  # noqa: BLE001  two claim it, or one failed: each line says what it did
        reads = None
    asked = registry.asked(message)
    return [_claim(name, message, reads) if name in asked else Claim(name, Word.NOT_ASKED) for name in registry.known()]


def _claim(name: str, message: Message, reads: str | None) -> Claim:
    try:
        claimed = registry.known()[name].recognises(message)
    except Exception as error:  # noqa: BLE001  a bug is what somebody is looking for here
        return Claim(name, Word.FAILED, f"{type(error).__name__}: {str(error)[:200]}")
    if not claimed:
        return Claim(name, Word.NO)
    return Claim(name, Word.READS if name == reads else Word.GIVES_WAY)
