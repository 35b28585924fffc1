"""What the DNS said of advertised hosts, and of which reports it is to be asked.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel


class HostQuestionRow(SQLModel, table=True):
    """One report that advertises hosts of which we do not know whose they are."""

    __tablename__ = "host_questions"
    __table_args__ = (Index("host_questions_due", "state", "next_at"),)
    id: int | None = Field(default=None, primary_key=True)
    report_id: int = Field(foreign_key="reports.id", unique=True)
    state: str = "wanted"  # wanted | done | failed: some name was never answered
    next_at: datetime | None = None
    tries: int = 0


class HostAnswerRow(SQLModel, table=True):
    """The addresses of a host, as the DNS gave them from `first_at` to `last_at`; another answer is another row."""

    __tablename__ = "host_answers"
    __table_args__ = (Index("host_answers_of", "host", "last_at"),)
    id: int | None = Field(default=None, primary_key=True)
    host: str
    addresses: list[Any] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    first_at: datetime
    last_at: datetime
