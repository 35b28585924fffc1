"""Tables and mails out of attachments: CSV as it is, or in a zip or gzip, `.eml` in a zip, within the bounds of SEC-2.

Must never unpack what it did not measure, never follow a path of an archive, never open an
archive in an archive, and never read a member that is neither.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import NamedTuple

from parsers import envelope
from parsers.errors import LimitError
from parsers.scan import Part

MEMBERS = 10
UNPACKED_BYTES = 50 * 1024 * 1024  # of all tables of one message
RATIO = 100
SMALL = 1024 * 1024  # below this a ratio says nothing: a table of zeros is no bomb
DIRECTORY_BYTES = 64 * 1024
_END = b"PK\x05\x06"
_END64 = b"PK\x06\x07"
_ENCRYPTED = 0x1
_TABLES = (".csv", ".tsv")
_TABLE_TYPES = (b"text/csv", b"application/csv", b"text/comma-separated-values", b"text/tab-separated-values")


class Sheet(NamedTuple):
    """One table as bytes, with the file name it came under."""

    name: str
    data: bytes


class Sheets(NamedTuple):
    """`found` in order; `problem` says why a table that is there could not be got out."""

    found: tuple[Sheet, ...] = ()
    problem: str | None = None


def sheets(parts: list[Part]) -> Sheets:
    """The tables that are attached. Raises LimitError where one is larger than may be unpacked."""
    found: list[Sheet] = []
    problem: str | None = None
    left = UNPACKED_BYTES
    for part in parts:
        name = file_name(part)
        lower = name.lower()
        if part.content_type.startswith((b"multipart/", b"message/")):
            continue
        if lower.endswith(_TABLES) or part.content_type in _TABLE_TYPES:
            got = [Sheet(name, envelope.decoded_body(part))]
        elif lower.endswith((".csv.gz", ".tsv.gz")):
            got = [Sheet(name[:-3], _gunzipped(envelope.decoded_body(part), left))]
        elif lower.endswith(".zip") or part.content_type in (b"application/zip", b"application/x-zip-compressed"):
            got, trouble = _unzipped(envelope.decoded_body(part), left, _TABLES)
            problem = problem or trouble
        else:
            continue
        left -= sum(len(sheet.data) for sheet in got)
        if left < 0:
            raise LimitError(f"the attached tables are larger than {UNPACKED_BYTES} bytes")
        found += got
    return Sheets(tuple(found), problem)


def mails(data: bytes) -> tuple[list[bytes], str | None]:
    """The `.eml` files of a zip, and why there are none where it could not be read. Raises LimitError."""
    found, problem = _unzipped(data, UNPACKED_BYTES, (".eml",))
    return [one.data for one in found], problem


def file_name(part: Part) -> str:
    """The name that an attachment goes by, decoded; empty where it has none."""
    for parameter, field in ((b"filename", b"content-disposition"), (b"name", b"content-type")):
        if value := part.parameter(parameter, field) or _extended(part, parameter, field):
            return envelope.decode(value, part.budget.guesses)[:255]
    return ""


def _extended(part: Part, parameter: bytes, field: bytes) -> bytes | None:
    """RFC 2231: `filename*=UTF-8''name`. Only its end matters here, so percent signs stay."""
    value = part.parameter(parameter + b"*", field) or part.parameter(parameter + b"*0", field)
    return value.rpartition(b"'")[2] if value else None


def _gunzipped(data: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        out = unpacker.decompress(data, most + 1)
    except zlib.error:
        return b""
    _measured(len(out), len(data), most)
    return out


def _unzipped(data: bytes, most: int, endings: tuple[str, ...]) -> tuple[list[Sheet], str | None]:
    if (problem := _unfit(data)) is not None:
        return [], problem
    found: list[Sheet] = []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist()[:MEMBERS]:
                if member.filename.lower().endswith(endings):
                    found.append(Sheet(member.filename.rpartition("/")[2][:255], _member(archive, member, most)))
                    most -= len(found[-1].data)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError, struct.error) as error:
        return found, f"the archive is broken: {error}"
    except RuntimeError:
        return found, "the archive is encrypted"
    return found, None


def _unfit(data: bytes) -> str | None:
    """Why the archive is not opened: `zipfile` reads the whole of a directory, so that is measured first."""
    at = data.rfind(_END)
    if at < 0 or len(data) - at < 22:
        return "the archive has no directory"
    count, size = struct.unpack("<HL", data[at + 10 : at + 16])
    if data.rfind(_END64, 0, at) >= 0 or count > MEMBERS or size > DIRECTORY_BYTES:
        return f"the archive has more than {MEMBERS} members"
    return None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    if member.flag_bits & _ENCRYPTED:
        raise RuntimeError("encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("compressed in a way that is not read")
    with archive.open(member) as opened:
        out = opened.read(most + 1)
    _measured(len(out), member.compress_size, most)
    return out


def _measured(unpacked: int, packed: int, most: int) -> None:
    if unpacked > most:
        raise LimitError(f"an attached archive unpacks to more than {UNPACKED_BYTES} bytes")
    if unpacked > SMALL and unpacked > packed * RATIO:
        raise LimitError(f"an attached archive unpacks to more than {RATIO} times its size")
