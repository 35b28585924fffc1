"""Assignments and identifiers as a table: CSV with a header, or one JSON object a line.

Columns: `customer`, `account`, `resource`, `port_first`, `port_last`, `valid_from`, `valid_to`, `use`, `ref`; a row
with `kind` and `value` instead of a resource is an identifier. A table is read whole each time: it says what is.
"""

from __future__ import annotations

import csv
import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.attribution.identifiers import KINDS, SUBSCRIBER, normal
from gateway.connectors.sources.contract import Batch, Known, Lease, Position, Record, SourceError
from gateway.connectors.sources.tail import LINE_BYTES
from gateway.intake import customer_values as values
from gateway.intake.customer_values import BadValueError

COLUMNS = frozenset(
    {
        "customer", "account", "resource", "port_first", "port_last", "valid_from", "valid_to", "use", "ref",
        "kind", "value",
    }
)  # fmt: skip
_KINDS = KINDS | {SUBSCRIBER}
_USES = {"": "exclusive", "exclusive": "exclusive", "shared": "shared", "protected": "protected"}


@dataclass(frozen=True, slots=True)
class Table:
    """`kind` is "csv" or "jsonl"."""

    path: Path
    kind: str

    async def read(self, position: Position) -> AsyncGenerator[Batch, None]:
        batch = Batch(position)
        empty = True
        try:
            with self.path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                rows = _csv(file) if self.kind == "csv" else _jsonl(file)
                for number, row in rows:
                    empty = False
                    try:
                        if isinstance(row, str):
                            raise BadValueError(row)  # noqa: TRY301  (refused like a row that says something wrong)
                        batch.records.append(record(row))
                    except BadValueError as error:
                        batch.refuse(f"{self.path.name}, line {number}", str(error))
                    if batch.behind(position):
                        yield batch
                        batch = Batch(position)
        except OSError as error:
            raise SourceError(f"{self.path}: cannot be read ({error.strerror}); check the path") from None
        if empty:
            batch.refuse(self.path.name, "holds no row: is it what you meant to hand over?")
        yield batch


def record(row: dict[str, str]) -> Record:
    """What one row says. Raises BadValueError, which begins with the column."""
    customer = _checked("customer", values.key, row.get("customer", ""))
    account = row.get("account", "")
    holder = f"{customer}/{_checked('account', values.key, account)}" if account and account != "main" else customer
    start = _checked("valid_from", values.time, row.get("valid_from", ""))
    end = _checked("valid_to", values.time, row["valid_to"]) if row.get("valid_to") else None
    if end is not None and end <= start:
        raise BadValueError("column valid_to: is not after valid_from")
    if row.get("kind"):
        if row["kind"] not in KINDS | {SUBSCRIBER}:
            raise BadValueError(
                f"column kind: {row['kind'][:40]!r} is none of {', '.join(sorted(KINDS | {SUBSCRIBER}))}"
            )
        return Known(row["kind"], normal(row["kind"], row.get("value", "")), (holder,), start, end)
    use = _USES.get(row.get("use", ""))
    if use is None:
        raise BadValueError("column use: write exclusive, shared or protected")
    resource = _checked("resource", values.resource, row.get("resource", ""))[0]
    ports = _checked("port_first", lambda text: values.ports(text, row.get("port_last", "")), row.get("port_first", ""))
    return Lease(resource, (holder,), start, end, row.get("ref") or None, ports, use, stated=True)


def _checked(column: str, check: Any, text: str) -> Any:
    try:
        values.plain(text)
        return check(text)
    except BadValueError as error:
        raise BadValueError(f"column {column}: {text[:80]!r} {error}") from None


def _csv(file: Any) -> Iterator[tuple[int, dict[str, str] | str]]:
    rows = csv.reader(file, strict=True)
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        if unknown := [name for name in header if name not in COLUMNS]:
            raise SourceError(f"{unknown[0]!r} is no column; there are {', '.join(sorted(COLUMNS))}")
        if "customer" not in header:
            raise SourceError("the first line names the columns, and customer is not among them")
        for cells in rows:
            if any(cells):
                yield rows.line_num, {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
    except csv.Error as error:
        yield rows.line_num, f"is no CSV ({error}); nothing behind it was read"


def _jsonl(file: Any) -> Iterator[tuple[int, dict[str, str] | str]]:
    for number, line in enumerate(iter(lambda: file.readline(LINE_BYTES), ""), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            yield number, "is no JSON"
            continue
        if not isinstance(row, dict) or not all(isinstance(v, str | int | None) for v in row.values()):
            yield number, "is no object of plain values"
        elif unknown := sorted(set(row) - COLUMNS):
            yield number, f"{unknown[0][:40]!r} is no field; there are {', '.join(sorted(COLUMNS))}"
        else:
            yield number, {key: "" if value is None else str(value) for key, value in row.items()}


def utc(seconds: float) -> datetime:
    """Unix time as an aware datetime. Raises ValueError."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is no time") from error
