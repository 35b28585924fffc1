"""Was it posted to newsgroups in mass? 15 or more groups are newsgroup spam (duty PAG-3)."""

from __future__ import annotations

from parsers.findings import MASS_POSTING
from parsers.report import Finding
from parsers.reported import ReportedMail

MASS = 15


def check(mail: ReportedMail) -> tuple[Finding, ...]:
    if not mail.headers.may_have("newsgroups"):
        return ()
    groups = {
        group.strip() for value in mail.headers.all(b"newsgroups")[:20] for group in value[:64_000].split(b",")
    } - {b""}
    if len(groups) < MASS:
        return ()
    return (Finding(MASS_POSTING, f"the article was posted to {len(groups)} newsgroups at once"),)
