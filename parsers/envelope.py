"""Meaning of header fields, addresses, charsets and transfer encodings: the only importer of flanker.

`scan` says where things are, this module what they say. Pure ASCII, which is most of every
report, is read here; everything else is flanker's. Where `scan` found the structure
irregular the whole message is read again by flanker, and by `email` (compat32) where
flanker gives up. Must never use `email.policy.default` (one header can hold it for
20 seconds), flanker's `recover()` or its `to_string()`, and must never let a control
character out of a header.
"""

from __future__ import annotations

import contextlib
import io
import logging
import quopri
import re
from functools import cache
from typing import Any, NamedTuple

from parsers import base64_text, compat32, encoded_words
from parsers.errors import LimitError
from parsers.report import Limits
from parsers.scan import FIELD, Budget, Headers, Part, guessed, scan, within

HEADERS_SHOWN = 500  # fields of one block that decode_headers gives back
VALUE_CHARS = 8_000  # of one decoded field
ADDRESSES = 200  # of one address list
LIST_BYTES = 16_000  # of an address list that flanker reads; what lies beyond is not looked at
GUESSED_BYTES = 20_000  # of text whose charset has to be guessed
REREAD_BYTES = 2 * 1024 * 1024  # a larger message of irregular structure is not read a second time
_ESCAPE = b"\x1b$"  # begins a Japanese character set (ISO 2022)
_HIGH = bytes(range(128, 256))
_WESTERN = frozenset(("iso-8859-1", "windows-1252", "iso-8859-15", "latin1", "cp1252"))
_LOOKED_AT = 4_000  # bytes that tell whether text is base64
_SHORTEST_BASE64 = 40
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")

# Unfolding and cleaning at once: a fold is a line end before a blank, a tab is a blank.
_TAB_TO_BLANK = bytes(32 if byte == 9 else byte for byte in range(256))
_CONTROLS = bytes(byte for byte in range(32) if byte != 9) + b"\x7f"
_CONTROLS_IN_LINES = _CONTROLS.replace(b"\n", b"")
# C0, C1, line and paragraph separators, direction marks, byte order mark, lone surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_ATOM = r'[^\s<>()@,:;\\"\[\]]+'
_PLAIN_ADDRESS = re.compile(rf'(?:\s*"?([^"<>()@,:;\\\[\]=]*?)"?\s*<({_ATOM}@{_ATOM})>|\s*({_ATOM}@{_ATOM}))\s*\Z')
_WORDS_ADDRESS = re.compile(
    rf'\s*("?)((?:=\?[\w-]+\?[QqBb]\?[^?\s"<>()@,:;\\\[\]]+\?=\s*)+)\1\s*<({_ATOM}@{_ATOM})>\s*\Z'
)
# Mail labelled with the older sets uses characters of the newer one, which contains them.
_GB = re.compile(r"=\?(?:gb2312|x-gbk|gbk|cp936)\?", re.IGNORECASE)
_CHARSETS = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "cp936": "gb18030", "us-ascii": "utf-8"}


class Mailbox(NamedTuple):
    """One address of a header field: display name (may be empty), `local@domain`, domain in lower case."""

    name: str
    address: str


class _Flanker(NamedTuple):
    words: Any  # RFC 2047
    charsets: Any
    parse_list: Any
    from_string: Any


@cache
def _flanker() -> _Flanker:
    """flanker, imported when the first message needs it: that costs 250 ms, more than 2,000 plain reports.

    Its grammar tables cannot be written where the installation is read-only, of which ply
    complains on stderr; and its loggers repeat hostile text. Neither is news for the operator.
    """
    with contextlib.redirect_stderr(io.StringIO()):
        from flanker import mime  # noqa: PLC0415  see above
        from flanker.addresslib import address  # noqa: PLC0415
        from flanker.mime.message import charsets  # noqa: PLC0415
        from flanker.mime.message.headers import encodedword  # noqa: PLC0415
    logger = logging.getLogger("flanker")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return _Flanker(encodedword.mime_to_unicode, charsets.convert_to_unicode, address.parse_list, mime.from_string)


def structure(raw: bytes, limits: Limits) -> Part:
    """The scanned message; where its structure is irregular, the best of what other readers make of it.

    Raises LimitError and MalformedError as `scan` does.
    """
    part = scan(raw, limits)
    parts = sum(1 for _ in part.walk())
    if not part.budget.irregular:
        return part
    part.budget.defects["irregular-structure"] = None
    for reader in (guessed, _flanker_tree, compat32.tree):
        if reader is not guessed and len(raw) > REREAD_BYTES:
            break
        budget = Budget(limits)
        try:
            again = reader(part.raw[part.start :], budget)
            found = sum(1 for _ in again.walk())
        except LimitError:
            raise
        except Exception:  # noqa: BLE001, S112  any failure of a fallback means: the next one
            continue
        if found > parts:
            budget.defects |= part.budget.defects
            return again
    return part


