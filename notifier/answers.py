"""What an SMTP answer means for the notice: code, enhanced code and words -> Outcome.

Pure. RFC 5321 section 4.2 and RFC 3463. Must never call anything final that the next hour
could mend: a wrongly refused notice makes a customer's contact look dead.
"""

from __future__ import annotations

import re
from typing import Literal

from notifier.headers import clean
from notifier.notice import Deferred, Refused, Why

Phase = Literal["mail", "rcpt", "data"]

_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})\b")
_RATE = re.compile(r"\b(?:rate|too many|too much|throttl|limit exceeded|try again later.{0,20}volume)", re.IGNORECASE)
_BY_PHASE: dict[Phase, Why] = {"mail": Why.SENDER, "rcpt": Why.RECIPIENT, "data": Why.CONTENT}
_LOGIN_CODES = frozenset({530, 534, 535, 538})
_RATE_STATUS = frozenset({(7, 28), (5, 3), (2, 7)})
_TOO_BIG = (3, 4)


def outcome_of(phase: Phase, code: int, words: str) -> Deferred | Refused:
    """The outcome of a refusing answer: 5xx is for good, everything else is for now."""
    answer = answer_text(code, words)
    if code in _LOGIN_CODES:
        return Deferred(Why.AUTHENTICATION, answer)  # our settings: no fault of the recipient
    if not 500 <= code < 600:
        temporary = 400 <= code < 500 and code != 421
        return Deferred(_why(phase, words, temporary=True) if temporary else Why.SERVER, answer)
    return Refused(_why(phase, words, temporary=False), answer)


def answer_text(code: int, words: str) -> str:
    """The server's answer as one bounded line for staff."""
    return clean(f"{code} {words}" if code > 0 else words, 500)


def _why(phase: Phase, words: str, *, temporary: bool) -> Why:
    match = _ENHANCED.match(words.lstrip())
    status = (int(match[1]), int(match[2])) if match else None
    if temporary and (status in _RATE_STATUS or _RATE.search(words[:1000])):
        return Why.RATE
    if status is None:
        return _BY_PHASE[phase]
    if status == _TOO_BIG:
        return Why.CONTENT
    return {
        1: Why.SENDER if phase == "mail" or status[1] in {7, 8} else Why.RECIPIENT,  # X.1.7, X.1.8: sender's address
        2: Why.RECIPIENT,
        6: Why.CONTENT,
        # Policy: about who we are before the mail was seen, about the mail after.
        7: Why.CONTENT if phase == "data" else Why.SENDER,
    }.get(status[0], Why.SERVER)
