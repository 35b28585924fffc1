"""Customers and what they hold, from a CSV file: read whole or refused whole, with every problem named.

One row per resource; what is said of the customer itself may stand in any of its rows. Pure but for reading
the file: must never touch the database.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gateway.intake import customer_values as values
from gateway.intake.customer_overlaps import contradictions
from gateway.intake.customer_values import BadValueError

# Also the columns' checks where a value stands alone; the others are read together.
COLUMNS: dict[str, Callable[[str], object] | None] = {
    "customer": values.key,
    "name": None,
    "parent": values.key,
    "account": values.key,
    "contacts": values.contacts,
    "language": values.language,
    "vetted": values.yes_no,
    "policy": values.key,
    "resource": values.resource,
    "port_first": None,
    "port_last": None,
    "valid_from": values.time,
    "valid_to": values.time,
    "use": values.use,
    "delivery": values.delivery,
    "other_contacts": values.other_contacts,
}
OF_CUSTOMER = ("name", "parent", "contacts", "language", "vetted", "policy", "delivery", "other_contacts")
OF_RESOURCE = ("port_first", "port_last", "valid_from", "valid_to", "use")
MOST_PROBLEMS = 10_000  # the rest is only counted


@dataclass(frozen=True, slots=True)
class CustomerRow:
    key: str
    name: str
    parent: str | None
    language: str
    vetted: bool
    policy: str | None = None  # None: says nothing, what was assigned stays
    delivery: str = "mail"


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """`family` 4 or 6 with both bounds, or 0 for a host. Ports None: the whole address. Times aware UTC."""

    customer: str
    account: str
    resource: str
    family: int
    first: int
    last: int
    port_first: int | None
    port_last: int | None
    valid_from: datetime
    valid_to: datetime | None
    line: int
    use: str = "exclusive"  # exclusive | shared | protected


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """`contacts`: by customer key, in order of trial; a customer without any in the file is not among the keys."""

    customers: tuple[CustomerRow, ...]
    contacts: dict[str, tuple[str, ...]]
    assignments: tuple[AssignmentRow, ...]
    other_contacts: dict[str, tuple[tuple[str, str, str | None], ...]] = field(default_factory=dict)


class CustomerFileError(Exception):
    """Nothing was read. `problems`: one line each, with file, line, column, value and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass
class _Problems:
    """What is wrong so far; `count` goes on where the list ends."""

    file: str
    lines: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, column: str, value: str, what: str) -> None:
        self.count += 1
        if self.count <= MOST_PROBLEMS:
            shown = "".join(c if c.isprintable() else "?" for c in value[:80]) + ("..." if len(value) > 80 else "")
            self.lines.append(f"{self.file}, line {line}, column {column}: {shown!r} {what}")

    def refuse(self) -> None:
        """Raise if there is any."""
        if self.count > MOST_PROBLEMS:
            self.lines.append(f"{self.file}: {self.count - MOST_PROBLEMS} more problems; correct these first")
        if self.lines:
            raise CustomerFileError(self.lines)


@dataclass
class _Customer:
    """What the rows of one customer say of it, and in which line each was said first."""

    said: dict[str, tuple[str, int]] = field(default_factory=dict)

    def get(self, column: str, default: str = "") -> str:
        return self.said.get(column, (default, 0))[0]


@dataclass
class _Row:
    """The cells of one row by column; those of `bad` columns were refused and read as empty."""

    line: int
    cells: dict[str, str]
    bad: set[str] = field(default_factory=set)

    def get(self, column: str) -> str:
        return "" if column in self.bad else self.cells.get(column, "")


def read_customers(path: Path | str, known: Collection[str] = ()) -> CustomerFile:
    """The customers of a CSV file in UTF-8. `known`: keys outside the file that may be named as parent.

    Raises `CustomerFileError` with every problem there is; nothing is half-read.
    """
    path = Path(path)
    problems = _Problems(path.name)
    customers: dict[str, _Customer] = {}
    held: dict[AssignmentRow, int] = {}  # without its line -> line: a row that is there twice says nothing new
    try:
        # What is no UTF-8 comes through as surrogates, to be reported with its line and column.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for row in _rows(file, problems):
                _collect(row, customers.setdefault(row.get("customer"), _Customer()), problems)
                if found := _assignment(row, problems):
                    held.setdefault(found, row.line)
    except OSError as error:
        raise CustomerFileError([f"{path} cannot be read: {error.strerror or error}; check the path"]) from None
    _check_parents(customers, known, problems)
    assignments = tuple(replace(row, line=line) for row, line in held.items())
    for one, other in contradictions(assignments):
        what = (
            f"overlaps line {one.line} ({one.customer}/{one.account}) in addresses, ports and time: correct one of them"
        )
        problems.add(other.line, "resource", other.resource, what)
    problems.refuse()
    contacts = {key: values.contacts(c.get("contacts")) for key, c in customers.items() if c.get("contacts")}
    others = {
        key: values.other_contacts(c.get("other_contacts")) for key, c in customers.items() if c.get("other_contacts")
    }
    return CustomerFile(tuple(_customer(key, c) for key, c in customers.items()), contacts, assignments, others)


def _customer(key: str, said: _Customer) -> CustomerRow:
    parent = said.get("parent") or None
    vetted = values.yes_no(said.get("vetted", "no"))
    language = said.get("language", values.LANGUAGES[0])
    return CustomerRow(
        key, said.get("name", key), parent, language, vetted, said.get("policy") or None, said.get("delivery") or "mail"
    )


# --- rows ------------------------------------------------------------------------------


