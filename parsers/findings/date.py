"""Is the Date of the mail far from the time at which it was received? (MED-1, NET-1: false information.)"""

from __future__ import annotations

from datetime import timedelta

from parsers.contract import iso
from parsers.report import Finding
from parsers.reported import ReportedMail

FAR = timedelta(days=2)  # queues, and clocks that are set to another zone, stay below


def check(mail: ReportedMail) -> tuple[Finding, ...]:
    original = mail.report.original
    received = mail.report.arrival_date
    for hop in mail.report.trace:
        if hop.time:
            received = hop.time
            break
    if original is None or original.date is None or received is None:
        return ()
    apart = abs(original.date - received)
    if apart <= FAR:
        return ()
    said = f"the mail is dated {iso(original.date)} but was received at {iso(received)}, {apart.days} days apart"
    return (Finding("date-far-from-receipt", said),)
