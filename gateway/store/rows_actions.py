"""What we do to resources: actions, who approved them, and what each connector made of them.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class ActionRow(SQLModel, table=True):
    """What we do to a resource or an account. `key` as for notices: proposed once a round. What a strike brings has no
    clock, what staff list (a foreign address) has no account. `routed` turns true when its connectors were chosen;
    `lifting` while its undo is wanted and not yet done everywhere."""

    __tablename__ = "actions"
    __table_args__ = (
        Index("actions_expiring", "expires_at"),
        Index("actions_listed", "kind", "state", "lifting", "expires_at", "target"),  # the page of the block list
        Index("actions_target", "target"),
        Index("actions_unrouted", "routed", "state"),
    )
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    kind: str
    state: str = Field(default="proposed", index=True)
    approval: str = "one"  # none | one | two persons
    account_id: int | None = Field(default=None, foreign_key="accounts.id", index=True)
    case_id: int | None = Field(default=None, foreign_key="cases.id", index=True)
    clock_id: int | None = Field(default=None, foreign_key="clocks.id", index=True)
    strike_id: int | None = Field(default=None, index=True)
    target: str
    why: str
    created_at: datetime
    created_by: str = "arfgate"
    expires_at: datetime | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    told: str = Field(default="", index=True)  # the last that the customer knows: "" | silent | planned | done | lifted
    routed: bool = False
    lifting: bool = False


class ApprovalRow(SQLModel, table=True):
    """Who agreed. The key makes two approvals two persons."""

    __tablename__ = "approvals"
    __table_args__ = (UniqueConstraint("action_id", "person"),)
    id: int | None = Field(default=None, primary_key=True)
    action_id: int = Field(foreign_key="actions.id")
    person: str  # normalised: the same person in other letters is the same
    who: str
    why: str = ""
    at: datetime


class StepRow(SQLModel, table=True):
    """One connector's part of an action, or of its undo. `key` is the idempotency key that the connector hands on:
    the same for every attempt."""

    __tablename__ = "action_steps"
    __table_args__ = (
        UniqueConstraint("action_id", "connector", "phase", "run"),
        Index("action_steps_due", "state", "next_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    action_id: int = Field(foreign_key="actions.id")
    connector: str
    phase: str  # do | undo
    run: int = 1
    state: str = "pending"  # pending | done | failed | cancelled
    attempts: int = 0
    created_at: datetime
    next_at: datetime | None = None
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    done_at: datetime | None = None
    answer: str = ""  # the connector's words, for staff
