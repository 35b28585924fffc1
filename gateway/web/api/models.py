"""What the interface for programs says and takes. Times are UTC, ISO 8601; names are those of the command line's JSON.

Must never carry a body of a reported mail.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(max_length=600, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Model(BaseModel):
    model_config = ConfigDict(from_attributes=True, extra="ignore")


class CaseLine(_Model):
    """A case in a list. `state`: that of its worst clock while it is open; `complainants`: null in the list where it is
    a flood."""

    number: str
    customer: str
    cls: str
    state: str
    severity: str
    assignee: str | None
    resources: int
    reports: int
    complainants: int | None
    opened_at: datetime
    notified_at: datetime | None
    due_at: datetime | None
    legal_hold: bool


class CasePage(_Model):
    """`after`: what asks for the next page; null on the last one."""

    cases: list[CaseLine]
    after: str | None


class Clock(_Model):
    kind: str
    role: str
    value: str
    state: str
    round: int
    notified_at: datetime | None
    due_at: datetime | None


class Happened(_Model):
    at: datetime
    who: str
    what: str
    why: str


class Case(_Model):
    """A case with its resources and what happened, oldest first."""

    case: CaseLine
    policy: str
    cause: str | None
    clocks: list[Clock]
    events: list[Happened]


class QueueEntry(_Model):
    """A resource that waits for somebody to say whose it is. `queue`: waiting, assigned, rejected, not-ours."""

    id: int
    report_id: int
    kind: str
    role: str
    value: str
    reason: str
    queue: str | None
    account: str | None
    case: str | None
    decided_by: str | None
    category: str
    feedback_type: str | None
    source_port: int | None
    arrival_date: datetime | None
    received_at: datetime


class QueuePage(_Model):
    entries: list[QueueEntry]
    before: int | None = Field(description="Asks for the next page; null on the last one.")


class Assign(BaseModel):
    """`account`: `customer` or `customer/account`. `resource`: which was meant, where the entry names none."""

    model_config = ConfigDict(extra="forbid")
    account: Line
    resource: Line | None = None


class Reject(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Line
    alike: bool = False


class Rejected(_Model):
    entries: list[int]


class Submitted(_Model):
    """The number of the message; one that is known already keeps its own."""

    message_id: int


class Holding(_Model):
    resource: str
    account: str
    valid_from: datetime
    valid_to: datetime | None


class Contact(_Model):
    address: str
    role: str
    language: str


class Customer(_Model):
    """`above` nearest first, `below`: keys. `held`: how many assignments in all; `holdings` are the latest."""

    key: str
    name: str
    language: str
    above: list[str]
    below: list[str]
    accounts: list[str]
    contacts: list[Contact]
    held: int
    holdings: list[Holding]


class Spread(_Model):
    """Seconds; `start` is empty for the whole period."""

    start: str
    count: int
    median: float
    ninety: float


class Statistics(_Model):
    since: date
    until: date
    acknowledged: list[Spread]
    notified: list[Spread]
    resolved: list[Spread]
    by_kind: list[tuple[str, str, int]]
    by_customer: list[tuple[str, str, int]]
    opened: dict[str, int]
    unmatched: dict[str, int]
    backlog: dict[str, int]
    in_time: float | None
    repeated: float | None


class Trouble(_Model):
    detail: str
