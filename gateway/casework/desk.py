"""The desk: the cases and clocks that a batch of work touches, held as values while it decides.

The store lays the rows out (one read for the whole batch) and takes away what changed; in
between, each decision sees what the one before it did. Must never read or write anything
itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.casework import cases
from gateway.casework.cases import Complaint, Terms
from gateway.casework.clocks import Change
from gateway.model import Case, CaseKey, Clock

ClockKey = tuple[CaseKey, str, str]


@dataclass(frozen=True, slots=True)
class Party:
    """Whom an account's notices go to. `contacts` in order of trial: its own, then those up the tree (SES-2)."""

    account_id: int
    account: str
    customer: str
    name: str
    language: str
    contacts: tuple[str, ...]
    policy: str | None = None  # name of its own policy; None: the default
    vetted: bool = False  # may see the body of a reported mail, where its complainant agreed
    delivery: str = "mail"  # how it wants to be told: mail, xarf, channel:NAME ...
    languages: Mapping[str, str] = field(default_factory=dict)  # of contacts that have another one

    def language_of(self, contact: str) -> str:
        """The language of a notice to one of the contacts: its own, else its customer's."""
        return self.languages.get(contact, self.language)

    @property
    def target(self) -> str:
        """The account as actions name it: `customer`, or `customer/account`."""
        return self.customer if self.account == "main" else f"{self.customer}/{self.account}"


@dataclass(frozen=True, slots=True)
class Origin:
    """What brought a change about: `about` are the report's facts as notices tell them, `evidence` what may
    leave the house of it, `report` its position in the batch (None: no report did)."""

    about: dict[str, object] = field(default_factory=dict)
    evidence: dict[str, object] | None = None
    report: int | None = None
    who: str = "arfgate"


@dataclass(frozen=True, slots=True)
class Applied:
    """One change on the desk, and where it came from."""

    change: Change
    origin: Origin = Origin()
    opens_case: bool = False


@dataclass(frozen=True, slots=True)
class Redirect:
    """Where to what comes for an account and class goes since their case `merged` (its id) was merged away."""

    merged: int
    into: CaseKey


@dataclass
class Desk:
    """The working set. `cases` holds for each (account, class) the latest case that is not dismissed or merged;
    beside it, under longer keys, cases that were split off (`apart`) or are no longer the latest."""

    parties: dict[int, Party]
    cases: dict[CaseKey, Case] = field(default_factory=dict)
    clocks: dict[ClockKey, Clock] = field(default_factory=dict)
    redirects: dict[CaseKey, Redirect] = field(default_factory=dict)
    apart: dict[CaseKey, list[CaseKey]] = field(default_factory=dict)  # (account, class) -> its split-off cases
    superseded: list[int] = field(default_factory=list)  # ids of cases that are over for good
    changed_cases: set[CaseKey] = field(default_factory=set)
    changed_clocks: set[ClockKey] = field(default_factory=set)
    applied: list[Applied] = field(default_factory=list)

    def copy(self) -> Desk:
        """The same desk to try things on: nothing of it is saved."""
        return Desk(
            self.parties, dict(self.cases), dict(self.clocks), redirects=dict(self.redirects), apart=dict(self.apart)
        )

    def file(self, complaint: Complaint, terms: Terms, origin: Origin, *, now: datetime) -> Change:
        """File one complaint and remember what follows."""
        if self.redirects or self.apart:
            complaint = self._directed(complaint, now, terms.reopen)
        key = complaint.key
        clock_key = (key, complaint.kind.value, complaint.value)
        contacts = len(self.parties[key[0]].contacts)
        filing = cases.file(complaint, self.cases.get(key), self.clocks.get(clock_key), contacts, terms, now=now)
        if filing.supersedes:
            self._clear(key)
        if filing.case != self.cases.get(key):
            self.cases[key] = filing.case
            self.changed_cases.add(key)
        self.apply(Applied(filing.change, origin, filing.is_new_case))
        return filing.change

    def apply(self, applied: Applied) -> None:
        """Put a change on the desk."""
        clock = applied.change.clock
        if self.clocks.get(clock.key) != clock:
            self.clocks[clock.key] = clock
            self.changed_clocks.add(clock.key)
        self.applied.append(applied)

    def of_case(self, key: CaseKey) -> list[Clock]:
        return [clock for clock in self.clocks.values() if clock.case_key == key]

    def settle(self, key: CaseKey, at: datetime) -> None:
        """Resolve the case itself once its last clock is resolved."""
        after = cases.settle(self.cases[key], self.of_case(key), at)
        if after != self.cases[key]:
            self.cases[key] = after
            self.changed_cases.add(key)

    def _directed(self, complaint: Complaint, now: datetime, reopen: timedelta) -> Complaint:
        """The complaint with the case that it goes to: the split-off case that holds its resource, else the one
        that its own was merged into. Those that take no evidence any more are passed over for good."""
        for key in list(self.apart.get(complaint.key, ())):
            if (key, complaint.kind.value, complaint.value) not in self.clocks:
                continue
            if cases.takes_evidence(self.cases[key], now, reopen):
                return replace(complaint, into=key)
            self.apart[complaint.key] = [k for k in self.apart[complaint.key] if k != key]
            self._clear(key)
        redirect = self.redirects.get(complaint.key)
        if redirect is None:
            return complaint
        target = self.cases.get(redirect.into)
        if target is not None and cases.takes_evidence(target, now, reopen):
            return replace(complaint, into=redirect.into)
        del self.redirects[complaint.key]
        self.superseded.append(redirect.merged)
        return complaint

    def _clear(self, key: CaseKey) -> None:
        old = self.cases.pop(key)
        if old.id is not None:
            self.superseded.append(old.id)
        for clock_key in [k for k in self.clocks if k[0] == key]:
            del self.clocks[clock_key]
