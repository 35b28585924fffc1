"""Verifies DKIM signatures and ARC chains over raw bytes with keys that were fetched before: dkimpy's work.

Runs in a worker process with a time limit: canonicalising a hostile mail must cost nobody else. Must never look up
a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dkim
from dkim.crypto import DigestTooLargeError, UnparsableKeyError

from gateway.screening.raw_header import can_be_verified

_LEAST_KEY = 1024  # bits; RFC 8301 section 3.2
_UNSIGNED_TIME = (b"x", b"t")


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
        signatures = {index: _signature(job.raw, index, key) for index in job.signatures}
        if not job.arc:
            return Verified(signatures)
        why, seen = _chain(job.raw, key)
    except dkim.DKIMException as error:
        return Verified(error=_words(error))
    return Verified(signatures, why, seen)


class _AsReceived(dkim.DKIM):  # type: ignore[misc]  # dkimpy has no types
    """Leaves x= and t= alone: they were held against the time of receipt, and dkimpy would take the clock's."""

    def verify_headerprep(self, idx: int = 0) -> Any:
        fields = [(name, value) for name, value in self.headers if name.lower() == b"dkim-signature"]
        said = dkim.parse_tag_value(fields[idx][1])
        dkim.validate_signature_fields({name: value for name, value in said.items() if name not in _UNSIGNED_TIME})
        self.signature_fields, self.domain, self.selector = said, said[b"d"], said[b"s"]
        names = [name.strip().lower() for name in said[b"h"].split(b":")]
        self.include_headers = tuple(names)
        return said, names, fields


def _signature(raw: bytes, index: int, key: Any) -> str:
    try:
        holds = _AsReceived(raw, minkey=_LEAST_KEY).verify(index, dnsfunc=key)
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
