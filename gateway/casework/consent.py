"""A customer's proof of permission against the complaints: read, compared by keyed hash, nobody named. Pure.

The table that a customer sends says whom it may write to; what comes out says for each
report only whether permission was found (SES-1). A feed that redacts recipients cannot be
compared: then nothing is held against the customer. Must never let an address out, nor
tell the customer which rows were looked at.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_ROWS = 500_000
MOST_BYTES = 50_000_000
_LONGEST_CELL = 300
_ADDRESS = ("email", "e-mail", "mail", "address", "email address", "recipient")
_TIME = ("time", "date", "timestamp", "opt-in time", "consent time", "confirmed_at")
_SOURCE = ("source", "how", "origin", "form", "ip")


class ConsentFileError(Exception):
    """The table cannot be used; the text says why and what to do."""


class Result(StrEnum):
    FOUND = "found"
    NOT_FOUND = "not-found"
    CANNOT_TELL = "cannot-tell"  # the report hides whom the mail went to


@dataclass(frozen=True, slots=True)
class Asked:
    """A report of the case: the addresses that the mail may have gone to, and whether its reporter may hide them."""

    report_id: int
    addresses: tuple[str, ...]
    hidden: bool


@dataclass(frozen=True, slots=True)
class Match:
    """What the table says of one report. `time` and `source` are the customer's words for that recipient."""

    report_id: int
    result: Result
    time: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome. `rows` is how many permissions the table holds."""

    rows: int
    matches: tuple[Match, ...]

    @property
    def result(self) -> Result:
        """Of all: not found, if that holds for one; found, if for one at least."""
        found = {match.result for match in self.matches}
        return next((r for r in (Result.NOT_FOUND, Result.FOUND) if r in found), Result.CANNOT_TELL)


def compare(asked: Sequence[Asked], table: bytes, key: bytes) -> Compared:
    """Look the reports' recipients up in a table (CSV with a column for the address). Raises ConsentFileError."""
    wanted = {_hash(address, key) for one in asked for address in one.addresses}
    held: dict[bytes, tuple[str, str]] = {}
    rows = 0
    for address, time, source in _rows(table):
        rows += 1
        digest = _hash(address, key)
        if digest in wanted:
            held.setdefault(digest, (time, source))
    return Compared(rows, tuple(_match(one, held, key) for one in asked))


def _match(one: Asked, held: Mapping[bytes, tuple[str, str]], key: bytes) -> Match:
    for address in one.addresses:
        found = held.get(_hash(address, key))
        if found is not None:
            return Match(one.report_id, Result.FOUND, *found)
    cannot = one.hidden or not one.addresses
    return Match(one.report_id, Result.CANNOT_TELL if cannot else Result.NOT_FOUND)


def _hash(address: str, key: bytes) -> bytes:
    """The same for every way to write an address that reaches the same mailbox by case alone."""
    return hmac.digest(key, address.strip().strip("<>").lower().encode("utf-8", "surrogateescape"), hashlib.sha256)


def _rows(table: bytes) -> Iterator[tuple[str, str, str]]:
    """(address, time, source) of each row that holds an address."""
    lines = csv.reader(io.StringIO(_text(table)), delimiter=_delimiter(table))
    try:
        head = [cell.strip().lower() for cell in next(lines, [])]
        address, time, source = (_column(head, names) for names in (_ADDRESS, _TIME, _SOURCE))
        if address is None:
            raise ConsentFileError("the table's first line must name its columns, one of them 'email'")
        for number, row in enumerate(lines, 1):
            if number > MOST_ROWS:
                raise ConsentFileError(f"the table has more than {MOST_ROWS} rows; send one for each campaign")
            if "@" in (value := _cell(row, address)):
                yield value, _cell(row, time), _cell(row, source)
    except csv.Error as error:
        raise ConsentFileError(f"the table is no CSV: {error}") from None


def _text(table: bytes) -> str:
    if len(table) > MOST_BYTES:
        raise ConsentFileError(f"the table is larger than {MOST_BYTES} bytes; send one for each campaign")
    if table[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return table.decode("utf-16", "replace")
    return table.decode("utf-8-sig", "surrogateescape").replace("\0", "")


def _delimiter(table: bytes) -> str:
    """What parts the cells of the first line."""
    first = table[:2000].partition(b"\n")[0]
    return max((",", ";", "\t"), key=lambda mark: first.count(mark.encode()))


def _column(head: list[str], names: Iterable[str]) -> int | None:
    return next((head.index(name) for name in names if name in head), None)


def _cell(row: list[str], column: int | None) -> str:
    return row[column].strip()[:_LONGEST_CELL] if column is not None and column < len(row) else ""
