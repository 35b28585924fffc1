"""The reported mails themselves, as they stood in a message: for a content filter, which wants to read them whole.

Pure. Must never decode or repair anything: the filter is to see what was reported.
"""

from __future__ import annotations

from parsers import registry
from parsers.envelope import structure
from parsers.message import Message
from parsers.report import Limits


def reported_mails(raw: bytes, limits: Limits) -> list[bytes | None]:
    """For each report of a message the bytes of the mail that it is about; None where only a header was sent, or
    nothing. Empty for what cannot be read."""
    try:
        reports = registry.read(Message(structure(raw, limits), limits)).reports
    except Exception:  # noqa: BLE001  it was read before, or a person looks at it
        return []
    found = []
    for report in reports:
        mail = report.original.mail if report.original and not report.original.headers_only else None
        found.append(None if mail is None else mail.raw[mail.start : mail.end])
    return found
