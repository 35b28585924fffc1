"""Is the Date of the mail far from the time at which it was received? (MED-1, NET-1: false information.)"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from parsers.contract import iso
from parsers.report import Finding
from parsers.reported import ReportedMail

FAR = timedelta(days=2)  # queues, and clocks that are set to another zone, stay below


def check(mail: ReportedMail) -> Iterator[Finding]:
    original = mail.report.original
    received = next((hop.time for hop in mail.report.trace if hop.time), None) or mail.report.arrival_date
    if original is None or original.date is None or received is None:
        return
    apart = abs(original.date - received)
    if apart > FAR:
        yield Finding(
            "date-far-from-receipt",
            f"the mail is dated {iso(original.date)} but was received at {iso(received)}, {apart.days} days apart",
        )
