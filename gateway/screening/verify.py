"""Verifies DKIM signatures and ARC chains over raw bytes with keys that were fetched before: dkimpy's work, but for
the body's digest, which it makes with patterns that take ten times as long.

Runs in a worker process with a time limit: canonicalising a hostile mail must cost nobody else. Must never look up
a name.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dkim
from dkim.crypto import DigestTooLargeError, UnparsableKeyError

from gateway.screening.raw_header import can_be_verified

_LEAST_KEY = 1024  # bits; RFC 8301 section 3.2
_UNSIGNED_TIME = (b"x", b"t")
_BLANKS = (b" ", b"\t")
_HEADER_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Job:
    """One message: which of its DKIM signatures are to be verified (places from the top), and whether its ARC chain
    is; `keys`: name of a key -> its record. A key that could not be had is not in it."""

    raw: bytes
    signatures: tuple[int, ...] = ()
    arc: bool = False
    keys: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verified:
    """`signatures`: place -> "" if it holds, else why not. `arc`: why the chain does not hold; "" if it does, None if
    it was not asked for. `seen`: instance -> what that forwarder saw (its ARC-Authentication-Results).
    `error`: nothing could be verified."""

    signatures: Mapping[int, str] = field(default_factory=dict)
    arc: str | None = None
    seen: Mapping[int, str] = field(default_factory=dict)
    error: str = ""


def verify_all(jobs: Sequence[Job]) -> list[Verified]:
    """What holds of each message. Never raises for what a message is."""
    return [_verify(job) for job in jobs]


def _verify(job: Job) -> Verified:
    if not can_be_verified(job.raw):
        return Verified(error="it is too large, or made to take long")

    def key(name: bytes | str, timeout: int = 0) -> bytes | None:  # noqa: ARG001  (dkimpy's way to ask)
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        return job.keys.get(text.rstrip(".").lower())

    try:
        mail = _AsReceived(job.raw, minkey=_LEAST_KEY)
        signatures = {index: _signature(mail, index, key) for index in job.signatures}
        if not job.arc:
            return Verified(signatures)
        why, seen = _chain(job.raw, key)
    except dkim.DKIMException as error:
        return Verified(error=_words(error))
    return Verified(signatures, why, seen)


class _AsReceived(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """Leaves x= and t= alone: they were held against the time of receipt, and dkimpy would take the clock's. Holds
    the body against bh= itself, and has dkimpy verify the rest."""

    def set_message(self, message: bytes) -> None:
        if message[:1] in _BLANKS:
            raise dkim.MessageFormatError("it begins with the fold of a field that is not there")
        end = _HEADER_END.search(message)
        super().set_message(message[: end.start()] if end else message)
        self.body = _as_lines(message[end.end() :]) if end else b""
        self._digests: dict[bytes, bytes] = {}

    def verify_headerprep(self, idx: int = 0) -> Any:
        fields = [(name, value) for name, value in self.headers if name.lower() == b"dkim-signature"]
        said = dkim.parse_tag_value(fields[idx][1])
        dkim.validate_signature_fields({name: value for name, value in said.items() if name not in _UNSIGNED_TIME})
        kind = said.get(b"c", b"").partition(b"/")[2].strip() or b"simple"
        if kind not in _BODIES:
            raise dkim.ValidationError("c= value is not known")
        if kind not in self._digests:
            self._digests[kind] = hashlib.sha256(_BODIES[kind](self.body)).digest()
        if self._digests[kind] != base64.b64decode(b"".join(said[b"bh"].split())):
            raise dkim.ValidationError("the body was changed")
        self.signature_fields, self.domain, self.selector = said, said[b"d"], said[b"s"]
        names = [name.strip().lower() for name in said[b"h"].split(b":")]
        self.include_headers = tuple(names)
        return {name: value for name, value in said.items() if name != b"bh"}, names, fields


def _as_lines(body: bytes) -> bytes:
    """With CRLF at each line's end."""
    return body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def relaxed(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4: no white space at the ends of lines, one blank for each run of it elsewhere, no empty
    lines at the end."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = _without_last_lines(body.replace(b" \r\n", b"\r\n"))
    return b"" if body == b"\r\n" else body


def simple(body: bytes) -> bytes:
    """RFC 6376 section 3.4.3: one line end at the end."""
    return _without_last_lines(body)


def _without_last_lines(body: bytes) -> bytes:
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n"


_BODIES = {b"relaxed": relaxed, b"simple": simple}


def _signature(mail: _AsReceived, index: int, key: Any) -> str:
    try:
        holds = mail.verify(index, dnsfunc=key)
    except (dkim.DKIMException, dkim.util.InvalidTagValueList, UnparsableKeyError, DigestTooLargeError) as error:
        return _words(error)
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:  # dkimpy on odd input
        return f"it cannot be read ({_words(error)})"
    return "" if holds else "it does not fit the message or the key"


def _chain(raw: bytes, key: Any) -> tuple[str, dict[int, str]]:
    try:
        state, results, why = dkim.ARC(raw, minkey=_LEAST_KEY).verify(dnsfunc=key)
    except (dkim.DKIMException, dkim.util.InvalidTagValueList, UnparsableKeyError, DigestTooLargeError) as error:
        return _words(error), {}
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        return f"it cannot be read ({_words(error)})", {}
    if state != dkim.CV_Pass:
        return _words(why), {}
    return "", {int(one["instance"]): one["aar-value"].decode("utf-8", "replace") for one in results}


def _words(error: object) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in str(error))[:120] or type(error).__name__
