"""Accounts of staff, their recovery codes, their links and the keys of their programs.

Every change writes its Event. Must never be handed a password, a code or a key as it is: callers give hashes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.roles import Role, role_of
from gateway.store import events
from gateway.store.events import Event
from gateway.store.tables import recovery_codes, sessions, sign_in_links, user_tokens, users
from gateway.store.text import storable


class TakenError(Exception):
    """There is an account of this name, or of this sign-on elsewhere."""


@dataclass(frozen=True, slots=True)
class User:
    """An account. `subject`: issuer and subject of its sign-on elsewhere; `totp`: the encrypted seed."""

    id: int
    name: str
    email: str
    role: Role
    legal: bool
    disabled: bool
    password_hash: str | None = field(repr=False)
    totp: str | None = field(repr=False)
    totp_step: int = field(repr=False)
    subject: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Token:
    """A key of a program."""

    id: int
    user_id: int
    name: str
    role: Role
    made_at: datetime
    until: datetime
    used_at: datetime | None
    ended_at: datetime | None


USER_COLUMNS = tuple(users.c[name] for name in User.__dataclass_fields__)
_TOKEN_COLUMNS = tuple(user_tokens.c[name] for name in Token.__dataclass_fields__)


def user_of(row: Row[Any] | Sequence[Any]) -> User:
    """An account from USER_COLUMNS."""
    values = dict(zip(User.__dataclass_fields__, row, strict=False))
    return User(**values | {"role": role_of(values["role"])})


async def add(connection: AsyncConnection, values: Mapping[str, Any], who: str, now: datetime) -> int:
    """A new account: name, email, role (Role), and what else a row has. Returns its number. Raises TakenError."""
    row = dict(values) | {"role": values["role"].word, "made_at": now}
    try:
        async with connection.begin_nested():
            made = await connection.execute(insert(users).returning(users.c.id), storable([row]))
            number = int(made.scalar_one())
    except IntegrityError as error:
        raise TakenError(f"there is an account '{row['name']}' already") from error
    said = Event(now, who, "account added", f"{row['name']}, {row['role']}", data={"account": row["name"]})
    await events.add(connection, [said])
    return number


async def change(connection: AsyncConnection, user: User, values: Mapping[str, Any], said: Event) -> None:
    """Columns of the table; `role` as Role. An account that is disabled is signed out everywhere."""
    row = {name: value.word if isinstance(value, Role) else value for name, value in values.items()}
    await connection.execute(update(users).where(users.c.id == user.id).values(storable(row)))
    if values.get("disabled"):
        ended = {"ended_at": said.at}
        for table in (sessions, user_tokens):
            await connection.execute(
                update(table).where(table.c.user_id == user.id, table.c.ended_at.is_(None)).values(ended)
            )
        await connection.execute(delete(sign_in_links).where(sign_in_links.c.user_id == user.id))
    await events.add(connection, [said])


async def take_step(connection: AsyncConnection, user_id: int, step: int) -> bool:
    """Use up a code of this step of time; False: it, or a later one, was used."""
    done = await connection.execute(
        update(users).where(users.c.id == user_id, users.c.totp_step < step).values(totp_step=step)
    )
    return bool(done.rowcount)


async def named(connection: AsyncConnection, name: str) -> User | None:
    """The account of this name (lower-case)."""
    return await _one(connection, users.c.name == name)


async def numbered(connection: AsyncConnection, number: int) -> User | None:
    return await _one(connection, users.c.id == number)


async def of_subject(connection: AsyncConnection, subject: str) -> User | None:
    return await _one(connection, users.c.subject == subject)


async def _one(connection: AsyncConnection, wanted: Any) -> User | None:
    row = (await connection.execute(select(*USER_COLUMNS).where(wanted))).one_or_none()
    return user_of(row) if row else None


async def listed(connection: AsyncConnection) -> list[User]:
    """All, by name: staff are few."""
    return [user_of(row) for row in await connection.execute(select(*USER_COLUMNS).order_by(users.c.name))]


async def any_yet(connection: AsyncConnection) -> bool:
    return (await connection.execute(select(users.c.id).limit(1))).first() is not None


async def enabled_admins(connection: AsyncConnection) -> int:
    """How many may still let somebody in. They stay so until the transaction ends: of the last two, each could make
    the other none."""
    query = select(users.c.id).where(users.c.role == Role.ADMIN.word, ~users.c.disabled).order_by(users.c.id)
    return len((await connection.execute(query.with_for_update(key_share=True))).all())


# --- recovery codes ----------------------------------------------------------------------


async def put_codes(connection: AsyncConnection, user_id: int, keys: Sequence[str]) -> None:
    """These instead of all that were; the caller writes the Event."""
    await connection.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    if keys:
        await connection.execute(insert(recovery_codes), [{"user_id": user_id, "key": key} for key in keys])


async def use_code(connection: AsyncConnection, user: User, key: str, now: datetime) -> bool:
    """Use up a recovery code; False: there is none such, or it was used."""
    done = await connection.execute(
        update(recovery_codes)
        .where(
            recovery_codes.c.user_id == user.id, recovery_codes.c.key == key, recovery_codes.c.used_at.is_(None)
        )
        .values(used_at=now)
    )  # fmt: skip
    if done.rowcount:
        await events.add(connection, [Event(now, user.name, "recovery code used", data={"account": user.name})])
    return bool(done.rowcount)


async def codes_left(connection: AsyncConnection, user_id: int) -> int:
    query = select(func.count()).select_from(recovery_codes)
    query = query.where(recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    return int((await connection.execute(query)).scalar_one())


# --- links and tokens --------------------------------------------------------------------


async def add_link(connection: AsyncConnection, user: User, key: str, until: datetime, said: Event) -> None:
    """A link that signs this account in once."""
    await connection.execute(insert(sign_in_links), [{"user_id": user.id, "key": key, "until": until}])
    await events.add(connection, [said])


async def use_link(connection: AsyncConnection, key: str, now: datetime) -> User | None:
    """Use up a link; None: there is none such, it was used, or its time is over."""
    taken = await connection.execute(
        update(sign_in_links)
        .where(sign_in_links.c.key == key, sign_in_links.c.used_at.is_(None), sign_in_links.c.until > now)
        .values(used_at=now)
        .returning(sign_in_links.c.user_id)
    )
    number = taken.scalar_one_or_none()
    return await numbered(connection, number) if number is not None else None


async def add_token(connection: AsyncConnection, user: User, values: Mapping[str, Any], said: Event) -> int:
    """A key for programs: name, key, role (Role), until. Returns its number."""
    row = dict(values) | {"user_id": user.id, "role": values["role"].word, "made_at": said.at}
    made = await connection.execute(insert(user_tokens).returning(user_tokens.c.id), storable([row]))
    await events.add(connection, [said])
    return int(made.scalar_one())


async def token_with(connection: AsyncConnection, key: str, now: datetime) -> tuple[Token, User] | None:
    """The key of a program that holds now, and whose it is."""
    live = (user_tokens.c.ended_at.is_(None), user_tokens.c.until > now, ~users.c.disabled)
    query = select(*_TOKEN_COLUMNS, *USER_COLUMNS).join(users, users.c.id == user_tokens.c.user_id)
    row = (await connection.execute(query.where(user_tokens.c.key == key, *live))).one_or_none()
    return (_token(row), user_of(row[len(_TOKEN_COLUMNS) :])) if row else None


async def token_used(connection: AsyncConnection, number: int, now: datetime) -> None:
    await connection.execute(update(user_tokens).where(user_tokens.c.id == number).values(used_at=now))


async def tokens_of(connection: AsyncConnection, user_id: int) -> list[Token]:
    """Newest first, ended ones too."""
    query = select(*_TOKEN_COLUMNS).where(user_tokens.c.user_id == user_id).order_by(user_tokens.c.id.desc())
    return [_token(row) for row in await connection.execute(query.limit(100))]


async def end_token(connection: AsyncConnection, user_id: int, number: int, said: Event) -> bool:
    """False: this account has no such key that holds."""
    mine = (user_tokens.c.id == number, user_tokens.c.user_id == user_id, user_tokens.c.ended_at.is_(None))
    done = await connection.execute(update(user_tokens).where(*mine).values(ended_at=said.at))
    if done.rowcount:
        await events.add(connection, [said])
    return bool(done.rowcount)


def _token(row: Sequence[Any]) -> Token:
    values = dict(zip(Token.__dataclass_fields__, row, strict=False))
    return Token(**values | {"role": role_of(values["role"])})
