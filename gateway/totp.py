"""Codes of six digits that change each half minute (RFC 6238), and the codes that stand in for a lost telephone.

Pure, but for the randomness of new ones. Must never take a code of a step that was used, nor keep a seed readable.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

STEP_SECONDS = 30
CODES = 10
_DIGITS = 6
_SEED_BYTES = 20  # RFC 4226 section 4, R6
_DRIFT = 1  # steps before and after that are taken too: RFC 6238 section 5.2
_NONCE_BYTES = 12


def new_seed() -> str:
    """Base32, as apps and people type it."""
    return base64.b32encode(secrets.token_bytes(_SEED_BYTES)).decode()


def is_seed(text: str) -> bool:
    try:
        return len(base64.b32decode(text)) == _SEED_BYTES
    except ValueError:
        return False


def step_of(seed: str, code: str, now: datetime) -> int | None:
    """The step of time that the code belongs to; None: it is wrong, or its time is over."""
    digits = code.replace(" ", "")
    if len(digits) != _DIGITS or not digits.isascii() or not digits.isdecimal():
        return None
    current = int(now.timestamp()) // STEP_SECONDS
    steps = range(current - _DRIFT, current + _DRIFT + 1)
    return next((step for step in steps if hmac.compare_digest(code_at(seed, step), digits)), None)


def code_at(seed: str, step: int) -> str:
    """RFC 4226 section 5.3 over the count of steps."""
    digest = hmac.digest(base64.b32decode(seed), step.to_bytes(8, "big"), hashlib.sha1)
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def address_of(seed: str, name: str, issuer: str) -> str:
    """The otpauth address that apps read from a QR code."""
    label = quote(f"{issuer}:{name}", safe="")
    return f"otpauth://totp/{label}?{urlencode({'secret': seed, 'issuer': issuer}, quote_via=quote)}"


def qr_path(text: str) -> tuple[str, int]:
    """A QR code as the path of an SVG drawing with modules of 1, and the length of its side, quiet zone included."""
    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
    marks = (f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return "".join(marks), len(rows)


def sealed(seed: str, user_id: int, key: bytes) -> str:
    """The seed as the database holds it: readable only under our key, for this account."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, seed.encode(), _bound_to(user_id))).decode()


def opened(kept: str, user_id: int, key: bytes) -> str | None:
    """The seed; None where it was sealed under another key, or for another account."""
    raw = base64.b64decode(kept)
    try:
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound_to(user_id)).decode()
    except InvalidTag:
        return None


def new_codes() -> list[str]:
    """Recovery codes, 50 bits each, as people read them off paper."""
    return [f"{text[:5]}-{text[5:]}" for text in (_letters(10) for _ in range(CODES))]


def plain_code(typed: str) -> str:
    """A recovery code however it was typed."""
    return "".join(c for c in typed.lower() if c.isalnum())


def _letters(count: int) -> str:
    return base64.b32encode(secrets.token_bytes(10)).decode().lower()[:count]


def _bound_to(user_id: int) -> bytes:
    return f"totp of user {user_id}".encode()
