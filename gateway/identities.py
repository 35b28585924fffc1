"""An Identity as the plain JSON value that is stored with each report, and back; and in words for people.

Must never leave out what the identity rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.model import Checker, Identity, IdentityKind, Proof

_SAID_BY = {
    Checker.BORDER: "our border",
    Checker.OWN: "our own check",
    Checker.ARC: "a forwarder that is trusted",
    Checker.NONE: "nobody",
}


def as_json(identity: Identity) -> dict[str, Any]:
    return {
        "kind": identity.kind.value,
        "domain": identity.domain,
        "address": identity.address,
        "method": identity.method,
        "feed": identity.feed,
        "detail": identity.detail,
        "foreign": identity.foreign,
        "checked_by": identity.checked_by.value,
        "proofs": [list(proof) for proof in identity.proofs],
        "signature": identity.signature,
    }


def from_json(stored: dict[str, Any]) -> Identity:
    """Also of what was stored before a value was added."""
    return Identity(
        IdentityKind(stored["kind"]),
        stored.get("domain"),
        stored.get("address"),
        stored.get("method"),
        stored.get("feed"),
        stored.get("detail", ""),
        foreign=stored.get("foreign", False),
        checked_by=Checker(stored.get("checked_by", Checker.NONE)),
        proofs=tuple(Proof(*proof) for proof in stored.get("proofs", ())),
        signature=stored.get("signature"),
    )


def in_one_line(stored: dict[str, Any]) -> str:
    """`feed yahoo-cfl (dkim)`, `ann@example.org (dmarc)`."""
    who = f"feed {stored['feed']}" if stored.get("feed") else stored.get("address") or stored.get("domain")
    method = f" ({stored['method']})" if stored.get("method") else ""
    return f"{who or 'nobody known'}{method}"


def evidence(stored: dict[str, Any]) -> Iterator[str]:
    """What an identity rests on, line by line."""
    by = _SAID_BY[Checker(stored.get("checked_by", Checker.NONE))]
    for method, result, domain in stored.get("proofs", ()):
        yield f"{by} says {method}={result}" + (f" for {domain}" if domain else "")
    if not stored.get("proofs"):
        yield f"checked by {by}"
    if stored.get("signature"):
        yield f"the whole body has a signature ({stored['signature']}), which nobody verified"
    if stored.get("detail"):
        yield stored["detail"]
