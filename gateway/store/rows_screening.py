"""What screening leaves behind beside reports: what waits, who was answered, floods, legal matters, suppressions.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

JsonDict = dict[str, Any]


class HeldRow(SQLModel, table=True):
    """A message whose reports wait: for what is missing, or for a person. `id` is the number in the token address."""

    __tablename__ = "held"
    __table_args__ = (Index("held_waiting", "state", "expires_at"),)
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id", unique=True)
    reason: str  # why it is held, a ScreeningReason
    state: str = "waiting"  # waiting | completed | confirmed | expired | released | dropped
    category: str
    identity: JsonDict = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    received_at: datetime  # the message's, for the number that its sender was told
    held_at: datetime
    expires_at: datetime
    completed_by: int | None = Field(default=None, foreign_key="messages.id")
    decided_by: str | None = None
    decided_at: datetime | None = None


class ReplyTurnRow(SQLModel, table=True):
    """When an address last had a reply of ours: at most one in seven days, and a budget for each hour."""

    __tablename__ = "reply_turns"
    __table_args__ = (Index("reply_turns_last", "last_at"),)
    address: str = Field(primary_key=True)
    last_at: datetime
    kind: str


class FloodBucketRow(SQLModel, table=True):
    """A token bucket of `screening.flood`; without a row it is full."""

    __tablename__ = "flood_buckets"
    __table_args__ = (Index("flood_buckets_at", "at"),)
    key: str = Field(primary_key=True)
    tokens: float
    at: datetime
    tripped_at: datetime | None = None
