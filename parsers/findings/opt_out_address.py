"""Is there an e-mail address to refuse further mail at? (Duty NET-2; order 38 of 2006, article 14.)

An address in List-Unsubscribe or anywhere in the text counts, except a recipient's own and
one that says of itself that nobody reads it. Whether it works for 30 days, nobody can see
in the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers import envelope
from parsers.report import Finding
from parsers.reported import ReportedMail

LOOKED_AT = 200  # addresses of one text

_LOCAL = re.compile(r"[a-z0-9._%+=-]{1,64}\Z")
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}")
_UNREAD = re.compile(r"(?:no|not|do-?not|donot)[._-]?(?:reply|respond|answer)")


def check(mail: ReportedMail) -> tuple[Finding, ...]:
    header = envelope.first(mail.headers, "list-unsubscribe") or ""
    if "<mailto:" in header.lower() or not mail.whole:
        return ()
    given: set[str] = set()
    for text in mail.texts:
        if "@" in text.lower:
            given |= {one for one in addresses(text.lower) if not _UNREAD.match(one)}
    if given:
        given -= {one.lower() for one in mail.report.original_rcpt_to}
        given -= {box.address.lower() for box in envelope.mailboxes(envelope.raw(mail.headers, "to")[:1])}
    if given:
        return ()
    said = "neither List-Unsubscribe nor the text gives an e-mail address to refuse further mail at"
    return (Finding("no-opt-out-address", said),)


def addresses(text: str) -> Iterator[str]:
    at = -1
    for _ in range(LOOKED_AT):
        at = text.find("@", at + 1)
        if at < 0:
            return
        local = _LOCAL.search(text, max(0, at - 64), at)
        domain = _DOMAIN.match(text, at + 1)
        if local and domain:
            yield f"{local[0]}@{domain[0]}"