def decode(value: bytes) -> str:
    """A header value as people read it: unfolded, RFC 2047 words and raw 8-bit text decoded, no control characters."""
    flat = value.translate(_TAB_TO_BLANK, _CONTROLS).strip()
    if flat.isascii() and b"=?" not in flat and _ESCAPE not in value:
        return flat[:VALUE_CHARS].decode("ascii")
    if _ESCAPE in value:
        return _UNSAFE.sub("", _characters(value[:VALUE_CHARS].replace(b"\n", b" "), None)[0]).strip()
    text, _ = _characters(flat[: VALUE_CHARS * 6], None)
    # Beyond the last `?=` no word can end; flanker's pattern would look for one from every `=?`.
    last = text.rfind("?=") + 2
    if last >= 2 and "=?" in text:
        text = _words(text[:last]) + text[last:]
    return _UNSAFE.sub("", text)[:VALUE_CHARS].strip()


def plain_lines(block: bytes) -> str | None:
    """The lines of a block in which there is nothing to decode: clean, their ends kept. None where there is."""
    if not block.isascii() or b"=?" in block or _ESCAPE in block:
        return None
    return block.translate(_TAB_TO_BLANK, _CONTROLS_IN_LINES).decode("ascii")


def _words(text: str) -> str:
    text = _GB.sub("=?gb18030?", text)
    read = encoded_words.plain(text)
    return _flanker().words(text) if read is None else read


def clean(text: str) -> str:
    """Text that was already characters (JSON strings), without what may not leave a header: see `_UNSAFE`."""
    return _UNSAFE.sub("", text)


def clean_text(text: str) -> str:
    """Text of several lines without what may not leave a text: see `_UNSAFE_TEXT`."""
    return _UNSAFE_TEXT.sub("", text)


def decode_headers(block: bytes) -> list[tuple[str, str]]:
    """(name, decoded value) of a raw header block in order, at most HEADERS_SHOWN of them."""
    pairs = Headers(block, len(block)).pairs()[:HEADERS_SHOWN]
    return [(name.decode("ascii"), decode(value)) for name, value in pairs]


def first(headers: Headers, name: bytes) -> str | None:
    """The first field of that name, decoded. None where there is none or it is empty."""
    known = headers.decoded.get(name)
    if known is None:
        value = headers.first(name)
        known = headers.decoded[name] = decode(value) if value is not None else ""
    return known or None


def every(headers: Headers, name: bytes, most: int = 100) -> tuple[str, ...]:
    values = headers.all(name)
    return tuple([decode(value) for value in values[:most]]) if values else ()


def senders(headers: Headers, most: int = ADDRESSES) -> list[Mailbox]:
    """The addresses of the first `most` From fields; a single one is read once."""
    values = headers.all(b"from")
    if len(values) != 1:
        return mailboxes(values[:most])
    if headers.senders is None:
        headers.senders = mailboxes(values)
    return headers.senders


def mailboxes(values: list[bytes]) -> list[Mailbox]:
    """The addresses of one or several From, To or Cc fields, at most ADDRESSES."""
    found: list[Mailbox] = []
    for value in values:
        found += _mailboxes(value)
        if len(found) >= ADDRESSES:
            break
    return found[:ADDRESSES]


def _mailboxes(value: bytes) -> list[Mailbox]:
    flat = value.translate(_TAB_TO_BLANK, _CONTROLS)[:LIST_BYTES]
    if flat.isascii():
        text = flat.decode("ascii")
        plain = [_plain_mailbox(one) for one in text.split(",", ADDRESSES)[:ADDRESSES]]
        if all(plain):
            return [box for box in plain if box]
        if "@" not in text:
            return []
    else:
        text, _ = _characters(flat, None)
    boxes = [_mailbox(box.display_name or "", box.address) for box in _flanker().parse_list(text) if box.address]
    if boxes:
        return boxes
    # What flanker refuses whole, such as an address in the place of the name: the bracketed ones count.
    return [_mailbox("", hit) for hit in re.findall(r"<([^<>@\s]{1,64}@[^<>@\s]{1,255})>", text)]


def _plain_mailbox(text: str) -> Mailbox | None:
    if hit := _PLAIN_ADDRESS.match(text):
        return _mailbox(hit[1] or "", hit[2] or hit[3])
    if (hit := _WORDS_ADDRESS.match(text)) and (name := encoded_words.plain(hit[2])) is not None and '"' not in name:
        return _mailbox(name, hit[3])
    return None


def _mailbox(name: str, address: str) -> Mailbox:
    local, _, domain = address.rpartition("@")
    shown = _words(name) if "=?" in name else name
    return Mailbox(_UNSAFE.sub("", shown).strip()[:200], f"{local}@{domain.lower().rstrip('.')}")


def decoded_body(part: Part, most: int | None = None) -> bytes:
    """The body without its transfer encoding; of a long one only the beginning where `most` bytes will do."""
    encoding = (part.headers.first(b"content-transfer-encoding") or b"").strip().lower()
    if encoding.startswith(b"base64"):
        return base64_text.decoded(part.raw[part.body_start : _stop(part, most, 2)])[:most]
    if encoding.startswith(b"quoted-printable"):
        return quopri.decodestring(part.raw[part.body_start : _stop(part, most, 4)])[:most]
    return part.raw[part.body_start : _stop(part, most, 1)]


