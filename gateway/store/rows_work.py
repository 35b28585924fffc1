"""What follows from reports: cases, clocks, notices, actions, events, contacts of others.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

JsonDict = dict[str, Any]


class CaseRow(SQLModel, table=True):
    """`current` is `account/class` while the case takes evidence: at most one such case at a time. One that was
    split off has its id behind it; one that was merged keeps it as long as what comes goes `merged_into`."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("cases_opened", "opened_at"),
        Index("cases_resolved", "resolved_at", "opened_at", "state"),
        # each list of the console walks one of these, the newest first
        Index("cases_state", "state", "id"),
        Index("cases_account", "account_id", "id"),
        # how many are open of each customer in a list
        Index(
            "cases_open",
            "account_id",
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("cases_class", "cls", "id"),
        Index("cases_assignee", "assignee", "id"),
        Index("cases_severity", "severity", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    current: str | None = Field(default=None, unique=True)
    account_id: int = Field(foreign_key="accounts.id")
    cls: str
    state: str
    policy: str  # name and version it runs under
    opened_at: datetime
    resolved_at: datetime | None = None
    cause: str | None = None
    merged_into: int | None = Field(default=None, foreign_key="cases.id", index=True)
    assignee: str | None = None
    severity: str = "normal"
    legal_hold: bool = False  # nothing of it may be erased


class ClockRow(SQLModel, table=True):
    """One resource in a case. Ticks select on `next_at`; nothing else wakes a clock."""

    __tablename__ = "clocks"
    __table_args__ = (
        UniqueConstraint("case_id", "kind", "value"),
        Index("clocks_next", "next_at"),
        Index("clocks_notified", "notified_at", "answered_at", "round"),
        Index("clocks_due", "state", "due_at", "case_id"),
        Index("clocks_value", "value", "case_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id")
    kind: str
    role: str
    value: str
    state: str
    round: int = 1
    step: int = 0
    contact: int = 0
    starts_at: datetime | None = None
    notified_at: datetime | None = None
    due_at: datetime | None = None
    next_at: datetime | None = None
    answered_at: datetime | None = None
    resolved_at: datetime | None = None
    remaining: float | None = None
    answer_used: bool = False
    resolution: str = ""  # what was done, as staff hold it true
    prevention: str = ""  # what keeps it from coming back (SES-4)


class NoticeRow(SQLModel, table=True):
    """What is to be said to one address. `key` is the idempotency key and makes the Message-ID."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("notices_due", "state", "next_at"),
        Index("notices_mail_id", "mail_id"),
        Index("notices_unsettled", "settled"),
        Index("notices_said", "kind", "sent_at"),
    )
    id: int | None = Field(default=None, primary_key=True)  # the number in the notice address
    key: str = Field(unique=True)
    kind: str
    case_id: int | None = Field(default=None, foreign_key="cases.id", index=True)
    clock_id: int | None = Field(default=None, foreign_key="clocks.id", index=True)
    round: int = 1
    to: str
    language: str = "en"
    facts: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    evidence: JsonDict | None = Field(default=None, sa_column=Column(JSON))
    state: str = "pending"
    mail_id: str | None = None  # Message-ID, set before the first attempt
    attempts: int = 0
    created_at: datetime
    next_at: datetime | None = None
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    sent_at: datetime | None = None
    why: str | None = None
    answer: str = ""  # the server's words, for staff
    settled: bool = True  # False: sent or failed, and its clock does not know yet


class EventRow(SQLModel, table=True):
    """The audit trail: who, when, what, why. Only ever inserted."""

    __tablename__ = "events"
    __table_args__ = (
        Index("events_case", "case_id", "id"),
        Index("events_who", "who", "id"),  # these three are for the audit page: who, what, when
        Index("events_what", "what", "id"),
        Index("events_at", "at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    who: str
    what: str
    why: str = ""
    message_id: int | None = None
    report_id: int | None = None
    case_id: int | None = None
    clock_id: int | None = None
    notice_id: int | None = None
    data: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class ThirdPartyRow(SQLModel, table=True):
    """A contact found for a report's network or site, with where it came from, and whether it is told."""

    __tablename__ = "third_parties"
    __table_args__ = (UniqueConstraint("report_id", "subject", "address"),)
    id: int | None = Field(default=None, primary_key=True)
    report_id: int = Field(foreign_key="reports.id")
    subject: str  # the address or domain that was looked up
    address: str
    role: str
    source: str  # e.g. rdap:arin entity XYZ-ARIN
    decision: str = Field(index=True)  # told | digest | a reason why not
    notice_id: int | None = Field(default=None, foreign_key="notices.id")
    at: datetime | None = Field(default=None, index=True)


class OptOutRow(SQLModel, table=True):
    """A third party that wants no more mail from us (OUT-3)."""

    __tablename__ = "opt_outs"
    id: int | None = Field(default=None, primary_key=True)
    address: str = Field(unique=True)
    at: datetime
    notice_id: int | None = None


class RdapCacheRow(SQLModel, table=True):
    __tablename__ = "rdap_cache"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    kind: str
    first: str = ""
    last: str = ""
    body: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    expires_at: datetime = Field(index=True)


class SwitchRow(SQLModel, table=True):
    """Few values that all nodes share: `paused`, `assignments_version`."""

    __tablename__ = "switches"
    name: str = Field(primary_key=True)
    value: str
