"""Versions of policies that ever held here.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel


class PolicyRow(SQLModel, table=True):
    """One version. The text never changes: a change is another version. `told_to`: the id of the last contact
    to whom a notice of it was planned; None: all were told, or nobody had to be."""

    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("name", "version"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str
    version: int
    sha256: str
    text: str
    since: datetime
    told_to: int | None = None
    changes: str = ""  # what it changes, a line each, for the notice
