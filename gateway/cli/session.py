"""What every command does the same: find the settings, open the house, tell errors in one line, print.

Must never hold a decision: commands call the gateway and show what it says.
"""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway import logs
from gateway.app import opened
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.intake.connect import MailboxError
from gateway.policies.policy import PolicyError
from gateway.settings import Settings, SettingsError, load
from gateway.store.database import StoreError

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file.", metavar="PATH")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs: one JSON document.")]

FOR_PEOPLE = (StoreError, PolicyError, SettingsError, MailboxError, NotAllowedError, LookupError)
_FILE_WIDTH = 200  # columns of a table that goes into a file or a pipe
_Result = TypeVar("_Result")


def settings_of(config: Path | None) -> Settings:
    """The settings, or one line a problem and exit status 1."""
    try:
        return load(config)
    except SettingsError as error:
        fail(*error.problems)


def in_house(
    config: Path | None, work: Callable[[House], Awaitable[_Result]], *, log_level: str = "warning"
) -> _Result:
    """Open the house for one command. What is wrong in the world is one line and exit status 1."""
    settings = settings_of(config)
    logs.configure(log_level, "text")

    async def inside() -> _Result:
        async with opened(settings) as house:
            return await work(house)

    try:
        return asyncio.run(inside())
    except FOR_PEOPLE as error:
        fail(*str(error).splitlines())
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def fail(*lines: str) -> NoReturn:
    """Say what is wrong and end with exit status 1."""
    for line in lines:
        typer.secho(line, fg="red", err=True)
    raise typer.Exit(1)


def who() -> str:
    """Who gives the command, for events."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def moment(text: str) -> datetime:
    """A time that somebody typed, as UTC: `2026-01-31`, `2026-01-31T12:00`, or with a zone."""
    try:
        value = datetime.fromisoformat(text.strip())
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        fail(f"{text[:40]!r} is no time; write 2026-01-31 or 2026-01-31T12:00, in UTC")


def as_json(value: Any) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print a table for people, or the sentence that says that there is nothing."""
    console = Console(width=None if sys.stdout.isatty() else _FILE_WIDTH)
    if not rows:
        console.print(empty)
        return
    shown = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(escape(text(cell)) for cell in row))
    console.print(shown)


def text(value: object) -> str:
    """A cell: times short and with their zone, nothing as an empty cell, controls made visible."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}Z"
    return logs.clean_text(str(value))


def left(due_at: datetime | None, now: datetime) -> str:
    """Time left as people say it: `23:10 h left`, `2:05 h late`."""
    if due_at is None:
        return ""
    minutes = int((due_at - now).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{hours}:{rest:02d} h {'left' if minutes >= 0 else 'late'}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.value
    return dict(value._mapping) if hasattr(value, "_mapping") else str(value)  # noqa: SLF001  (a Core row)
