"""Does the subject begin with 广告 or AD? Advertising sent in China has to (duty NET-1; order 38 of 2006, article 13).

Whether the mail advertises at all, staff judge: the check knows only its subject.
"""

from __future__ import annotations

import re
import unicodedata

from parsers.report import Finding
from parsers.reported import ReportedMail

_LABEL = re.compile(r"[\W_]{0,6}(?:广告|廣告|AD(?![A-Za-z]))")


def check(mail: ReportedMail) -> tuple[Finding, ...]:
    subject = mail.report.original.subject if mail.report.original else None
    text = (subject or "").strip()
    if _LABEL.match(text if text.isascii() else unicodedata.normalize("NFKC", text[:40])):
        return (Finding("advertising-label", f"the subject begins with an advertising label: “{mail.quote(text)}”"),)
    if text:
        return (Finding("no-advertising-label", f"the subject does not begin with 广告 or AD: “{mail.quote(text)}”"),)
    if b"subject" in mail.headers or b"from" in mail.headers:
        return (Finding("no-advertising-label", "the subject does not begin with 广告 or AD: it is empty"),)
    return ()
