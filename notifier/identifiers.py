"""What identifies a recipient as surely as an address does: the marks that a mailing carries for each of them.

Pure. RFC 6590 and RED-3: VERP return paths, unsubscribe links, Feedback-ID, campaign and subscriber numbers,
Message-IDs. Their header fields never leave; the same marks in a body have to go as well. Must never take a word of the
language for a mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

_MARKED = frozenset(
    {
        *("message-id", "in-reply-to", "references", "return-path", "x-envelope-from", "list-unsubscribe"),
        *("feedback-id", "x-feedback-id", "errors-to", "bounces-to", "x-mailer-recptid", "list-id", "x-job"),
        *("cfbl-feedback-id", "cfbl-address", "resent-message-id", "list-help", "list-subscribe", "list-owner"),
        *("x-csa-complaints", "x-report-abuse", "x-mailgun-sid", "x-sg-eid", "x-sg-id", "x-mc-user", "x-ses-outgoing"),
    }
)
_NAMES_ONE = re.compile(
    r"^x-.{0,60}(?:id|uid|hash|token|key|track|tracking|campaign|subscriber|recipient|member|rcpt|bounce|batch|job"
    r"|unsubscribe|unsubscribe-web)\b",
    re.IGNORECASE,
)
_MADE_FOR_ONE = re.compile(
    r"\d{5,}|(?=[a-z]*\d)[0-9a-z]{16,}|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}", re.IGNORECASE | re.ASCII
)
_PIECE = re.compile(r"[A-Za-z0-9_-]{6,200}")
_SCHEME = re.compile(r"\b[a-z]+://[^/\s>]*|@[A-Za-z0-9.-]+", re.IGNORECASE)
_MOST = 60
_LONGEST_VALUE = 4000


def marks(headers: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The marks in decoded header fields, longest first, as they are spelt."""
    found: dict[str, None] = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered in _MARKED or _NAMES_ONE.match(lowered):
            for piece in _PIECE.findall(_SCHEME.sub(" ", value[:_LONGEST_VALUE])):
                if _is_mark(piece):
                    found[piece] = None
        if len(found) > _MOST:
            break
    return tuple(sorted(list(found)[:_MOST], key=lambda piece: (-len(piece), piece)))


def is_verp(local: str) -> bool:
    """Whether the local part of an address is made for one recipient (bounce-123-bob=example.com)."""
    return "=" in local or "+" in local or _MADE_FOR_ONE.search(local) is not None


def has_mark(local: str) -> bool:
    """Whether a part of it looks like the number of a recipient. Of a mailbox that somebody reads that may be wrong."""
    return any(_is_mark(piece) for piece in re.split(r"[^A-Za-z0-9]", local))


def without(text: str, found: Iterable[str], by: Callable[[str], str]) -> str:
    """`text` with each mark replaced by what `by` makes of it."""
    for mark in found:
        if mark in text:
            text = text.replace(mark, by(mark))
    return text


def _is_mark(piece: str) -> bool:
    """Letters alone are a word, four digits a year."""
    digits = sum(character.isdigit() for character in piece)
    return digits >= 3 or (digits >= 1 and len(piece) >= 8)
