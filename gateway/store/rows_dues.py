"""What cases bring beside clocks: fines, proof of permission, reviews, postmasters who answer, what was published.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

JsonDict = dict[str, Any]


class ChargeRow(SQLModel, table=True):
    """A line of the ledger, only ever inserted. A reversal is a line of its own, with the amount negative. `key`: one
    charge for a complaint, one reversal for a charge. Amounts as text: no database rounds them."""

    __tablename__ = "charges"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    account_id: int = Field(foreign_key="accounts.id", index=True)
    case_id: int | None = Field(default=None, foreign_key="cases.id", index=True)
    report_id: int | None = Field(default=None, foreign_key="reports.id")
    amount: str
    currency: str
    why: str
    at: datetime
    who: str
    reverses: int | None = Field(default=None, foreign_key="charges.id", unique=True)


class ConsentRow(SQLModel, table=True):
    """The proof of permission that was asked for, for one campaign of a case (SES-1), and what it showed. `results`:
    [{report, result, time, source}]: nobody is named in it, and the table itself is not kept."""

    __tablename__ = "consents"
    __table_args__ = (UniqueConstraint("case_id", "campaign"),)
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id")
    campaign: str
    state: str = "asked"  # asked | received | absent
    notice_id: int | None = Field(default=None, foreign_key="notices.id", index=True)
    asked_at: datetime
    asked_by: str
    due_at: datetime | None = Field(default=None, index=True)  # None: no longer waited for
    received_at: datetime | None = None
    source: str = ""  # "message 12" or the name of the file
    sha256: str = ""  # of the table, to prove later which one it was
    rows: int = 0
    results: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class AppealRow(SQLModel, table=True):
    """A customer asks for a review (NET-4). `waiting` is the case while nobody has decided: one at a time."""

    __tablename__ = "appeals"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", index=True)
    waiting: int | None = Field(default=None, unique=True)
    state: str = "open"  # open | granted | refused
    said: str
    opened_at: datetime
    opened_by: str
    decided_at: datetime | None = None
    decided_by: str | None = None
    why: str = ""


class PostmasterRow(SQLModel, table=True):
    """postmaster@ of a customer's domain (SES-8): when it was last asked, and who confirmed that it is read."""

    __tablename__ = "postmasters"
    __table_args__ = (UniqueConstraint("customer_id", "domain"),)
    id: int | None = Field(default=None, primary_key=True)
    customer_id: int = Field(foreign_key="customers.id")
    domain: str
    origin: str = "host"  # host: from an assignment | staff
    since: datetime
    next_at: datetime | None = Field(default=None, index=True)
    asked: int = 0
    asked_at: datetime | None = None
    notice_id: int | None = Field(default=None, foreign_key="notices.id", index=True)
    confirmed_at: datetime | None = None
    confirmed_by: str | None = None
    probed_at: datetime | None = None
    probe: str = ""  # the server's answer to RCPT, when staff asked for it


class PublicationRow(SQLModel, table=True):
    """What staff published of a case (SES-12), as it was shown; `withdrawn_at` when it was taken back."""

    __tablename__ = "publications"
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="cases.id", unique=True)
    at: datetime
    who: str
    why: str
    page: str
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
