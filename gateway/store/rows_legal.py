"""The legal lane's rows, which nothing but `store.legal` reads.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel


class LegalMatterRow(SQLModel, table=True):
    """One message that only named staff may see."""

    __tablename__ = "legal_matters"
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id", unique=True)
    kind: str
    why: str
    state: str = "open"  # open | closed | dismissed
    received_at: datetime
    opened_at: datetime


class LegalActRow(SQLModel, table=True):
    """What one person wants done, and the second who agreed. Done by people: nothing is carried out from here."""

    __tablename__ = "legal_acts"
    id: int | None = Field(default=None, primary_key=True)
    matter_id: int = Field(foreign_key="legal_matters.id", index=True)
    action: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str | None = None
    confirmed_at: datetime | None = None