def _stop(part: Part, most: int | None, factor: int) -> int:
    return part.end if most is None else min(part.end, part.body_start + most * factor)


def unwrapped(body: bytes) -> bytes | None:
    """What base64 text holds although nothing says that it is base64; None where it is not, or holds no fields."""
    if len(body) < _SHORTEST_BASE64 or _NOT_BASE64.search(body[:_LOOKED_AT]):
        return None
    decoded = base64_text.decoded(body)
    if FIELD.search(decoded[:_LOOKED_AT]):
        return decoded
    if len(decoded) < _SHORTEST_BASE64 or _NOT_BASE64.search(decoded[:_LOOKED_AT]):
        return None
    again = base64_text.decoded(decoded)
    return again if FIELD.search(again[:_LOOKED_AT]) else None


def embedded(part: Part) -> Part:
    """The message inside a part, its transfer encoding undone (flanker and `email` leave it in)."""
    encoded = (part.headers.first(b"content-transfer-encoding") or b"7").strip().lower()[:1] in b"bq"
    plain = within(part.raw, part.body_start, part.end, part)
    inner = plain
    if encoded:
        decoded = decoded_body(part)
        # A label may be wrong: a message that was never encoded has its header in the clear.
        inner = within(decoded, 0, len(decoded), part)
        inner = inner if inner.headers.fields or not plain.headers.fields else plain
    if not inner.headers.fields and (again := unwrapped(inner.raw[inner.start : inner.end])) is not None:
        part.budget.defects["encoded-twice" if encoded else "missing-transfer-encoding"] = None
        inner = within(again, 0, len(again), part)
    beginning = inner.raw[inner.start : min(inner.end, inner.start + 2_000)]
    if b"\r" in beginning and b"\n" not in beginning:
        part.budget.defects["bare-cr-line-ends"] = None
        whole = inner.raw[inner.start : inner.end].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        inner = within(whole, 0, len(whole), part)
    return inner


def text(part: Part, most: int) -> str:
    """The text of a text/* part in at most `most` characters, line ends as LF, controls gone."""
    body = decoded_body(part, most * 6)
    charset = part.parameter(b"charset")
    decoded, as_labelled = _characters(body, charset.decode("ascii", "replace").lower() if charset else None)
    if not as_labelled:
        part.budget.defects["wrong-charset" if charset else "missing-charset"] = None
    return _UNSAFE_TEXT.sub("", decoded.replace("\r\n", "\n").replace("\r", "\n"))[:most]


def _characters(body: bytes, charset: str | None) -> tuple[str, bool]:
    """(text, was it what the label said): as declared, else UTF-8, else as flanker's detector guesses."""
    if _ESCAPE in body and not (charset or "").startswith("iso-2022"):
        return body.decode("iso-2022-jp", "replace"), False
    if body.isascii() and charset not in ("utf-7", "hz-gb-2312") and not (charset or "").startswith("iso-2022"):
        return body.decode("ascii"), True
    declared = _CHARSETS.get(charset or "", charset or "utf-8")
    if declared in _WESTERN and (truth := _not_western(body)) is not None:
        return truth, False
    for name in dict.fromkeys((declared, "utf-8")):
        try:
            return body.decode(name), name == declared and charset not in (None, "us-ascii")
        except UnicodeDecodeError as error:
            # A sound beginning that was cut in the middle of a character.
            if len(body) - error.start < 4 < error.start:
                return body[: error.start].decode(name), True
        except (LookupError, ValueError):
            continue
    try:
        guessed: str = _flanker().charsets(declared, body[:GUESSED_BYTES])
    except Exception:  # noqa: BLE001  the detector may have no idea and says so in many ways
        return body.decode("latin-1"), False
    return guessed, False


def _not_western(body: bytes) -> str | None:
    """Text whose label is the one that programs write when they do not know: UTF-8, or Chinese."""
    high = len(body) - len(body.translate(None, _HIGH))
    for name in ("utf-8", "gb18030") if high * 2 > len(body) else ("utf-8",):
        try:
            return body.decode(name)
        except UnicodeDecodeError:
            continue
    return None


def _flanker_tree(raw: bytes, budget: Budget, message: Any = None, depth: int = 0) -> Part:
    message = message or _flanker().from_string(raw)
    kind, sub = message.content_type.main, message.content_type.sub
    lines = [f"Content-Type: {kind}/{sub}; charset=utf-8"] if kind == "text" else [f"Content-Type: {kind}/{sub}"]
    for name, value in message.headers.iteritems():
        if not name.startswith("Content-"):
            lines.append(f"{name}: {_UNSAFE.sub(' ', str(value))}")
    children = [_flanker_tree(raw, budget, child, depth + 1) for child in message.parts]
    if message.enclosed is not None:
        body = b"".join(f"{n}: {_UNSAFE.sub(' ', str(v))}\n".encode() for n, v in message.enclosed.headers.iteritems())
    else:
        content = b"" if children else message.body or b""
        body = content.encode() if isinstance(content, str) else content
    return Part.made("\n".join(lines).encode(), body, children, budget, depth)
