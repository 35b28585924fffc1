"""Why a mail did not arrive, as a number: enhanced status codes (RFC 3463) out of fields and out of what servers say.

A refusing server's own words count before the reporting server's summary, a code that says something before
one that only names the class (`5.0.0`) or that time ran out (`4.4.7`). Must never take a version or an address
for a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

EXPIRED = "4.4.7"
TEXT_CHARS = 4_000
_CODE = r"[245]\.\d{1,3}\.\d{1,3}(?![\w]|[.-]\d)"
_ENHANCED = re.compile(rf"(?<![\w.:/-]){_CODE}|(?<=[45]\d\d-){_CODE}")
# `550 5.1.1`, `550-5.1.1`, `550-'5.7.1`, `554 (#5.1.1`, `550 #5.1.0`
_AFTER_REPLY = re.compile(rf"(?<![\w.:/@#=-])[245]\d\d[ \t-]{{1,3}}[(\[<'\"#]{{0,3}}({_CODE})")
# A reply code stands alone, at the beginning or behind words, and is followed by words or by nothing.
_REPLY = re.compile(r"(?:^|[\s:<(\"'])([45]\d\d)(?=[ -](?!\d{3,}\b)|\s*\Z|[\"')>\n:])")
_VERSION = re.compile(r"\b(?:version|ver|v|release|build)\.?[ :]?\d[\w.]{0,20}", re.IGNORECASE)


def stated(field: str | None) -> str | None:
    """The code in a Status field, whatever else stands there."""
    found = _ENHANCED.search((field or "")[:200])
    return found[0] if found else None


def spoken(text: str | None) -> str | None:
    """The code that a server gave: behind its reply code where there is one, the most telling of several."""
    if not text:
        return None
    shown = _VERSION.sub(" ", text[:TEXT_CHARS])
    behind = [found[1] for found in _AFTER_REPLY.finditer(shown)]
    return most_telling(behind) or most_telling(_ENHANCED.findall(shown))


def replied(text: str | None) -> str | None:
    """The class of a reply code that has no enhanced code beside it: `5.0.0` for `550 user unknown`."""
    found = _REPLY.search((text or "")[:TEXT_CHARS])
    return f"{found[1][0]}.0.0" if found else None


def most_telling(codes: Iterable[str | None]) -> str | None:
    """The first code of those that say most. None where there is none."""
    known = [code for code in codes if code]
    return max(known, key=_tells, default=None)


def _tells(code: str) -> int:
    if code.endswith(".0.0"):
        return 0
    return 1 if code == EXPIRED else 2
