"""What counts against an account, and the strikes it made.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class MarkRow(SQLModel, table=True):
    """A distinct complaint about an account, or a notice of activity; the key keeps it from counting twice."""

    __tablename__ = "marks"
    __table_args__ = (UniqueConstraint("account_id", "key"), Index("marks_of_account", "account_id", "at"))
    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id")
    key: str  # SHA-256 of complainant and evidence, or of what was noticed
    kind: str  # complaint | activity
    state: str  # open | spent | stale | void
    at: datetime  # receipt
    conduct_at: datetime | None = None
    policy: str  # name and version at its receipt
    complainant: str
    organisation: str
    known: bool = False
    freemail: bool = False
    cls: str | None = None
    report_id: int | None = Field(default=None, index=True)
    case_id: int | None = Field(default=None, index=True)
    strike_id: int | None = Field(default=None, index=True)
    why: str = ""


class StrikeRow(SQLModel, table=True):
    """A strike or an immediate threat, how far it is, and what staff decided about it."""

    __tablename__ = "strikes"
    __table_args__ = (Index("strikes_of_account", "account_id", "state"), Index("strikes_moving", "state", "next_at"))
    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id")
    kind: str  # strike | threat
    number: int  # the rung, from 1; 0 for a threat
    at: datetime  # receipt of the complaint that completed it
    first_at: datetime
    complaints: int
    policy: str
    state: str
    why: str
    created_at: datetime
    contact: int = 0  # index of the contact that is being told
    notice_id: int | None = Field(default=None, foreign_key="notices.id", index=True)
    next_at: datetime | None = None  # when it next needs a look; None: never by itself
    warned_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str = ""
