"""Meaning of header fields, addresses, charsets and transfer encodings: the only user of flanker.

`scan` says where things are, this module what they say. Pure ASCII, which is most of every report, is read here;
everything else is flanker's. Where `scan` found the structure irregular the whole message is read again by flanker,
and by `email` (compat32) where flanker gives up. Must never use `email.policy.default` (one header can hold it for
20 seconds), flanker's `recover()` or its `to_string()`, and must never let a control character out of a header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from parsers import base64_text, charsets, compat32, encoded_words
from parsers.errors import LimitError
from parsers.flanker_library import loaded as _flanker
from parsers.header_block import Guesses
from parsers.report import Limits
from parsers.scan import Budget, Headers, Part, guessed, scan, within
from parsers.transfer import decoded_body as decoded_body  # noqa: PLC0414  others read it here

HEADERS_SHOWN = 500  # fields of one block that decode_headers gives back
VALUE_CHARS = 8_000  # of one decoded field
ADDRESSES = 200  # of one address list
LIST_BYTES = 16_000  # of an address list that flanker reads; what lies beyond is not looked at
GUESSED_BYTES = 20_000  # of text whose charset has to be guessed
REREAD_BYTES = 2 * 1024 * 1024  # a larger message of irregular structure is not read a second time

# Unfolding and cleaning at once: a fold is a line end before a blank, a tab is a blank.
_TAB_TO_BLANK = bytes(32 if byte == 9 else byte for byte in range(256))
_CONTROLS = bytes(byte for byte in range(32) if byte != 9) + b"\x7f"
_CONTROLS_IN_LINES = _CONTROLS.replace(b"\n", b"")
_PLAIN_CHARSETS = frozenset((b"us-ascii", b"utf-8", b"iso-8859-1", b"windows-1252"))
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


class Mailbox(NamedTuple):
    """One address of a header field: display name (may be empty), `local@domain`, domain in lower case."""

    name: str
    address: str


def structure(raw: bytes, limits: Limits) -> Part:
    """The scanned message; where its structure is irregular, the best of what other readers make of it.

    Raises LimitError and MalformedError as `scan` does.
    """
    part = scan(raw, limits)
    parts = len(part.all)
    if not part.budget.irregular:
        return part
    part.budget.defects["irregular-structure"] = None
    for reader in (guessed, _flanker_tree, compat32.tree):
        if reader is not guessed and len(raw) > REREAD_BYTES:
            break
        budget = Budget(limits)
        try:
            again = reader(part.raw[part.start :], budget)
            found = len(again.all)
        except LimitError:
            raise
        except Exception:  # noqa: BLE001, S112  any failure of a fallback means: the next one
            continue
        if found > parts:
            budget.defects |= part.budget.defects
            return again
    return part


def decode(value: bytes, guesses: Guesses | None = None) -> str:
    """A header value as people read it: unfolded, RFC 2047 words and raw 8-bit text decoded, no control characters.

    `guesses`: those of the message, where many values are decoded.
    """
    flat = value.translate(_TAB_TO_BLANK, _CONTROLS).strip()
    if flat.isascii() and charsets.ESCAPE not in value:
        if b"=?" not in flat:
            return flat[:VALUE_CHARS].decode("ascii")
        if (read := encoded_words.plain(flat[: VALUE_CHARS * 6].decode("ascii"))) is not None:
            return _cleaned(read)[:VALUE_CHARS].strip()
    if charsets.ESCAPE in value:
        return _UNSAFE.sub("", _characters(value[:VALUE_CHARS].replace(b"\n", b" "), None)[0]).strip()
    return _cleaned(_with_words(flat, guesses or Guesses()))[:VALUE_CHARS].strip()


def spelled(value: bytes) -> str:
    """As `decode`, but what may not leave a header is written out, its code in hex: evidence for people's eyes."""
    text = _with_words(value.translate(_TAB_TO_BLANK, b"\r\n"), Guesses())
    return _UNSAFE.sub(_code, text)[:VALUE_CHARS].strip()


