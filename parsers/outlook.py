"""Mail in Outlook's own containers, made mail again: winmail.dat (TNEF, MS-OXTNEF) and `.msg` (MS-OXMSG).

Both hold MAPI properties; one of them is the header as the transport delivered it (PidTagTransportMessageHeaders).
That and the text are put together; where there is none, a few fields are made from other properties, without a trace.
TNEF is read here: tnefparse copies the rest of the file for each object and believes any count. The OLE file around
a `.msg` is olefile's. Must never read more than lies there: every length is checked, every loop moves on.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple

import olefile

from parsers.errors import MalformedError

TNEF_BEGINS = b"\x78\x9f\x3e\x22"
OLE_BEGINS = olefile.MAGIC
DEPTH = 5  # messages in messages
MOST = 20  # messages of one container
TEXT_BYTES = 5_000_000

_HEADERS, _SUBJECT, _BODY, _HTML = 0x007D, 0x0037, 0x1000, 0x1013
_SENT_AT, _DELIVERED_AT, _MESSAGE_ID = 0x0039, 0x0E06, 0x1035
_SMTP_SENDER, _SENDER, _SENDER_NAME, _TO = 0x5D01, 0x0C1F, 0x0C1A, 0x0E04
_ATTACHED = 0x3701
_WANTED = frozenset((_HEADERS, _SUBJECT, _BODY, _HTML, _SENT_AT, _DELIVERED_AT, _MESSAGE_ID, _ATTACHED))
_WANTED_TOO = frozenset((_SMTP_SENDER, _SENDER, _SENDER_NAME, _TO))
_STRING8, _UNICODE, _OBJECT, _BINARY, _TIME = 0x001E, 0x001F, 0x000D, 0x0102, 0x0040
_SIZES = {0x0001: 0, 2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0x000A: 4, 0x000B: 4, 0x0014: 8, _TIME: 8, 0x0048: 16}
_IMESSAGE = bytes.fromhex("0703020000000000c000000000000046")
_MANY = 0x1000
_NAMED = 0x8000

_RENDERING, _DATA, _ATTACHMENT, _PROPERTIES, _OLD_SUBJECT = 0x9002, 0x800F, 0x9005, 0x9003, 0x8004
_ATTACHED_TO = 2  # level of an object that belongs to an attachment

Properties = dict[int, bytes | str]


class Unpacked(NamedTuple):
    """`messages` as RFC 5322 bytes; `files` as they are; the header of `without_header` messages was made up.

    `own` is the mail itself that was packed, where it has a text.
    """

    messages: tuple[bytes, ...]
    files: tuple[bytes, ...]
    without_header: int
    own: bytes = b""


def tnef(data: bytes) -> Unpacked:
    """A mail that Outlook packed: what is attached to it, and its own text. Raises MalformedError."""
    messages: list[Properties] = []
    files: list[bytes] = []
    own = _walk(data, 0, messages, files)
    found = _unpacked(messages[:MOST], files[:MOST])
    return found._replace(own=_mail(own)) if _BODY in own or _HTML in own else found


def msg(data: bytes) -> Unpacked:
    """The message that a `.msg` is; those attached to it where it has no header of its own. Raises MalformedError."""
    try:
        with olefile.OleFileIO(io.BytesIO(data), raise_defects=olefile.DEFECT_INCORRECT) as ole:
            outer = _of_storage(ole, (), len(data))
            inner = [_of_storage(ole, where, len(data)) for where in _storages(ole)] if _HEADERS not in outer else []
    except (
        OSError,
        ValueError,
        IndexError,
        KeyError,
        struct.error,
        RecursionError,
        AttributeError,
        TypeError,
    ) as error:
        raise MalformedError(f"the Outlook file cannot be read: {type(error).__name__}") from error
    found = [one for one in inner if _HEADERS in one] or [outer]
    return _unpacked([one for one in found if one], [])


def _unpacked(messages: list[Properties], files: list[bytes]) -> Unpacked:
    without = sum(1 for one in messages if _HEADERS not in one)
    return Unpacked(tuple(map(_mail, messages)), tuple(files), without)


def _walk(data: bytes, depth: int, messages: list[Properties], files: list[bytes]) -> Properties:
    """The objects of one TNEF stream; gives back the properties of its own message."""
    if not data.startswith(TNEF_BEGINS):
        raise MalformedError("the TNEF part does not begin as one")
    own: Properties = {}
    at = 6
    while at + 11 <= len(data):
        level, name, _, length = struct.unpack_from("<BHHI", data, at)
        start, end = at + 9, at + 9 + length
        if end > len(data):
            raise MalformedError("a TNEF object is longer than the part")
        if level == _ATTACHED_TO and name == _DATA:
            files.append(data[start:end])
        elif level == _ATTACHED_TO and name == _ATTACHMENT:
            held = _properties(data, start, end).get(_ATTACHED)
            if isinstance(held, bytes) and held.startswith(_IMESSAGE) and depth < DEPTH:
                inner = _walk(held[len(_IMESSAGE) :], depth + 1, messages, files)
                messages.append(inner)
            elif isinstance(held, bytes) and held:
                files.append(held)
        elif name == _PROPERTIES:
            own |= _properties(data, start, end)
        elif name == _OLD_SUBJECT:
            own.setdefault(_SUBJECT, data[start:end].rstrip(b"\0"))
        at = end + 2  # a checksum that nobody needs
    return own


def _properties(data: bytes, at: int, end: int) -> Properties:
    """The MAPI properties of `data[at:end]` that are wanted. What is cut off is not there."""
    found: Properties = {}
    try:
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
        while count > 0 and at < end:
            count -= 1
            kind, name = struct.unpack_from("<HH", data, at)
            at += 4
            if name >= _NAMED:
                at = _past_name(data, at)
            value, at = _value(data, at, end, kind)
            if value is not None and (name in _WANTED or name in _WANTED_TOO):
                found.setdefault(name, value)
    except struct.error:
        pass
    return found


def _past_name(data: bytes, at: int) -> int:
    (kind,) = struct.unpack_from("<I", data, at + 16)
    (value,) = struct.unpack_from("<I", data, at + 20)
    return at + 24 + (0 if kind == 0 else _padded(value))


def _value(data: bytes, at: int, end: int, kind: int) -> tuple[bytes | str | None, int]:
    """(the first value as bytes or text, where the next property begins)."""
    count = 1
    many = bool(kind & _MANY)
    kind &= ~_MANY
    if many or kind in (_STRING8, _UNICODE, _OBJECT, _BINARY):
        (count,) = struct.unpack_from("<I", data, at)
        at += 4
    if kind in _SIZES:
        size = _SIZES[kind] * count
        return data[at : min(at + size, end)][:16], at + size
    if kind not in (_STRING8, _UNICODE, _OBJECT, _BINARY):
        return None, end  # nobody knows how long it is
    value: bytes | None = None
    while count > 0 and at < end:
        count -= 1
        (length,) = struct.unpack_from("<I", data, at)
        if value is None:
            value = data[at + 4 : min(at + 4 + length, end)]
        at += 4 + _padded(length)
    return (_utf16(value) if value is not None and kind == _UNICODE else value), at


def _padded(length: int) -> int:
    return length + -length % 4


def _utf16(value: bytes) -> str:
    return value.decode("utf-16-le", "replace").rstrip("\0")


def _storages(ole: olefile.OleFileIO) -> Iterator[tuple[str, ...]]:
    """Where messages lie that are attached to the message."""
    places = [tuple(entry) for entry in ole.listdir(streams=False, storages=True)]
    yield from [place for place in places if len(place) == 2 and place[1].lower() == "__substg1.0_3701000d"][:MOST]


def _of_storage(ole: olefile.OleFileIO, where: tuple[str, ...], most: int) -> Properties:
    found: Properties = {}
    for name in (_WANTED | _WANTED_TOO) - {_ATTACHED}:
        for kind in (_UNICODE, _STRING8, _BINARY):
            place = [*where, f"__substg1.0_{name:04X}{kind:04X}"]
            if ole.exists(place) and ole.get_size(place) <= most:
                value = ole.openstream(place).read(TEXT_BYTES)
                found[name] = _utf16(value) if kind == _UNICODE else value
                break
    place = [*where, "__properties_version1.0"]
    if ole.exists(place) and ole.get_size(place) <= most:
        fixed = ole.openstream(place).read(TEXT_BYTES)
        for at in range(24 if where else 32, len(fixed) - 15, 16):
            kind, name = struct.unpack_from("<HH", fixed, at)
            if kind == _TIME and name in (_SENT_AT, _DELIVERED_AT):
                found[name] = fixed[at + 8 : at + 16]
    return found


def _mail(properties: Properties) -> bytes:
    """RFC 5322 bytes: the transport's header without what it says of a body that is not there any more."""
    header = _bytes(properties.get(_HEADERS, b"")).strip(b"\0\r\n \t")
    body = _bytes(properties.get(_BODY, b"")) or _bytes(properties.get(_HTML, b""))
    kind = b"text/plain" if properties.get(_BODY) else b"text/html"
    if header:
        lines = header.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        header = b"\r\n".join(_without_content(lines))
    else:
        header = b"\r\n".join(_made(properties))
    return header + b"\r\nContent-Type: " + kind + b"; charset=utf-8\r\n\r\n" + body[:TEXT_BYTES]


