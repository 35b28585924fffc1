"""Mail about a feed, not of it: confirm the enrolment, renew the validation, application approved, report card.

Feedback loops, block lists, registries that check an abuse contact: a person has to click or to know, and a
feed that nobody confirms falls silent. Must never follow a link, and never take a report for this.
"""

from __future__ import annotations

import re

from parsers import notice
from parsers.message import Message
from parsers.report import Kind, Parsed

DIALECT_OF = (
    *("forwarded", "inline", "pasted", "reply", "free_text"),
    "log_notice",
)
NOT_IN_REPORTS = True

# What it is about: words that mail to an abuse desk has for the trade, and other mail hardly ever.
_FEEDS = re.compile(
    r"feedback[ -]?loops?|complaint (?:feedback|feed)|\bFBL\b|\bJMRP\b|\bSNDS\b|junk mail reporting program"
    r"|smart network data|abuse[ -](?:contact|mailbox|c\b)|abuse-mailbox|\bIRT\b.{0,40}(?:object|contact|validat)"
    r"|\bX?ARF (?:report|feed)|shadowserver|spamcop|netcraft|blocklist\.de|\babusix\b|sender ?score|return ?path"
    r"|universal fbl|validity|signal[ -]?spam|postmaster tools|project honey ?pot|abuse ?hub|spamhaus|safe ?browsing"
    r"|report delivery|abuse reports",
    re.IGNORECASE,
)
_STEPS = re.compile(
    r"confirm|verif(?:y|ication)|validat(?:e|ion)|re-?validat|activat(?:e|ion)|enrol|registration|sign[ -]?up"
    r"|subscri(?:be|ption)|expir(?:e|es|ing|ation|ed)|renew|approv(?:ed|al)|application|welcome|report card|maintenance"
    r"|authori[sz]ation (?:code|request)|your request|has been (?:added|removed|suspended|disabled|closed)"
    r"|new (?:format|sender|address)|access (?:request|granted)",
    re.IGNORECASE,
)
_LINK_OR_CODE = re.compile(r"https?://|\bcode\b|\btoken\b|\breply to this|mailto:", re.IGNORECASE)

_SENDERS = re.compile(
    r"(?:^|\.)(?:senderscore\.net|returnpath\.(?:net|com)|validity\.com|yahoo(?:inc)?\.com|aol\.(?:net|com)|microsoft\.com"
    r"|hotmail\.com|outlook\.com|shadowserver\.org|spamcop\.net|spamhaus\.(?:org|com)|abusix\.(?:com|org)|blocklist\.de"
    r"|netcraft\.com|projecthoneypot\.org|abusehub\.nl|signal-spam\.fr|ripe\.net|apnic\.net|arin\.net|lacnic\.net|afrinic\.net"
    r"|google\.com|zoho(?:corp)?\.com|mail\.ru|fastmail\.com|comcast\.net)\Z",
    re.IGNORECASE,
)


def recognises(message: Message) -> bool:
    if notice.for_others(message) or notice.answered(message):
        return False
    subject = message.envelope.subject or ""
    text = notice.without_ticket(message.text)[:6_000]
    if not _STEPS.search(subject) or message.sheets.found or notice.addresses(subject):
        return False
    if _FEEDS.search(subject):
        return bool(_STEPS.search(text) or _LINK_OR_CODE.search(text))
    return (
        len({hit[0].lower() for hit in _FEEDS.finditer(text)}) >= 1
        and bool(_LINK_OR_CODE.search(text))
        and _by_feed(message)
    )


def read(message: Message) -> Parsed:
    return message.parsed(Kind.ADMIN)


def _by_feed(message: Message) -> bool:
    """The subject says nothing of a feed: then the sender's own domain must."""
    domain = (message.envelope.from_ or "").rpartition("@")[2]
    return bool(_SENDERS.search(domain))
