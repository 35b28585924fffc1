"""Accounts of staff: who may come in, how often one may try, and what a browser that is in carries.

Used by the console and by `arfgate user`. Must never tell a stranger whether an account exists, nor let two nodes
together allow more tries than one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from gateway import totp
from gateway.house import House
from gateway.passwords import Passwords, checked
from gateway.roles import Role
from gateway.settings import Settings
from gateway.store import sessions, users
from gateway.store.events import Event
from gateway.store.users import TakenError, User

WINDOW = timedelta(minutes=15)
LINK_FOR = timedelta(minutes=10)
# Of one account from one address; from one address; of one account from everywhere: the last is high, or whoever
# knows a name could lock its owner out from a distance.
_MOST_PAIR, _MOST_ADDRESS, _MOST_ACCOUNT = 8, 40, 60
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}", re.ASCII)
_BROWSER_CHARS = 200

log = structlog.get_logger(module=__name__)


class AccountError(Exception):
    """It cannot be done; the text says why and what to do."""


class SignInError(AccountError):
    """Nobody comes in; the text tells a stranger nothing."""


class TooOftenError(SignInError):
    """Too many tries within WINDOW."""

    def __init__(self) -> None:
        super().__init__("That was tried too often. Wait a quarter of an hour, then try again.")


@dataclass(frozen=True, slots=True)
class From:
    """Where a browser is: the address of its machine and what it calls itself."""

    address: str
    browser: str = ""


# --- signing in --------------------------------------------------------------------------


async def with_password(house: House, passwords: Passwords, name: str, password: str, where: From) -> User:
    """Whose name and password these are; a code may still be needed. Raises SignInError."""
    name = name.strip().lower()
    await _count(house, name, where)
    async with house.database.reading() as connection:
        user = await users.named(connection, name) if _NAME.fullmatch(name) else None
    right = await passwords.fits(user.password_hash if user else None, password)
    if user is None or not right or user.disabled:
        log.warning("sign-in refused", account=name[:80], address=where.address)
        raise SignInError("Name and password do not belong together.")
    if user.password_hash and passwords.is_outdated(user.password_hash):
        said = Event(house.clock(), user.name, "password kept anew", data={"account": user.name})
        async with house.database.writing() as connection:
            await users.change(connection, user, {"password_hash": await passwords.hashed(password)}, said)
    if user.totp is None:
        await _forget(house, user, where)
    return user


async def is_password(house: House, passwords: Passwords, user: User, password: str) -> bool:
    """Asked again of somebody who is in. Raises TooOftenError."""
    here = From(f"account {user.name}")
    await _count(house, user.name, here)
    right = await passwords.fits(user.password_hash, password)
    if right:
        await _forget(house, user, here)
    return right


async def with_code(house: House, user: User, code: str, where: From) -> None:
    """The second step: a code of the app, or a recovery code. Raises SignInError."""
    await _count(house, user.name, where)
    if not await is_code(house, user, code):
        log.warning("code refused", account=user.name, address=where.address)
        raise SignInError("This code is wrong, or was used already.")
    await _forget(house, user, where)


async def is_code(house: House, user: User, code: str) -> bool:
    """Whether it is one of the account's; it is used up."""
    now = house.clock()
    seed = totp.opened(user.totp, user.id, house.key("totp")) if user.totp else None
    step = totp.step_of(seed, code, now) if seed else None
    async with house.database.writing() as connection:
        if step is not None:
            return await users.take_step(connection, user.id, step)
        return await users.use_code(connection, user, _code_key(house, user.id, code), now)


async def with_link(house: House, token: str, where: From) -> User:
    """Whose one-time link it is; it is used up. Raises SignInError."""
    now = house.clock()
    async with house.database.writing() as connection:
        tries = await sessions.tried(connection, [_of_address(where)], WINDOW, now)
    if max(tries.values()) > _MOST_ADDRESS:
        raise TooOftenError
    async with house.database.writing() as connection:
        user = await users.use_link(connection, key_of(token), now)
    if user is None or user.disabled:
        raise SignInError("This link was used already, or its time is over.")
    return user


async def begin(house: House, user: User, how: str, where: From) -> str:
    """A session of this browser. Returns its key, which only the browser keeps."""
    key, now = secrets.token_urlsafe(32), house.clock()
    row = {
        "key": key_of(key),
        "how": how,
        "until": now + timedelta(hours=house.settings.web.session_hours),
        "address": where.address,
        "browser": where.browser[:_BROWSER_CHARS],
    }
    async with house.database.writing() as connection:
        await sessions.begin(connection, user, row, now)
    return key


async def link(house: House, user: User, who: str) -> str:
    """A token that signs this account in once, within LINK_FOR."""
    token, now = secrets.token_urlsafe(24), house.clock()
    said = Event(now, who, "sign-in link made", data={"account": user.name})
    async with house.database.writing() as connection:
        await users.add_link(connection, user, key_of(token), now + LINK_FOR, said)
    return token


def link_address(settings: Settings, token: str) -> str:
    """Where that token is opened."""
    web = settings.web
    host = f"[{web.host}]" if ":" in web.host else web.host
    base = settings.public_url if web.trusted_proxies and settings.public_url else f"http://{host}:{web.port}"
    return f"{base.rstrip('/')}/sign-in/{token}"


