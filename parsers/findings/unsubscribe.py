"""Can the recipient stop the mailing: List-Unsubscribe, one click (RFC 8058), a visible link (duty CON-4)?

Nothing is fetched, so whether a link works is not known. Must never say that something is
missing in a body which is not here whole.
"""

from __future__ import annotations

import re

from parsers import envelope, unsubscribe_words
from parsers.report import Finding
from parsers.reported import ReportedMail

_ONE_CLICK = re.compile(r"\s*List-Unsubscribe\s*=\s*One-Click\s*\Z", re.IGNORECASE)


def check(mail: ReportedMail) -> list[Finding]:
    header = envelope.first(mail.headers, "list-unsubscribe")
    visible = _visible(mail)
    if header is None:
        if not visible and mail.whole:
            said = "the mail has no List-Unsubscribe field, and nothing in its text tells how to unsubscribe"
            return [Finding("no-unsubscribe", said)]
        return [Finding("no-list-unsubscribe", "the mail has no List-Unsubscribe field")]
    found: list[Finding] = []
    if not visible and mail.whole:
        said = "the text of the mail shows no link or address to unsubscribe with"
        found.append(Finding("no-unsubscribe-link", said))
    if missing := _not_one_click(mail, header):
        said = f"the mail cannot be unsubscribed from with one click (RFC 8058): {missing}"
        found.append(Finding("no-one-click", said))
    return found


def _visible(mail: ReportedMail) -> bool:
    """A word for it, and a link or an address that it may belong to."""
    if not _told(mail):
        return False
    return bool(mail.links) or any("@" in text.lower or "href" in text.lower for text in mail.texts)


def _told(mail: ReportedMail) -> bool:
    for text in mail.texts:
        for word in unsubscribe_words.COMMON:
            if word in text.lower:
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
