"""What every source of assignments gives: records since a position, in batches, and the position behind each batch.

A source reads a foreign system and decides nothing. It may be killed between two batches and read on; reading the
same again gives the same records. Must never write anywhere.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gateway.attribution.relays import RelayMail

Position = dict[str, Any]  # plain JSON: offset, time, page, what is half read
BATCH = 500  # records
LINES = 20_000  # of a batch in which hardly any line is a record: others want their turn too
_PROBLEMS = 200


class SourceError(Exception):
    """The source cannot be read; the text says why and what to do. What was read before stays."""


@dataclass(frozen=True, slots=True)
class Lease:
    """An address or prefix that somebody had. `holders`: how the source calls them, the surest first (an account as
    `customer` or `customer/account`, a login, a subscriber). `end` None: still. `ref`: the source's own key, under
    which the same lease comes again. `seen`: when the source says that it changed last; `start` None: no older than
    that is known. `stated`: a table's row, which takes back what the table said of that time before. `logins`: the
    holders are logins or subscribers; a customer's key counts only where nobody has such a one."""

    resource: str
    holders: tuple[str, ...]
    start: datetime | None
    end: datetime | None = None
    ref: str | None = None
    ports: tuple[int, int] | None = None
    use: str = "exclusive"
    seen: datetime | None = None
    stated: bool = False
    logins: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """An identifier that names an account for a time. `kind` of `attribution.identifiers`."""

    kind: str
    value: str
    holders: tuple[str, ...]
    start: datetime
    end: datetime | None = None


Record = Lease | Known | RelayMail


@dataclass
class Batch:
    """`problems`: what could not be read, one line each with its place; they stop nothing."""

    position: Position
    records: list[Record] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lines: int = 0
    whole: frozenset[tuple[str, str]] | None = None
    """(ref, resource) of all that the source has, once it was read to its end: what else it ever gave is over."""
    lost: bool = False
    """What it had written since the position was gone before it was read."""
    survived: dict[str, datetime] | None = None
    """Of what was lost, what is known all the same: each address, and when the last lease of it began."""
    survived_at: datetime | None = None
    """When that was written: what happened after it is in none of it."""

    def behind(self, position: Position) -> bool:
        """One line, block or row more was read, to this position. True: the batch is full."""
        self.position = position
        self.lines += 1
        return len(self.records) >= BATCH or self.lines >= LINES

    def refuse(self, place: str, what: str) -> None:
        if len(self.problems) < _PROBLEMS:
            self.problems.append(f"{place}: {what}")


class Reader(Protocol):
    """One file in this folder each."""

    def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        """Everything behind the position. Raises SourceError."""
        ...
