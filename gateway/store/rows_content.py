"""What content filters say of reported mails.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel


class ContentCheckRow(SQLModel, table=True):
    """One report whose mail is to be shown to the filters, and what they said: [{code, evidence}]."""

    __tablename__ = "content_checks"
    __table_args__ = (Index("content_checks_due", "state", "next_at"),)
    id: int | None = Field(default=None, primary_key=True)
    report_id: int = Field(foreign_key="reports.id", unique=True)
    state: str = "wanted"  # wanted | done | failed: some filter never answered
    next_at: datetime | None = None
    tries: int = 0
    findings: list[Any] | None = Field(default=None, sa_column=Column(JSON))
    why: str = ""  # what kept a filter from answering
