"""Systems that know who holds what: how far each was read, by whom, and what each run brought.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

JsonDict = dict[str, Any]


class SourceRow(SQLModel, table=True):
    """How far a source was read. Whoever holds its lease reads it, and nobody else."""

    __tablename__ = "sources"
    name: str = Field(primary_key=True)
    position: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    last_run: datetime | None = None
    last_good: datetime | None = None
    next_at: datetime | None = None  # the service's next run; None: at once
    failures: int = 0  # one after the other
    error: str | None = None
    lease_holder: str | None = None
    lease_until: datetime | None = None


class SourceRunRow(SQLModel, table=True):
    """One run of a source: what changed, what could not be read, and why it ended where it ended badly."""

    __tablename__ = "source_runs"
    __table_args__ = (Index("source_runs_of", "source", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    source: str
    who: str
    began_at: datetime
    ended_at: datetime
    report: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    error: str | None = None