def _code(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _with_words(flat: bytes, guesses: Guesses) -> str:
    text, _ = _characters(flat[: VALUE_CHARS * 6], None, guesses)
    # Beyond the last `?=` no word can end; flanker's pattern would look for one from every `=?`.
    last = text.rfind("?=") + 2
    if last >= 2 and "=?" in text:
        text = _words(text[:last], guesses) + text[last:]
    return text


def _cleaned(text: str) -> str:
    return text if text.isprintable() else _UNSAFE.sub("", text)


def plain_lines(block: bytes) -> str | None:
    """The lines of a block in which there is nothing to decode: clean, their ends kept. None where there is."""
    if not block.isascii() or b"=?" in block or charsets.ESCAPE in block:
        return None
    return block.translate(_TAB_TO_BLANK, _CONTROLS_IN_LINES).decode("ascii")


def _words(text: str, guesses: Guesses) -> str:
    read = encoded_words.plain(text)
    if read is None and guesses.take(text.count("=?") * Guesses.LEAST):
        return _flanker().words(_GB.sub("=?gb18030?", text))  # type: ignore[no-any-return]
    return text if read is None else read


def clean(text: str) -> str:
    """Text that was already characters (JSON strings), without what may not leave a header: see `_UNSAFE`."""
    return _UNSAFE.sub("", text)


def clean_text(text: str) -> str:
    """Text of several lines without what may not leave a text: see `_UNSAFE_TEXT`."""
    return _UNSAFE_TEXT.sub("", text)


def decode_headers(block: bytes) -> list[tuple[str, str]]:
    """(name, decoded value) of a raw header block in order, at most HEADERS_SHOWN of them."""
    headers = Headers(block, len(block))
    return [(name.decode("ascii"), decode(value, headers.guesses)) for name, value in headers.pairs()[:HEADERS_SHOWN]]


def first(headers: Headers, name: str) -> str | None:
    """The first field of that name, decoded. None where there is none or it is empty."""
    if texts := headers.texts:
        text = texts.get(name)
        if text is None or "=?" not in text:
            return text.replace("\n", "").strip()[:VALUE_CHARS] or None if text else None
        if name not in headers.decoded:
            headers.decoded[name] = _unfolded(text, headers.guesses)
    elif name not in headers.decoded:
        value = headers.first(name.encode())
        headers.decoded[name] = decode(value, headers.guesses) if value is not None else ""
    return headers.decoded[name] or None


def firsts(headers: Headers, names: tuple[str, ...]) -> list[str | None]:
    """`first` of each name: most are in few headers."""
    texts = headers.texts
    return [first(headers, name) if name in texts or not texts else None for name in names]


def every(headers: Headers, name: str, most: int = 100) -> tuple[str, ...]:
    if texts := headers.texts:
        if name not in texts:
            return ()
        guesses = headers.guesses
        return tuple([_unfolded(text, guesses) for text in headers.all_texts(name)[:most]])
    values = headers.all(name.encode())
    return tuple([decode(value, headers.guesses) for value in values[:most]]) if values else ()


def _unfolded(text: str, guesses: Guesses) -> str:
    """As `decode`, of one of `Headers.texts`."""
    flat = (text.replace("\n", "") if "\n" in text else text).strip()
    if "=?" not in flat:
        return flat[:VALUE_CHARS]
    read = encoded_words.plain(flat[: VALUE_CHARS * 6])
    return decode(flat.encode(), guesses) if read is None else _cleaned(read)[:VALUE_CHARS].strip()


def senders(headers: Headers, most: int = ADDRESSES) -> list[Mailbox]:
    """The addresses of the first `most` From fields; a single one is read once."""
    if headers.senders is None:
        values = raw(headers, "from")
        if len(values) != 1:
            return mailboxes(values[:most], headers.guesses)
        named = _named_sender(headers, values[0]) if isinstance(values[0], str) else None
        headers.senders = [named] if named else _mailboxes(values[0], headers.guesses)[:ADDRESSES]
    return headers.senders


def _named_sender(headers: Headers, text: str) -> Mailbox | None:
    """Of a From that is encoded words and an address: decoded once, and kept for who asks for the whole field."""
    text = text.replace("\n", "").strip()
    hit = _WORDS_ADDRESS.match(text) if text[:2] == "=?" and len(text) <= VALUE_CHARS else None
    if hit is None or "=?" in hit[3] or (name := encoded_words.plain(hit[2])) is None or '"' in name:
        return None
    headers.decoded["from"] = _cleaned(name + text[hit.end(2) :])[:VALUE_CHARS].strip()
    return _mailbox(name, hit[3], headers.guesses)


def raw(headers: Headers, *names: str) -> list[str] | list[bytes]:
    """The values of the fields of these names, for `mailboxes`."""
    if headers.texts:
        found: list[str] = []
        for name in names:
            found += headers.all_texts(name)
        return found
    return [value for name in names for value in headers.all(name.encode())]


def mailboxes(values: Sequence[str | bytes], guesses: Guesses | None = None) -> list[Mailbox]:
    """The addresses of one or several From, To or Cc fields, at most ADDRESSES. `guesses` as in `decode`."""
    found: list[Mailbox] = []
    guesses = guesses or Guesses()
    for value in values:
        found += _mailboxes(value, guesses)
        if len(found) >= ADDRESSES:
            break
    return found[:ADDRESSES]


def _mailboxes(value: str | bytes, guesses: Guesses) -> list[Mailbox]:
    flat = value.replace("\n", "") if isinstance(value, str) else value.translate(_TAB_TO_BLANK, _CONTROLS)
    flat = flat[:LIST_BYTES]
    if flat.isascii():
        text = flat if isinstance(flat, str) else flat.decode("ascii")
        if text.lstrip()[:2] == "=?" and (box := _words_mailbox(text, guesses)):
            return [box]
        if hit := _PLAIN_ADDRESS.match(text):
            return [_mailbox(hit[1] or "", hit[2] or hit[3], guesses)]
        plain = [_plain_mailbox(one, guesses) for one in text.split(",", ADDRESSES)[:ADDRESSES]]
        if all(plain):
            return [box for box in plain if box]
        if "@" not in text:
            return []
    else:
        text = flat if isinstance(flat, str) else _characters(flat, None, guesses)[0]
    if guesses.take(text.count("=?") * Guesses.LEAST):  # flanker decodes the names, and guesses
        found = _flanker().parse_list(text)
        if boxes := [_mailbox(box.display_name or "", _cleaned(box.address), guesses) for box in found if box.address]:
            return boxes
    # What flanker refuses whole, such as an address in the place of the name: the bracketed ones count.
    return [_mailbox("", _cleaned(hit), guesses) for hit in re.findall(r"<([^<>@\s]{1,64}@[^<>@\s]{1,255})>", text)]


def _plain_mailbox(text: str, guesses: Guesses) -> Mailbox | None:
    if hit := _PLAIN_ADDRESS.match(text):
        return _mailbox(hit[1] or "", hit[2] or hit[3], guesses)
    return _words_mailbox(text, guesses)


def _words_mailbox(text: str, guesses: Guesses) -> Mailbox | None:
    if (hit := _WORDS_ADDRESS.match(text)) and (name := encoded_words.plain(hit[2])) is not None and '"' not in name:
        return _mailbox(name, hit[3], guesses)
    return None


def _mailbox(name: str, address: str, guesses: Guesses) -> Mailbox:
    local, _, domain = address.rpartition("@")
    if name:
        shown = _words(name, guesses) if "=?" in name else name
        name = _cleaned(shown).strip()[:200]
    return Mailbox(name, f"{local}@{domain.lower().rstrip('.')}")


def embedded(part: Part) -> Part:
    """The message inside a part, its transfer encoding undone (flanker and `email` leave it in)."""
    if part.held is None:
        part.held = _embedded(part)
    return part.held


def _embedded(part: Part) -> Part:
    encoding = part.transfer_encoding
    encoded = encoding is not None and encoding[:1] in b"bq"
    plain = within(part.raw, part.body_start, part.end, part)
    if plain.headers.regular and not encoded:
        return plain
    inner = plain
    if encoded:
        decoded = decoded_body(part)
        # A label may be wrong: a message that was never encoded has its header in the clear.
        inner = within(decoded, 0, len(decoded), part)
        inner = inner if inner.headers.fields or not plain.headers.fields else plain
    if not inner.headers.fields and (again := base64_text.unwrapped(inner.raw[inner.start : inner.end])) is not None:
        part.budget.defects["encoded-twice" if encoded else "missing-transfer-encoding"] = None
        inner = within(again, 0, len(again), part)
    if inner.headers.regular:
        return inner
    beginning = inner.raw[inner.start : min(inner.end, inner.start + 2_000)]
    if b"\r" in beginning and b"\n" not in beginning:
        part.budget.defects["bare-cr-line-ends"] = None
        whole = inner.raw[inner.start : inner.end].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        inner = within(whole, 0, len(whole), part)
    return inner


def text(part: Part, most: int, *, spelled: bool = False) -> str:
    """The text of a text/* part in at most `most` characters, line ends as LF, controls gone, or `spelled`."""
    body = decoded_body(part, most * 6)
    charset = part.parameter(b"charset")
    if (charset or b"utf-8").lower() in _PLAIN_CHARSETS and body.isascii() and charsets.ESCAPE not in body:
        plain = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if spelled:
            return _UNSAFE_TEXT.sub(_code, plain.decode("ascii"))[:most]
        return plain.translate(None, _CONTROLS_IN_LINES).decode("ascii")[:most]
    label = charset.decode("ascii", "replace").lower() if charset else None
    decoded, as_labelled = _characters(body, label, part.budget.guesses)
    if not as_labelled:
        part.budget.defects["wrong-charset" if charset else "missing-charset"] = None
    return _UNSAFE_TEXT.sub(_code if spelled else "", decoded.replace("\r\n", "\n").replace("\r", "\n"))[:most]


def _characters(body: bytes, charset: str | None, guesses: Guesses | None = None) -> tuple[str, bool]:
    """(text, was it what the label said): see the charsets module; what that leaves open flanker's detector guesses."""
    known = charsets.read(body, charset)
    if known is not None:
        return known
    if guesses is not None and not guesses.take(min(len(body), GUESSED_BYTES)):
        return body.decode("latin-1"), False
    try:
        guessed: str = _flanker().charsets(charsets.declared(charset), body[:GUESSED_BYTES])
    except Exception:  # noqa: BLE001  the detector may have no idea and says so in many ways
        return body.decode("latin-1"), False
    return guessed, False


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
