"""`arfgate user`: who may open the console, and as what. The first account is made here.

Passwords are asked for, or read from standard input: what stands in an argument stands in lists of processes.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway import accounts
from gateway.accounts import AccountError
from gateway.cli.session import ConfigOption, JsonOption, as_json, fail, in_house, table, who
from gateway.house import House
from gateway.passwords import MOST_CHARS, Passwords, WeakPasswordError, checked
from gateway.roles import role_of
from gateway.store import sessions as store
from gateway.store import users
from gateway.store.events import Event
from gateway.store.users import User

user_app = typer.Typer(
    help="Accounts of the console: who may do what, and where they are signed in.", no_args_is_help=True
)


class RoleWord(StrEnum):
    """The roles as one types them."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    APPROVER = "approver"
    ADMIN = "admin"


Name = Annotated[str, typer.Argument(help="Name of the account, or a mail address.")]
RoleOption = Annotated[RoleWord, typer.Option("--role", help="What it may do; each holds all before it.")]


@user_app.command()
def add(
    name: Name,
    role: RoleOption = RoleWord.ANALYST,
    email: Annotated[str, typer.Option(help="Mail address; the legal lane knows its staff by it.")] = "",
    legal: Annotated[
        bool, typer.Option("--legal", help="May see the legal lane, if legal.staff names the address.")
    ] = False,
    without: Annotated[
        bool, typer.Option("--without-password", help="Comes in by a link ('user link'), or by sign-on.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Make an account. The password is asked for, or read from standard input."""
    password = None if without else _password(name, email)

    async def work(house: House) -> User:
        kept = await Passwords().hashed(password) if password is not None else None
        values = {"name": name, "email": email, "role": role_of(role), "legal": legal, "password_hash": kept}
        return await accounts.add(house, values, who())

    try:
        made = in_house(config, work)
    except AccountError as error:
        fail(str(error))
    typer.echo(f"Account {made.name} made, {made.role.word}.")


@user_app.command("list")
def list_users(json: JsonOption = False, config: ConfigOption = None) -> None:
    """All accounts."""

    async def work(house: House) -> list[User]:
        async with house.database.reading() as connection:
            return await users.listed(connection)

    found = in_house(config, work)
    rows = [
        {"name": u.name, "email": u.email, "role": u.role.word, "legal": u.legal, "second_factor": u.totp is not None,
         "sign_on": u.subject is not None, "closed": u.disabled, "made_at": u.made_at}
        for u in found
    ]  # fmt: skip
    if json:
        as_json(rows)
        return
    columns = ("name", "e-mail", "role", "legal lane", "second factor", "sign-on", "closed", "made")
    shown = [tuple("yes" if v is True else "" if v is False else v for v in row.values()) for row in rows]
    table("Accounts", columns, shown, empty="There are none; 'arfgate user add NAME --role admin' makes the first.")


@user_app.command()
def role(
    name: Name, new: Annotated[RoleWord, typer.Argument(help="The role from now on.")], config: ConfigOption = None
) -> None:
    """Give an account another role; it holds at once."""
    _on(config, name, lambda house, user: accounts.change(house, user, {"role": role_of(new)}, who()))
    typer.echo(f"{name} is {new}.")


@user_app.command()
def disable(
    name: Name,
    again: Annotated[bool, typer.Option("--undo", help="Open it again.")] = False,
    config: ConfigOption = None,
) -> None:
    """Close an account: signed out everywhere, its keys end, nobody signs in."""
    _on(config, name, lambda house, user: accounts.change(house, user, {"disabled": not again}, who()))
    typer.echo(f"{name} is {'open again' if again else 'closed'}.")


@user_app.command()
def password(
    name: Name,
    drop: Annotated[bool, typer.Option("--drop-second-factor", help="Take the second factor away too.")] = False,
    config: ConfigOption = None,
) -> None:
    """Set a new password, asked for or from standard input. The account is signed out everywhere."""
    new = _password(name, "")

    async def work(house: House, user: User) -> None:
        await accounts.set_password(house, Passwords(), user, new, who=who())
        if drop:
            await accounts.drop_totp(house, user, who())

    _on(config, name, work)
    typer.echo(f"{name} has a new password.")


@user_app.command()
def link(name: Name, config: ConfigOption = None) -> None:
    """A link that signs this account in once, within ten minutes."""
    made = ""

    async def work(house: House, user: User) -> None:
        nonlocal made
        if user.disabled:
            raise AccountError(f"{user.name} is closed; 'arfgate user disable {user.name} --undo' opens it")
        made = accounts.link_address(house.settings, await accounts.link(house, user, who()))

    _on(config, name, work)
    typer.echo(made)


@user_app.command()
def sessions(
    name: Annotated[str | None, typer.Argument(help="Of this account; without, of all.")] = None,
    end: Annotated[int | None, typer.Option("--end", help="End this one.")] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Where accounts are, or were, signed in; the newest first."""

    async def work(house: House) -> list[dict[str, object]]:
        user = await accounts.find(house, name) if name else None
        number = user.id if user else None
        async with house.database.writing() as connection:
            said = Event(house.clock(), who(), "session ended", str(end))
            if end is not None and not await store.end(connection, end, number, said):
                raise AccountError(f"session {end} is not there, or has ended already")
            found = await store.listed(connection, number)
        return [{"account": whose} | {n: getattr(s, n) for n in _SESSION} for s, whose in found]

    try:
        rows = in_house(config, work)
    except AccountError as error:
        fail(str(error))
    if json:
        as_json(rows)
        return
    table("Sign-ins", ("account", *_SESSION), [tuple(row.values()) for row in rows], empty="There were none.")


@user_app.command()
def token(
    name: Name,
    title: Annotated[str, typer.Argument(help="What the key is for, as lists show it.")],
    role: RoleOption = RoleWord.VIEWER,
    days: Annotated[int, typer.Option(help="Days until it ends.", min=1, max=3650)] = 90,
    config: ConfigOption = None,
) -> None:
    """Make a key for a program (`Authorization: Bearer KEY`). It is shown once."""
    made = ""

    async def work(house: House, user: User) -> None:
        nonlocal made
        made = await accounts.new_token(house, user, title, role_of(role), timedelta(days=days), who=who())

    _on(config, name, work)
    typer.echo(made)


_SESSION = ("id", "how", "begun_at", "seen_at", "until", "ended_at", "address", "browser")


def _on(config: Path | None, name: str, work: Callable[[House, User], Awaitable[None]]) -> None:
    async def found(house: House) -> None:
        await work(house, await accounts.find(house, name))

    try:
        in_house(config, found)
    except (AccountError, WeakPasswordError) as error:
        fail(str(error))


def _password(name: str, email: str) -> str:
    """Twice from a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        typed = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        typed = sys.stdin.readline(MOST_CHARS + 2).rstrip("\r\n")
    try:
        return checked(typed, name, email)
    except WeakPasswordError as error:
        fail(str(error))
