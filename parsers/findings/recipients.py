"""Are there recipients that are no addresses, or have no domain? (Duty MED-1.)

What a reporter made unreadable is nobody's fault and left out. Counts only: a recipient is
not named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from parsers import envelope
from parsers.report import Finding
from parsers.reported import ReportedMail

FIELDS = (b"to", b"cc")
LOOKED_AT = 200
FIELD_CHARS = 8_000

# One address as nearly all mail has it, which need not be decoded.
_PLAIN_PATTERN = r"(?:[\w .'-]{0,100}<)?[\w.+-]{1,64}@(?:[A-Za-z0-9][A-Za-z0-9-]{0,62}\.){1,10}[A-Za-z]{2,63}>?\s*\Z"
_PLAIN = re.compile(_PLAIN_PATTERN.encode())
_PLAIN_TEXT = re.compile(_PLAIN_PATTERN, re.ASCII)
_QUOTED = re.compile(r'"[^"]{0,500}"|\([^()]{0,500}\)')
_HIDDEN = re.compile(
    r"redact|remov|hidden|undisclosed|suppress|munged|unlisted|recipient|invalid|\*|…|\.\.\.", re.IGNORECASE
)
_MASKED = re.compile(r"[x#_?.\s-]{0,64}\Z", re.IGNORECASE)
_LOCAL_ONLY = re.compile(r"[A-Za-z0-9._%+=-]{1,64}@?\Z")
_WELL_FORMED = re.compile(
    r"[^\s@<>,;:\"()\[\]\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?){0,20}\.?|\[[0-9A-Za-z:.]{2,50}\])\Z"
)


def check(mail: ReportedMail) -> Iterable[Finding]:
    headers = mail.headers
    if not headers.texts:
        return _judged(mail)
    for text in headers.all_texts("to") + headers.all_texts("cc"):
        if not _PLAIN_TEXT.match(text):
            return _judged(mail)
    return ()


def _judged(mail: ReportedMail) -> Iterator[Finding]:
    total = domainless = malformed = 0
    for name in FIELDS:
        for value in mail.headers.all(name)[:5]:
            if _PLAIN.match(value):
                total += 1
                continue
            for address in _addresses(value):
                total += 1
                if _WELL_FORMED.match(address):
                    continue
                if _LOCAL_ONLY.match(address):
                    domainless += 1
                else:
                    malformed += 1
    if domainless:
        yield Finding("recipient-without-domain", f"{_of(domainless, total)} in To and Cc has no domain")
    if malformed:
        yield Finding("recipient-malformed", f"{_of(malformed, total)} in To and Cc is not a valid address")


def _of(count: int, total: int) -> str:
    return f"{count} of {total} recipients" if total > 1 else "the only recipient"


def _addresses(value: bytes) -> Iterator[str]:
    """The address of each recipient as it stands; none where it was hidden, or the field is a group."""
    text = envelope.decode(value)[:FIELD_CHARS]
    if '"' in text or "(" in text:
        text = _QUOTED.sub("", text)
    for one in re.split(r"[,;]", text)[:LOOKED_AT]:
        opened = one.rfind("<")
        address = one[opened + 1 :].partition(">")[0] if opened >= 0 else one
        address = address.strip(" '\t")
        if ":" in address and "@" not in address:
            continue  # the name of a group
        if not _MASKED.match(address) and not _HIDDEN.search(one):
            yield address