def _rows(file: Iterable[str], problems: _Problems) -> Iterator[_Row]:
    """Each row that has a usable customer; blank rows are passed over."""
    rows = csv.reader(file, strict=True)
    header: list[str] | None = None
    last, seen = 0, False
    while True:
        line = last + 1
        try:
            cells = [cell.strip() for cell in next(rows)]
        except StopIteration:
            break
        except csv.Error as error:
            problems.add(line, "(row)", "", f"is no CSV ({error}): check the quotes; nothing behind it was read")
            break
        last = rows.line_num
        if header is None:
            header = _header(cells, problems)
        elif any(cells):
            seen = True
            row = _row(line, cells, header, problems)
            if row:
                yield row
    if header is not None and not seen:
        problems.add(last + 1, "(row)", "", "is missing: there is nothing below the header")
    if header is None:
        problems.add(1, "(row)", "", f"is no header: the first line names the columns: {','.join(COLUMNS)}")


def _header(cells: list[str], problems: _Problems) -> list[str]:
    """The column names. Without a good header no row means anything: raises at once."""
    header = [cell.lower() for cell in cells]
    for name in dict.fromkeys(header):
        if name not in COLUMNS:
            problems.add(1, name[:80] or "(empty)", name, f"is no column: use {', '.join(COLUMNS)}")
        elif header.count(name) > 1:
            problems.add(1, name, name, "is there twice: keep one")
    if "customer" not in header:
        hint = "save it with commas, not semicolons" if ";" in "".join(header) else "the first line names the columns"
        problems.add(1, "customer", ",".join(header), f"has no column customer: {hint}")
    problems.refuse()
    return header


def _row(line: int, cells: list[str], header: list[str], problems: _Problems) -> _Row | None:
    """The values of a row, each checked for itself; None where nothing more can be said of it."""
    if len(cells) != len(header):
        what = f"has {len(cells)} values where the header names {len(header)} columns: check commas and quotes"
        problems.add(line, "(row)", ",".join(cells), what)
        return None
    row = _Row(line, dict(zip(header, cells, strict=True)))
    for column, value in row.cells.items():
        check = COLUMNS[column]
        try:
            values.plain(value)
            if check and value:
                check(value)
        except BadValueError as error:
            problems.add(line, column, value, str(error))
            row.bad.add(column)
    if not row.get("customer") and "customer" not in row.bad:
        problems.add(line, "customer", "", "is empty: write the customer's key")
    return row if row.get("customer") else None


def _collect(row: _Row, customer: _Customer, problems: _Problems) -> None:
    """What a row says of the customer. An empty value says nothing; two rows must not differ."""
    for column in OF_CUSTOMER:
        if value := row.get(column):
            before, said_in = customer.said.setdefault(column, (value, row.line))
            if before != value:
                problems.add(row.line, column, value, f"differs from {before[:80]!r} in line {said_in}: write the same")


def _assignment(row: _Row, problems: _Problems) -> AssignmentRow | None:
    """What a row assigns; nothing where it names no resource, or where something is wrong."""
    if not row.get("resource") and "resource" not in row.bad:
        for column in OF_RESOURCE:
            if value := row.get(column):
                problems.add(row.line, column, value, "belongs to no resource: fill in the column resource")
        return None
    before = problems.count
    ports = _ports(row, problems)
    start, end = _validity(row, problems)
    if start is None or problems.count > before or not row.bad.isdisjoint(("resource", "account", *OF_RESOURCE)):
        return None
    resource, family, first, last = values.resource(row.get("resource"))
    customer, account = row.get("customer"), row.get("account") or "main"
    use = row.get("use") or "exclusive"
    return AssignmentRow(customer, account, resource, family, first, last, *ports, start, end, 0, use)


def _ports(row: _Row, problems: _Problems) -> tuple[int | None, int | None]:
    first, last = row.get("port_first"), row.get("port_last")
    try:
        found = values.ports(first, last)
    except BadValueError as error:
        problems.add(row.line, "port_first", f"{first}-{last}", str(error))
        return None, None
    if found and row.get("resource") and values.resource(row.get("resource"))[1] == 0:
        problems.add(row.line, "port_first", f"{first}-{last}", "stands at a host name: take it out")
    return found or (None, None)


def _validity(row: _Row, problems: _Problems) -> tuple[datetime | None, datetime | None]:
    first, last = row.get("valid_from"), row.get("valid_to")
    if not first and "valid_from" not in row.bad:
        what = "is empty: write since when the customer has it, like 2026-01-31T00:00:00Z"
        problems.add(row.line, "valid_from", "", what)
    start, end = values.time(first) if first else None, values.time(last) if last else None
    if start and end and end <= start:
        problems.add(row.line, "valid_to", last, f"is not after valid_from {first}: write a later time")
    return start, end


def _check_parents(customers: dict[str, _Customer], known: Collection[str], problems: _Problems) -> None:
    """Each parent exists, and nobody is above itself. A circle is named once."""
    walked: set[str] = set()
    for start, customer in customers.items():
        parent, line = customer.said.get("parent", ("", 0))
        if parent and parent not in customers and parent not in known:
            problems.add(line, "parent", parent, "is no customer: add a row for it, or correct the key")
        way: list[str] = []
        here = start
        while here in customers and here not in walked:
            walked.add(here)
            way.append(here)
            here = customers[here].get("parent")
        if here in way:
            circle = way[way.index(here) :]
            parent, line = customers[here].said["parent"]
            chain = " -> ".join([*circle[:10], here])
            problems.add(line, "parent", parent, f"makes a circle ({chain}): take one parent out")
