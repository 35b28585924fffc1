"""Does the HTML of the mail itself carry a script? No mail program runs it, and no honest mailing has one. (MED-1.)

Structured data for machines (`application/ld+json`) is no script.
"""

from __future__ import annotations

import re

from parsers.report import Finding
from parsers.reported import ReportedMail

HITS = 20
_DATA = re.compile(r"<script[^<>]{0,200}application/(?:ld\+)?json")


def check(mail: ReportedMail) -> tuple[Finding, ...]:
    for text in mail.texts:
        if text.html and _script(text.lower):
            return (Finding("script-in-html", "the HTML of the mail carries a script"),)
    return ()


def _script(lower: str) -> bool:
    at = -1
    for _ in range(HITS):
        at = lower.find("<script", at + 1)
        if at < 0:
            break
        if not _DATA.match(lower, at):
            return True
    return "javascript:" in lower
