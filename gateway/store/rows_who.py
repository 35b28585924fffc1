"""How customers are found and what is known of them over time: identifiers, relay logs, mute rules, volumes.

As in `rows_in`. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class IdentifierRow(SQLModel, table=True):
    """Something in a mail that names an account: an SMTP login, a bounce domain, a List-Id ... for a time."""

    __tablename__ = "identifiers"
    __table_args__ = (UniqueConstraint("kind", "value", "account_id", "valid_from"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    value: str
    account_id: int = Field(foreign_key="accounts.id", index=True)
    valid_from: datetime
    valid_to: datetime | None = None
    origin: str = "import"  # import | manual | name of a source
    changed: int = Field(default=0, index=True)  # version of the assignments with which it was written


class RelayMailRow(SQLModel, table=True):
    """One mail that a relay of ours took, by its log."""

    __tablename__ = "relay_mails"
    __table_args__ = (UniqueConstraint("relay", "queue_id", "at"), Index("relay_mails_message", "message_id"))
    id: int | None = Field(default=None, primary_key=True)
    relay: str  # host name, as its log and its Received lines have it
    queue_id: str = Field(index=True)
    message_id: str | None = None
    login: str | None = None
    client_ip: str | None = None
    client_port: int | None = None
    at: datetime


class ConfirmationRow(SQLModel, table=True):
    """Staff said once that reports which advertise this are this account's."""

    __tablename__ = "confirmations"
    __table_args__ = (UniqueConstraint("kind", "value", "account_id"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: str
    value: str
    account_id: int = Field(foreign_key="accounts.id")
    who: str
    at: datetime
    changed: int = Field(default=0, index=True)


class MuteRow(SQLModel, table=True):
    """Complaints that are counted and not forwarded, for a reason and for a time."""

    __tablename__ = "mutes"
    id: int | None = Field(default=None, primary_key=True)
    kind: str  # address | customer | class | feed
    value: str  # as people write it: a prefix, a key, a name
    family: int = 0
    first: str = ""
    last: str = ""
    reason: str
    who: str
    created_at: datetime
    expires_at: datetime = Field(index=True)
    lifted_at: datetime | None = None
    lifted_by: str | None = None


class VolumeRow(SQLModel, table=True):
    """What an account sent and how many subscribers it added on a day, as imported. `campaign` empty: all of it."""

    __tablename__ = "volumes"
    __table_args__ = (UniqueConstraint("account_id", "campaign", "day"),)
    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id")
    campaign: str = ""
    day: str = Field(index=True)  # 2026-01-31
    sent: int | None = None
    added: int | None = None


class ResponseRow(SQLModel, table=True):
    """How many recipients of an account's mail bounced or opted out by one message: counted, not named."""

    __tablename__ = "responses"
    __table_args__ = (
        UniqueConstraint("message_id", "account_id", "cause", "status"),
        Index("responses_of", "account_id", "day"),
    )
    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="messages.id")
    account_id: int = Field(foreign_key="accounts.id")
    campaign: str = ""
    day: str  # 2026-01-31
    cause: str  # bounce | opt-out
    status: str = ""  # of a bounce (RFC 3463)
    count: int
