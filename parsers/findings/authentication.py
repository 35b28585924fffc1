"""What the reporter's server says of SPF, DKIM and DMARC, where that is a failure (NET-1: no forged envelope data).

The report's own field first; else the topmost result in the mail, which whoever stands above
it may have written. A claim in either case, and told as one.
"""

from __future__ import annotations

import re

from parsers import envelope
from parsers.report import Finding
from parsers.reported import ReportedMail

LINE_CHARS = 2_000
_FAILED = re.compile(r"\b(spf|dkim|dmarc)\s?=\s?(fail|softfail|permerror|hardfail)\b")


def check(mail: ReportedMail) -> tuple[Finding, ...]:
    lines = mail.report.authentication_results
    said = "the reporter's server"
    if not lines:
        lines = envelope.every(mail.headers, "authentication-results", 1)
        said = "the topmost Authentication-Results of the mail"
    failed: list[str] = []
    for line in lines[:10]:
        lower = line[:LINE_CHARS].lower()
        if "fail" in lower or "permerror" in lower:
            failed += [f"{method}={result}" for method, result in _FAILED.findall(lower)]
    if not failed:
        return ()
    return (Finding("authentication-failed", f"{said} says {', '.join(dict.fromkeys(failed))}"),)
