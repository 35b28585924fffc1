"""IMAP's bytes: reading FETCH, SEARCH and status responses, and writing names and UID sets (RFC 3501).

Pure: no connection, no clock. It reads what a server and hostile mail produce, so every
reader skips what it does not understand and none raises. Must never look into a message.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_STARTS_FETCH = re.compile(rb"(?:\* )?\d+ FETCH \(", re.IGNORECASE)
_UID = re.compile(rb"\bUID (\d{1,10})\b", re.IGNORECASE)
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d{1,15})\b", re.IGNORECASE)
_DATE = re.compile(rb'\bINTERNALDATE "( ?\d{1,2}-[A-Za-z]{3}-\d{4} \d\d:\d\d:\d\d [+-]\d{4})"', re.IGNORECASE)
_BODY_LITERAL = re.compile(rb"\bBODY\[\](?:<\d+>)? ?~?\{\d+\+?\}$", re.IGNORECASE)
_BODY_QUOTED = re.compile(rb'\bBODY\[\](?:<\d+>)? "((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_BODY_NIL = re.compile(rb"\bBODY\[\](?:<\d+>)? NIL\b", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True)
class Item:
    """One FETCH response; what it did not hold is None. `size` in bytes, `internal_date` aware UTC."""

    uid: int
    size: int | None = None
    internal_date: datetime | None = None
    body: bytes | None = None


def read_fetch(lines: Sequence[bytes | bytearray]) -> dict[int, Item]:
    """FETCH responses by UID, from aioimaplib's lines (text is `bytes`, literals are `bytearray`).

    A response without UID (another client's flag change) and one that cannot be read are left out;
    two for one UID (a flag change behind the answer) are laid together.
    """
    found: dict[int, Item] = {}
    for response in _responses(lines):
        item = _read_response(response)
        if item is not None:
            found[item.uid] = _together(found.get(item.uid), item)
    return found


def _responses(lines: Sequence[bytes | bytearray]) -> Iterator[list[bytes | bytearray]]:
    current: list[bytes | bytearray] = []
    for line in lines:
        if not isinstance(line, bytearray) and _STARTS_FETCH.match(line):
            if current:
                yield current
            current = [line]
        elif current:
            current.append(line)
    if current:
        yield current


def _read_response(response: list[bytes | bytearray]) -> Item | None:
    body: bytes | None = None
    texts: list[bytes] = []
    for piece in response:
        if not isinstance(piece, bytearray):
            texts.append(piece)
        elif body is None and texts and _BODY_LITERAL.search(texts[-1]):
            body = bytes(piece)
    text = b" ".join(texts)
    if body is None:
        body = _inline_body(text)
        text = _BODY_QUOTED.sub(b"", text)  # a message in quotes may hold the words that are looked for below
    uid = _UID.search(text)
    if uid is None:
        return None
    size, date = _SIZE.search(text), _DATE.search(text)
    when = read_internal_date(date.group(1).decode("ascii")) if date else None
    return Item(int(uid.group(1)), int(size.group(1)) if size else None, when, body)


def _inline_body(text: bytes) -> bytes | None:
    quoted = _BODY_QUOTED.search(text)
    if quoted:
        return re.sub(rb"\\(.)", rb"\1", quoted.group(1))
    return b"" if _BODY_NIL.search(text) else None


def _together(first: Item | None, second: Item) -> Item:
    if first is None:
        return second
    return Item(
        second.uid,
        second.size if first.size is None else first.size,
        first.internal_date or second.internal_date,
        second.body if first.body is None else first.body,
    )


def read_internal_date(text: str) -> datetime | None:
    """RFC 3501 date-time, `17-Jul-1996 02:44:25 -0700`, as aware UTC; None when it is no date."""
    try:
        day, month, rest = text.strip().split("-", 2)
        year, clock, zone = rest.split(" ")
        hour, minute, second = (int(part) for part in clock.split(":"))
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
        here = timezone(-offset if zone[0] == "-" else offset)
        number = _MONTHS.index(month.lower()) + 1
        return datetime(int(year), number, int(day), hour, minute, min(second, 59), tzinfo=here).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read_search(lines: Iterable[bytes]) -> list[int]:
    """The numbers of all SEARCH responses, ascending; other lines (the tagged end) hold words and are passed over."""
    uids: set[int] = set()
    for line in lines:
        tokens = bytes(line).split()
        if all(token.isdigit() and len(token) <= 10 for token in tokens):
            uids.update(int(token) for token in tokens)
    return sorted(uids)


def read_code(lines: Iterable[bytes], code: str) -> int | None:
    """The number of a response code such as `[UIDVALIDITY 17]`."""
    wanted = re.compile(rb"\[" + code.encode("ascii") + rb" (\d{1,20})\]", re.IGNORECASE)
    for line in lines:
        if found := wanted.search(line):
            return int(found.group(1))
    return None


def said(lines: Sequence[bytes | bytearray]) -> str:
    """The last thing the server said, cleaned and cut, for a message to people."""
    text = bytes(lines[-1]).decode("ascii", "replace") if lines else ""
    return _UNPRINTABLE.sub("?", text)[:200].strip() or "nothing"


def uid_set(uids: Iterable[int]) -> str:
    """`1:3,7`: ranges, since a command line of 100 long UIDs is near some servers' limit."""
    runs: list[tuple[int, int]] = []
    for uid in sorted(set(uids)):
        if runs and runs[-1][1] == uid - 1:
            runs[-1] = (runs[-1][0], uid)
        else:
            runs.append((uid, uid))
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def quote(text: str) -> str:
    """A quoted string (RFC 3501 section 9). Line breaks are the caller's to refuse: aioimaplib raises on them."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def mailbox_name(name: str) -> str:
    """A folder's name as it goes over the wire: modified UTF-7 (RFC 3501 section 5.1.3), quoted."""
    written: list[str] = []
    foreign: list[str] = []

    def flush() -> None:
        if foreign:
            packed = base64.b64encode("".join(foreign).encode("utf-16-be", "surrogatepass")).rstrip(b"=")
            written.append("&" + packed.decode("ascii").replace("/", ",") + "-")
            foreign.clear()

    for char in name:
        if " " <= char <= "~":
            flush()
            written.append("&-" if char == "&" else char)
        else:
            foreign.append(char)
    flush()
    return quote("".join(written))
