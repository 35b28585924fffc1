"""Rows of a feed's table -> reports, one a row: which column says what is known by its heading, never by its place.

For every feed that sends tables (CSV attached, CSV lines in the text). Must never take an address
out of a column that does not name the source, and never cut a table in silence: more rows than
ROWS are an error for a person.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from parsers import envelope, evidence, fields
from parsers.errors import LimitError, MalformedError
from parsers.moments import PLAIN, Moment, Reading, moment
from parsers.report import Category, Report, Resource, ResourceKind, Role

ROWS = 10_000  # SEC-1
COLUMNS = 200
KEPT = 24  # other columns of a row that are kept
VALUE_CHARS = 300
DELIMITERS = ",;\t|"
UNSPECIFIED = frozenset(("0.0.0.0", "::"))  # noqa: S104  nothing is bound to it: rows that name nobody

IP = (
    *("ip", "src_ip", "source_ip", "srcip", "ip_address", "ipaddress", "ip_addr", "source_address", "src_addr"),
    *("address", "host_ip", "infected_ip", "attacker_ip", "offending_ip", "remote_ip", "client_ip", "ipv4", "ipv6"),
    *("source", "src", "host", "ip_adresse", "ip_adresa", "adresse_ip", "ip地址"),
)
TIME = (
    *("timestamp", "time_source", "time_detected", "event_time", "detected", "detection_time", "datetime"),
    *("date_time", "timestamp_utc", "time_utc", "utc", "time", "last_seen", "lastseen", "first_seen", "seen", "date"),
    *("time_observation", "event_date", "last_impact_timestamp", "created", "datum", "时间"),
)
CLOCK = ("event_time", "time", "event_clock")  # beside a date of its own
DAY = ("event_date", "date", "day")
PORT = ("src_port", "source_port", "srcport", "sport", "port")
URL = ("url", "http_url", "source_url", "uri")
HOST = ("http_host", "domain", "domain_name", "fqdn", "host_name", "source_fqdn")
KIND = (
    *("report_type", "feed_name", "classification_type", "type", "category", "event_type", "infection", "threat"),
    *("tag", "malware_name", "feed"),
)
_NOT_A_WORD = re.compile(r"[\s.\-/()]+")
_PIPED = re.compile(r"\s{0,8}\|(.{3,2000})\|?\s{0,8}\Z")


class Columns(NamedTuple):
    """Where in a row the known values stand. `clock` belongs to a `time` that holds a day only."""

    names: tuple[str, ...]
    ip: int
    time: int | None
    clock: int | None
    port: int | None
    url: int | None
    host: int | None
    kinds: tuple[int, ...]


class Row(NamedTuple):
    """One line with the columns of its table."""

    columns: Columns
    values: list[str]

    def at(self, index: int | None) -> str:
        return self.values[index].strip() if index is not None and index < len(self.values) else ""

    @property
    def kind(self) -> str:
        """The words that say what happened, for a vocabulary."""
        return " ".join(self.at(index) for index in self.columns.kinds)[:VALUE_CHARS]


def columns(heading: list[str]) -> Columns | None:
    """What the headings mean; None where none of them names an address."""
    names = tuple(_NOT_A_WORD.sub("_", one.strip().strip("\"'\ufeff#").strip().lower()).strip("_") for one in heading)
    ip = _first(names, IP)
    if ip is None or len(names) > COLUMNS:
        return None
    time = _first(names, TIME)
    if time is None:
        time = next((n for n, name in enumerate(names) if "timestamp" in name or "last_seen" in name), None)
    day, clock = _first(names, DAY), _first(names, CLOCK)
    if day is not None and clock is not None and time in (day, clock):
        time = day
    else:
        clock = None
    kinds = tuple(n for n in (_first(names, (word,)) for word in KIND) if n is not None)
    return Columns(names, ip, time, clock, _first(names, PORT), _first(names, URL), _first(names, HOST), kinds)


def rows(data: bytes) -> Iterator[Row]:
    """The rows of a CSV file under its heading. Nothing where no column names an address.

    Raises LimitError beyond ROWS, MalformedError where it is no table.
    """
    text = io.TextIOWrapper(io.BytesIO(data), encoding=_encoding(data), errors="replace", newline="")
    beginning: list[str] = []
    for line in text:  # banners and empty lines stand above some
        if line.strip() and not line.startswith(("#", "sep=")):
            beginning.append(line[:20_000])
            break
    yield from _read(chain(beginning, text))


def text_rows(text: str) -> list[Row]:
    """Rows in running text: a heading line that names an address, and the lines below it that have its columns."""
    found: list[Row] = []
    lines = [_unpiped(line) for line in text.split("\n", 2_000)[:2_000]]
    for number, line in enumerate(lines):
        sign = _delimiter(line)
        if not sign or line.count(sign) < 1 or len(line) > 1_000:
            continue
        named = columns(line.split(sign))
        if named is None or any(fields.ip(word.strip()) for word in line.split(sign)):
            continue
        for below in lines[number + 1 : number + 1 + ROWS]:
            values = [one.strip().strip('"') for one in below.split(sign)]
            if len(values) < 2 or fields.ip(values[named.ip] if named.ip < len(values) else "") is None:
                if found and not below.strip("|+- "):
                    continue
                break
            found.append(Row(named, values))
        if found:
            break
    return found


def report(row: Row, category: Category, reading: Reading = PLAIN) -> Report | None:
    """One row. None where it names no address: headings that are repeated, sums, rows about nobody."""
    address = fields.ip(row.at(row.columns.ip))
    if address is None or address in UNSPECIFIED:
        return None
    when = when_of(row, reading)
    defects = []
    if when is None:
        defects.append("no-time")
    elif not when.zoned:
        defects.append("unknown-time-zone")
    named = row.columns
    stated_by = {"source_ip": f"table:{named.names[named.ip]}"}
    port = fields.number(row.at(named.port), 65535) or None
    if port:
        stated_by["source_port"] = f"table:{named.names[named.port or 0]}"
    if when is not None:
        stated_by["arrival_date"] = f"table:{named.names[named.time or 0]}"
    stated = {
        "category": category,
        "source_ip": address,
        "source_port": port,
        "arrival_date": when.value if when else None,
        "fields": _others(row),
    }
    return evidence.complete(stated, None, stated_by, defects)


def when_of(row: Row, reading: Reading = PLAIN) -> Moment | None:
    clock = row.at(row.columns.clock)
    return moment(f"{row.at(row.columns.time)} {clock}" if clock else row.at(row.columns.time), reading)


def sites(row: Row) -> tuple[Resource, ...]:
    """The URL and host that a row names, for tables that are about sites."""
    found: dict[Resource, None] = {}
    if place := fields.place(row.at(row.columns.url)):
        found[Resource(place[0], Role.ADVERTISED, place[1])] = None
    if name := fields.host(row.at(row.columns.host)):
        found[Resource(ResourceKind.HOST, Role.ADVERTISED, name)] = None
    return tuple(found)


def _read(lines: Iterator[str]) -> Iterator[Row]:
    first = next(lines, "")
    sign = _delimiter(first)
    if not sign:
        return
    reader = csv.reader(chain([first], lines), delimiter=sign)
    try:
        named = columns(next(reader))
        if named is None:
            return
        for number, values in enumerate(reader):
            if number >= ROWS:
                raise LimitError(f"an attached table has more than {ROWS} rows")
            yield Row(named, values)
    except csv.Error as error:
        raise MalformedError(f"an attached table cannot be read: {error}") from error


def _encoding(data: bytes) -> str:
    """By its beginning: UTF-8 where it is, else the Western one byte sets."""
    try:
        data[:100_000].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return "utf-8-sig" if error.start > 99_990 else "cp1252"
    return "utf-8-sig"


def _others(row: Row) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What else the row says, by heading, without what is empty."""
    named = row.columns
    placed = {named.ip, named.time, named.clock, named.port}
    kept: list[tuple[str, tuple[str, ...]]] = []
    for n, value in enumerate(row.values[: len(named.names)]):
        if value and n not in placed and named.names[n]:
            kept.append((named.names[n], (_flat(value),)))
            if len(kept) == KEPT:
                break
    return tuple(kept)


def _flat(value: str) -> str:
    """On one line and without control characters, as all that leaves a message."""
    value = value[:VALUE_CHARS]
    return value if value.isprintable() else envelope.clean(" ".join(value.split()))


def _first(names: tuple[str, ...], wanted: tuple[str, ...]) -> int | None:
    return next((names.index(word) for word in wanted if word in names), None)


def _delimiter(line: str) -> str:
    """The sign that the heading has most of; empty where it has none."""
    best = max(DELIMITERS, key=line[:5_000].count)
    return best if best in line else ""


def _unpiped(line: str) -> str:
    """`| a | b |` as `a | b`."""
    found = _PIPED.match(line)
    return found[1].strip().rstrip("|") if found else line.strip("\r")
