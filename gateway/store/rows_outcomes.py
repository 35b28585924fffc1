"""Who wants to hear how a complaint ended, and of which cases that may be said.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

JsonDict = dict[str, Any]


class OutcomeWishRow(SQLModel, table=True):
    """One message whose reporter is to hear the outcome, once. `look_at`: when to see whether all of its cases may be
    told of (NULL: a release wakes it); `machine`: what goes along for programs."""

    __tablename__ = "outcome_wishes"
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id", unique=True)
    to: str
    language: str
    number: str  # R-2026-000123
    received_at: datetime
    in_reply_to: str | None = None
    how: str  # asked | registered | xarf | channel | web
    machine: JsonDict | None = Field(default=None, sa_column=Column(JSON))
    wished_at: datetime
    look_at: datetime | None = Field(default=None, index=True)
    done_at: datetime | None = Field(default=None, index=True)
    result: str | None = None  # solved | unfounded | closed | refused
    notice_id: int | None = Field(default=None, foreign_key="notices.id")


class CaseOutcomeRow(SQLModel, table=True):
    """Of an ended case, complainants may hear this. It holds for that end: one that was opened again needs another."""

    __tablename__ = "case_outcomes"
    case_id: int = Field(foreign_key="cases.id", primary_key=True)
    result: str
    released_at: datetime
    released_by: str
    why: str = ""
