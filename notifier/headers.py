"""The one way into a header that we write: clean, encode, fold.

Every generated header goes through `header()` or `mailbox()`; both strip what could end a
line, hide text or turn it round (SEC-3). Must never copy a header value as it came, and
never guess at an address: what is not plainly an address is an error.
"""

from __future__ import annotations

import base64
import re

# C0 and C1 controls, soft hyphen, zero-width and bidi controls, line and paragraph separators,
# lone surrogates, byte-order mark, tag characters: invisible, or able to reorder what is read.
# Linear: one character class.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u115f\u1160\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_BLANKS = re.compile(r"\s+")  # takes CR, LF, NEL, U+2028 and U+2029 with it
_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,76}\Z")
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_LOCAL})@({_LABEL}(?:\.{_LABEL})+)\Z")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*\Z")

LINE = 76  # RFC 2047 section 2: a line with an encoded word
_WORD = 200  # characters; a longer word is encoded, since only then it can be folded
_CHUNK = 36  # bytes of UTF-8 in one encoded word: 60 characters with what is around it, beside a field name


def clean(text: str, limit: int = 1000) -> str:
    """One line of visible text, at most `limit` characters (SEC-3)."""
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    # Bounded before it is searched: a value can be megabytes long.
    visible = _INVISIBLE.sub("", text[: limit * 4 + 64])
    line = _BLANKS.sub(" ", visible).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"


def header(name: str, value: str, limit: int = 1000) -> bytes:
    """`Name: value` cleaned, RFC 2047 encoded where it is not ASCII, folded, with its CRLF.

    Raises ValueError for a field name that is none.
    """
    if not _FIELD_NAME.match(name):
        raise ValueError(f"not a header field name: {clean(repr(name), 80)}")
    shown = clean(value, limit)
    if shown.isascii() and len(name) + 2 + len(shown) <= LINE and "=?" not in shown:  # nearly all
        return f"{name}: {shown}\r\n".encode("ascii")
    return _fold(name, _words(shown))


def mailbox(name: str, address: str, display: str = "") -> bytes:
    """`Name: display <address>` (RFC 5322 section 3.4). Raises ValueError where `address` is none."""
    spec = ascii_address(address)
    shown = clean(display, 120)
    if not shown:
        return _fold(name, [spec])
    if shown.isascii() and "=?" not in shown:
        quoted = shown if _PHRASE.match(shown) else '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return _fold(name, [*quoted.split(" "), f"<{spec}>"])
    return _fold(name, [*_encoded(shown), f"<{spec}>"])


def is_address(text: str) -> bool:
    """Plain `local@dotted.domain` in ASCII, within the lengths of RFC 5321 section 4.5.3.1."""
    match = _ADDRESS.match(text) if len(text) <= 254 else None
    return match is not None and len(match[1]) <= 64


def ascii_address(text: str) -> str:
    """The address with its domain as A-labels, lower-case. Raises ValueError where it is none.

    A non-ASCII local part would need SMTPUTF8 all the way, which nobody promises.
    """
    local, at, domain = text.rpartition("@")
    if is_address(text):
        return f"{local}@{domain.lower()}"
    try:
        candidate = f"{local}{at}{domain.encode('idna').decode('ascii').lower()}"
    except UnicodeError:
        candidate = ""
    if not is_address(candidate):
        raise ValueError(f"not a mail address that can be written to: {clean(text, 100)!r}")
    return candidate


def _words(text: str) -> list[str]:
    """The words of a value; runs that ASCII cannot carry, or that look encoded already, are encoded together."""
    words: list[str] = []
    run: list[str] = []
    for word in text.split(" "):
        if not word.isascii() or "=?" in word or len(word) > _WORD:
            run.append(word)
            continue
        if run:
            words += _encoded(" ".join(run))
            run = []
        words.append(word)
    if run:
        words += _encoded(" ".join(run))
    return words


def _encoded(text: str) -> list[str]:
    """RFC 2047 section 5: encoded words that never split a character."""
    pieces: list[bytes] = []
    piece = b""
    for character in text:
        octets = character.encode("utf-8")
        if len(piece) + len(octets) > _CHUNK:
            pieces.append(piece)
            piece = b""
        piece += octets
    pieces.append(piece)
    return [f"=?utf-8?b?{base64.b64encode(octets).decode('ascii')}?=" for octets in pieces]


def _fold(name: str, words: list[str]) -> bytes:
    lines: list[str] = []
    line = name + ":"
    for word in words:
        if line and len(line) + 1 + len(word) > LINE:
            lines.append(line)
            line = ""
        line += " " + word
    lines.append(line)
    return "\r\n".join(lines).encode("ascii") + b"\r\n"
