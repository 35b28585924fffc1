"""Addresses that prove themselves: replies and opt-outs come back to `local+n.TOKEN@domain`.

TOKEN is a number, a key id and 16 characters of HMAC-SHA-256 (80 bits), all in lower-case
base32, so that it survives servers that change case. Pure. Must never accept a token that
was not made with one of the keys, nor tell by its timing how wrong a token is.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# n: a notice's own address; o: "write me no more" of a third party's contact; h: what was missing in a held report
Kind = Literal["n", "o", "h"]
_KINDS: dict[str, Kind] = {"n": "n", "o": "o", "h": "h"}

PURPOSES = frozenset({"consent", "notice", "portal", "redaction", "web", "cfbl", "message-id", "totp", "evidence"})

MAX_NUMBER = 2**63 - 1  # what a database's integer key can hold
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 section 6, lower-case
_KEY_ID_CHARS = 2
_MAC_CHARS = 16
_MAX_TOKEN_CHARS = 13 + _KEY_ID_CHARS + _MAC_CHARS  # 63 bits are 13 digits
_MAX_LOCAL_CHARS = 64  # RFC 5321 section 4.5.3.1.1


@dataclass(frozen=True, slots=True)
class Token:
    """What an address that proved itself stands for: `number` is that of the notice, or of what is held."""

    kind: Kind
    number: int


def derive(secret: str, purpose: str) -> bytes:
    """A key for one of PURPOSES only (32 bytes), so that what leaks of one use tells nothing about another.

    Raises ValueError for a purpose that is not in the list: a misspelt one would quietly be another key.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"{purpose!r} is no purpose of a key; there are {', '.join(sorted(PURPOSES))}")
    return hmac.digest(secret.encode(), f"arfgate:{purpose}:1".encode(), hashlib.sha256)


def notice_address(address: str, number: int, key: bytes, kind: Kind = "n") -> str:
    """`abuse@isp.example` and 1234 as `abuse+n.TOKEN@isp.example`.

    Raises ValueError for a number outside 0..2**63-1, and where the local part would exceed 64 characters.
    """
    if not 0 <= number <= MAX_NUMBER:
        raise ValueError(f"notice number {number} is outside 0..{MAX_NUMBER}")
    local, at, domain = address.rpartition("@")
    if not at or not local:
        raise ValueError(f"{address!r} is not a mail address; set operator.notice_address")
    tagged = f"{local}+{kind}.{encoded(number)}{_key_id(key)}{_mac(kind, number, key)}"
    if len(tagged) > _MAX_LOCAL_CHARS:
        raise ValueError(f"{address!r} leaves no room for a token; set a shorter operator.notice_address")
    return f"{tagged}@{domain}"


def read_token(address: str, keys: Sequence[bytes]) -> Token | None:
    """What `address` stands for, or None where it holds no token that one of `keys` made.

    `address` is hostile text; case and angle brackets do not matter. The domain is not looked at:
    that the mail reached us is evidence enough, and forwarding may have changed it.
    """
    if len(address) > 320 or not address.isascii():
        return None
    local = address.strip().removeprefix("<").partition("@")[0].lower()
    kind, dot, text = local.rpartition("+")[2].partition(".")
    checked = _KINDS.get(kind)
    if not dot or len(text) > _MAX_TOKEN_CHARS or checked is None:
        return None
    digits, key_id, mac = (
        text[: -_MAC_CHARS - _KEY_ID_CHARS],
        text[-_MAC_CHARS - _KEY_ID_CHARS : -_MAC_CHARS],
        text[-_MAC_CHARS:],
    )
    number = decoded(digits)
    if number is None:
        return None
    for key in keys:
        if _key_id(key) == key_id and hmac.compare_digest(_mac(checked, number, key), mac):
            return Token(checked, number)
    return None


def encoded(number: int) -> str:
    """A number from 0 in lower-case base32, without leading zeros."""
    text = ""
    while True:
        number, digit = divmod(number, 32)
        text = _DIGITS[digit] + text
        if not number:
            return text


def decoded(text: str) -> int | None:
    """None for what `encoded` would not have written: each number has one spelling."""
    number = 0
    for char in text:
        digit = _DIGITS.find(char)
        if digit < 0:
            return None
        number = number * 32 + digit
    return number if number <= MAX_NUMBER and encoded(number) == text else None


def base32(digest: bytes, chars: int) -> str:
    """The first `chars` digits of a digest."""
    return base64.b32encode(digest).decode("ascii")[:chars].lower()


def _key_id(key: bytes) -> str:
    """Names a key without telling anything of it, so that an old one can be kept beside the new one."""
    return base32(hmac.digest(key, b"key-id", hashlib.sha256), _KEY_ID_CHARS)


def _mac(kind: Kind, number: int, key: bytes) -> str:
    return base32(hmac.digest(key, f"{kind}.{number}".encode(), hashlib.sha256), _MAC_CHARS)