def key_of(secret: str) -> str:
    """What the database keeps of a key: they are long and random, so a plain digest is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


async def _count(house: House, name: str, where: From) -> None:
    """One more try. Raises TooOftenError. It counts before the password is looked at, so that none runs beside it."""
    most = {_pair(name, where): _MOST_PAIR, _of_address(where): _MOST_ADDRESS, _of_account(name): _MOST_ACCOUNT}
    async with house.database.writing() as connection:
        tries = await sessions.tried(connection, list(most), WINDOW, house.clock())
    if any(count > most[key] for key, count in tries.items()):
        log.warning("too many sign-ins", account=name[:80], address=where.address)
        raise TooOftenError


async def _forget(house: House, user: User, where: From) -> None:
    async with house.database.writing() as connection:
        await sessions.forget(connection, [_pair(user.name, where), _of_account(user.name)])


def _pair(name: str, where: From) -> str:
    return f"pair:{key_of(f'{name} {_network(where)}')}"


def _of_account(name: str) -> str:
    return f"account:{key_of(name)}"


def _of_address(where: From) -> str:
    return f"address:{_network(where)}"


def _network(where: From) -> str:
    """An IPv6 customer has a /64 and with it more addresses than could be counted."""
    try:
        found = ipaddress.ip_address(where.address)
    except ValueError:
        return where.address[:80]
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else str(found)


# --- what an account is ------------------------------------------------------------------


async def add(house: House, values: dict[str, Any], who: str) -> User:
    """A new account: name, email, role (Role), legal, password_hash, subject. Raises AccountError."""
    name = str(values["name"]).strip().lower()
    if not _NAME.fullmatch(name):
        raise AccountError(f"'{name[:40]}' is no name: small letters, digits and . _ @ + -, at most 80")
    row = values | {"name": name}
    if row.get("password_hash"):
        row["password_at"] = house.clock()
    async with house.database.writing() as connection:
        try:
            number = await users.add(connection, row, who, house.clock())
        except TakenError as error:
            raise AccountError(str(error)) from error
        made = await users.numbered(connection, number)
    assert made is not None
    return made


async def find(house: House, name: str) -> User:
    """Raises AccountError."""
    async with house.database.reading() as connection:
        user = await users.named(connection, name.strip().lower())
    if user is None:
        raise AccountError(f"there is no account '{name[:80]}'; 'arfgate user list' shows them")
    return user


async def change(house: House, user: User, values: dict[str, Any], who: str) -> None:
    """Role (Role), legal, disabled, email. The last admin stays one. Raises AccountError."""
    said = ", ".join(f"{name} {value.word if isinstance(value, Role) else value}" for name, value in values.items())
    loses = values.get("disabled") or values.get("role", Role.ADMIN) < Role.ADMIN
    async with house.database.writing() as connection:
        if loses and user.role is Role.ADMIN and not user.disabled and await users.enabled_admins(connection) < 2:
            raise AccountError(f"{user.name} is the last admin; make another one first")
        event = Event(house.clock(), who, "account changed", f"{user.name}: {said}", data={"account": user.name})
        await users.change(connection, user, values, event)


async def set_password(
    house: House, passwords: Passwords, user: User, password: str, *, who: str, but: int | None = None
) -> None:
    """Every session but this one (its number) ends. Raises WeakPasswordError."""
    kept = await passwords.hashed(checked(password, user.name, user.email))
    now = house.clock()
    said = Event(now, who, "password changed", user.name, data={"account": user.name})
    async with house.database.writing() as connection:
        await users.change(connection, user, {"password_hash": kept, "password_at": now}, said)
        await sessions.end_others(connection, user.id, but, now)


async def set_totp(house: House, user: User, seed: str, code: str) -> list[str]:
    """From now on signing in needs a code. Returns the recovery codes, which are shown once. Raises AccountError."""
    now = house.clock()
    step = totp.step_of(seed, code, now) if totp.is_seed(seed) else None
    if step is None:
        raise AccountError("This code does not belong to the key above. Is the clock of the telephone right?")
    codes = totp.new_codes()
    said = Event(now, user.name, "second factor set up", data={"account": user.name})
    kept = totp.sealed(seed, user.id, house.key("totp"))
    async with house.database.writing() as connection:
        await users.change(connection, user, {"totp": kept, "totp_step": step}, said)
        await users.put_codes(connection, user.id, [_code_key(house, user.id, one) for one in codes])
    return codes


async def drop_totp(house: House, user: User, who: str) -> None:
    """A password alone is enough again."""
    said = Event(house.clock(), who, "second factor taken away", user.name, data={"account": user.name})
    async with house.database.writing() as connection:
        await users.change(connection, user, {"totp": None}, said)
        await users.put_codes(connection, user.id, [])


async def new_token(house: House, user: User, name: str, role: Role, until: timedelta, *, who: str) -> str:
    """A key for programs of this account. Returns it: only its digest is kept."""
    key, now = f"arfgate_{secrets.token_urlsafe(32)}", house.clock()
    if role > user.role:
        raise AccountError(f"{user.name} is {user.role.word}: its key cannot be {role.word}")
    row = {"name": name, "key": key_of(key), "role": role, "until": now + until}
    said = Event(now, who, "key made", f"{name}, {role.word}", data={"account": user.name})
    async with house.database.writing() as connection:
        await users.add_token(connection, user, row, said)
    return key


def _code_key(house: House, user_id: int, code: str) -> str:
    """Recovery codes are short: under our key, a copy of the database alone tells nothing about them."""
    text = f"recovery {user_id} {totp.plain_code(code)}".encode("utf-8", "replace")
    return hmac.digest(house.key("totp"), text, hashlib.sha256).hex()
