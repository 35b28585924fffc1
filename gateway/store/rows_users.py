"""Who works at the console: accounts, how they signed in, what they looked at.

As in `rows_in`. No secret stands here as it is: passwords as argon2id, keys of sessions, links and tokens as SHA-256
(they are random and long), the seed of TOTP encrypted. Must not be imported outside `gateway.store`.
"""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel


class UserRow(SQLModel, table=True):
    """An account of staff. It is never deleted: events name it."""

    __tablename__ = "users"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    email: str = ""
    role: str
    legal: bool = False
    disabled: bool = False
    password_hash: str | None = None
    password_at: datetime | None = None
    totp: str | None = None  # the encrypted seed
    totp_step: int = 0  # of the last code that was taken: none counts twice
    subject: str | None = Field(default=None, unique=True)  # issuer and subject of the sign-on elsewhere
    made_at: datetime


class RecoveryCodeRow(SQLModel, table=True):
    """A code that stands in for TOTP once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id")
    key: str
    used_at: datetime | None = None


class SessionRow(SQLModel, table=True):
    """A browser that is or was signed in."""

    __tablename__ = "sessions"
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    key: str = Field(unique=True)
    how: str  # password | link | sign-on
    begun_at: datetime
    seen_at: datetime
    until: datetime  # whatever is done in it
    ended_at: datetime | None = None
    address: str
    browser: str


class SignInLinkRow(SQLModel, table=True):
    """A link that signs in once."""

    __tablename__ = "sign_in_links"
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id")
    key: str = Field(unique=True)
    until: datetime
    used_at: datetime | None = None


class UserTokenRow(SQLModel, table=True):
    """A key for programs, with a role of its own that its account's role bounds."""

    __tablename__ = "user_tokens"
    id: int | None = Field(default=None, primary_key=True)
    user_id: int = Field(foreign_key="users.id", index=True)
    name: str
    key: str = Field(unique=True)
    role: str
    made_at: datetime
    until: datetime
    used_at: datetime | None = None
    ended_at: datetime | None = None


class AttemptRow(SQLModel, table=True):
    """How often signing in was tried for an account or from an address, since when."""

    __tablename__ = "sign_in_attempts"
    key: str = Field(primary_key=True)
    since: datetime = Field(index=True)
    count: int


class AccessRow(SQLModel, table=True):
    """One look at personal data."""

    __tablename__ = "access_log"
    __table_args__ = (Index("access_by_who", "who", "id"), Index("access_by_path", "path", "id"))
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    who: str
    path: str
    address: str
