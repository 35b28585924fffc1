"""Alarms that staff have not been told of yet.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

JsonDict = dict[str, Any]


class DueAlarmRow(SQLModel, table=True):
    """One alarm, from the transaction of its event until it is planned as mail or message, or nobody wants one."""

    __tablename__ = "due_alarms"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    why: str
    case_id: int | None = None
    message_id: int | None = None
    said: JsonDict = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False)
    )  # what, command, kind, key, facts
