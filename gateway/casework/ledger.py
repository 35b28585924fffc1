"""Fines: which complaints of a case are charged, and what a customer owes. Pure.

One charge for a complaint held valid (SES-3); a complaint is one distinct (complainant,
account, evidence). Money is Decimal with its currency, and sums never mix two of them. A
mistake is reversed by a line of its own. Must never charge by itself: staff do, or the
policy's switch when a case is closed as the customer's fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Counted:
    """An accepted report of a case, as the ledger counts it."""

    report_id: int
    account_id: int
    complainant: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger. `reverses` is the charge that it takes back; then the amount is negative."""

    id: int
    at: datetime
    customer: str
    case_id: int | None
    report_id: int | None
    amount: Decimal
    currency: str
    why: str
    who: str
    reverses: int | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A charge to be written, once under its key."""

    key: str
    account_id: int
    report_id: int | None


def plan(reports: Iterable[Counted]) -> list[Planned]:
    """One charge for each distinct complaint, in the order of the reports. A complaint that nobody accountable stands
    behind is none."""
    planned: dict[str, Planned] = {}
    for report in reports:
        if report.complainant is not None:
            key = _key(report)
            planned.setdefault(key, Planned(key, report.account_id, report.report_id))
    return list(planned.values())


def open_charges(entries: Sequence[Entry]) -> list[Entry]:
    """The charges that were not reversed."""
    gone = {entry.reverses for entry in entries if entry.reverses is not None}
    return [entry for entry in entries if entry.reverses is None and entry.id not in gone]


def balances(entries: Iterable[Entry]) -> dict[str, Decimal]:
    """What is owed, by currency."""
    owed: dict[str, Decimal] = {}
    for entry in entries:
        owed[entry.currency] = owed.get(entry.currency, Decimal(0)) + entry.amount
    return owed


def _key(report: Counted) -> str:
    """Tells nobody who complained: the ledger is shown to customers' people too."""
    said = f"{report.account_id}\0{report.complainant}\0{report.fingerprint}"
    return f"complaint:{hashlib.sha256(said.encode('utf-8', 'surrogateescape')).hexdigest()[:40]}"
