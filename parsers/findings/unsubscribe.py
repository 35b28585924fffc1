"""Can the recipient stop the mailing: List-Unsubscribe, one click (RFC 8058), a visible link (duty CON-4)?

Nothing is fetched, so whether a link works is not known. Must never say that something is
missing in a body which is not here whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers import envelope, unsubscribe_words
from parsers.report import Finding
from parsers.reported import ReportedMail

_ONE_CLICK = re.compile(r"\s*List-Unsubscribe\s*=\s*One-Click\s*\Z", re.IGNORECASE)


def check(mail: ReportedMail) -> Iterator[Finding]:
    header = envelope.first(mail.headers, "list-unsubscribe") or ""
    visible = _visible(mail)
    if not header and not visible and mail.whole:
        yield Finding(
            "no-unsubscribe",
            "the mail has no List-Unsubscribe field, and nothing in its text tells how to unsubscribe",
        )
        return
    if not header:
        yield Finding("no-list-unsubscribe", "the mail has no List-Unsubscribe field")
    elif not visible and mail.whole:
        yield Finding("no-unsubscribe-link", "the text of the mail shows no link or address to unsubscribe with")
    if header and (missing := _not_one_click(mail, header)):
        yield Finding("no-one-click", f"the mail cannot be unsubscribed from with one click (RFC 8058): {missing}")


def _visible(mail: ReportedMail) -> bool:
    """A word for it, and a link or an address that it may belong to."""
    if not _told(mail):
        return False
    return bool(mail.links) or any("@" in text.lower or "href" in text.lower for text in mail.texts)


def _told(mail: ReportedMail) -> bool:
    if any(word in text.lower for text in mail.texts for word in unsubscribe_words.COMMON):
        return True
    for text in mail.margins:
        words = unsubscribe_words.ASCII if text.lower.isascii() else unsubscribe_words.ASCII + unsubscribe_words.OTHER
        if any(word in text.lower for word in words):
            return True
    return False


def _not_one_click(mail: ReportedMail, header: str) -> str | None:
    post = envelope.first(mail.headers, "list-unsubscribe-post")
    if post is None:
        return "it has no List-Unsubscribe-Post field"
    if not _ONE_CLICK.match(post):
        return "its List-Unsubscribe-Post field does not say One-Click"
    if "<https://" not in header.lower():
        return "its List-Unsubscribe field names no https address"
    return None
