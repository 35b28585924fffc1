"""What makes two reports the same evidence, and two complaints the same complainant's.

Exact identity only: likeness serves floods and display, never counting. Must never use anything that the
reporter's software adds anew to each report (its own Message-ID, its subject, its `Incidents`).
"""

from __future__ import annotations

import hashlib

from gateway.model import Identity, IdentityKind
from parsers.report import Original, Report


def fingerprint(report: Report) -> str:
    """SHA-256 (hex) of the reported mail's Message-ID, Date and From; where these do not name a mail, of
    source, time, type and body digest.
    """
    original = report.original or Original()
    if original.message_id or (original.date and original.from_):
        return _digest(
            "mail",
            (original.message_id or "").strip(),
            original.date.isoformat() if original.date else "",
            (original.from_ or "").strip().lower(),
        )
    resources = sorted(f"{r.role}:{r.kind}:{r.value}" for r in report.resources)
    return _digest(
        "incident",
        report.source_ip or " ".join(resources),
        str(report.source_port or ""),
        report.arrival_date.isoformat() if report.arrival_date else "",
        report.category.value,
        (report.feedback_type or "").lower(),
        original.body_digest or hashlib.sha256(original.header_block).hexdigest(),
    )


def complainant(report: Report, identity: Identity) -> str | None:
    """Who complains, as a key for counting: the authenticated address; for a feed its name and the recipient it
    shows (redacted as it may be), or the feed alone where it shows none. None: nobody accountable.
    """
    if identity.kind is IdentityKind.DOMAIN and identity.address:
        return identity.address.lower()
    if identity.kind is IdentityKind.FEED:
        recipient = report.original_rcpt_to[0].strip().lower() if report.original_rcpt_to else ""
        return f"feed:{identity.feed}:{recipient}"
    return None


def _digest(*values: str) -> str:
    """Each value with its length: no two lists of values give the same bytes."""
    digest = hashlib.sha256()
    for value in values:
        data = value.encode("utf-8", "surrogateescape")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()
