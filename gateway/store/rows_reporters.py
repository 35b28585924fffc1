"""Who reports: feeds, organisations, people, and what staff decided about them.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel


class ReporterRow(SQLModel, table=True):
    """One reporter, from its first report or staff's first decision. NULL: as registered. Its counts are counted from
    the reports: a busy feed's row would be where all nodes wait for each other."""

    __tablename__ = "reporters"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    kind: str
    name: str
    domain: str | None = Field(default=None, index=True)
    trust: str = "usual"
    weight: float | None = None
    may_reply: bool | None = None
    opens_cases: bool | None = None
    raw_forwarding: bool | None = None
    alias: str | None = None
    throttle: int | None = None  # reports an hour
    blocked: bool = False
    first_seen: datetime
    decided_at: datetime | None = Field(default=None, index=True)
    decided_by: str | None = None
    why: str = ""