def _without_content(lines: list[bytes]) -> Iterator[bytes]:
    dropped = False
    for line in lines:
        if not line[:1].isspace():
            # "Microsoft Mail Internet Headers Version 2.0" and other lines that are no fields
            dropped = line[:8].lower() == b"content-" or b":" not in line
        if not dropped and line.strip():
            yield line


def _made(properties: Properties) -> Iterator[bytes]:
    sender = next((one for name in (_SMTP_SENDER, _SENDER) if b"@" in (one := _line(properties.get(name)))), b"")
    name = _line(properties.get(_SENDER_NAME)).replace(b'"', b"")
    if sender or name:
        yield b'From: "' + name + b'" <' + sender + b">" if sender else b"From: " + name
    for field, value in ((b"To", _TO), (b"Subject", _SUBJECT), (b"Message-ID", _MESSAGE_ID)):
        if line := _line(properties.get(value)):
            yield field + b": " + line
    sent = properties.get(_SENT_AT) or properties.get(_DELIVERED_AT)
    if isinstance(sent, bytes) and (date := _file_time(sent)):
        yield b"Date: " + date


def _file_time(value: bytes) -> bytes | None:
    """Of 100 ns steps since 1601."""
    if len(value) < 8:
        return None
    try:
        moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=int.from_bytes(value[:8], "little") // 10)
    except OverflowError:
        return None
    return format_datetime(moment.replace(microsecond=0)).encode()


def _line(value: bytes | str | None) -> bytes:
    return b" ".join(_bytes(value or b"").split())[:2_000].replace(b"\0", b"")


def _bytes(value: bytes | str) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value.rstrip(b"\0")
