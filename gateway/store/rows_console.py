"""What staff keep for themselves in the console: named views of lists, and texts that they use again.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel


class SavedViewRow(SQLModel, table=True):
    """A list under filters, by name. `owner` None: everybody sees it."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("saved_views_owner", "place", "owner"),)
    id: int | None = Field(default=None, primary_key=True)
    place: str  # path of the list: /cases
    name: str
    query: str  # what stands behind the question mark
    owner: str | None = None
    made_by: str
    at: datetime


class CannedAnswerRow(SQLModel, table=True):
    """A text that staff use again: as a reason to a customer, or as a note."""

    __tablename__ = "canned_answers"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    text: str
    made_by: str
    at: datetime


class BystanderRow(SQLModel, table=True):
    """What staff say of a domain against the list of innocent ones that comes with arfgate."""

    __tablename__ = "bystanders"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    innocent: bool
    who: str
    why: str
    at: datetime
