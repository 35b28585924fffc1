"""Which signatures of a message are worth verifying, and which keys that takes.

Reads the raw header; nothing is verified here and no key is fetched. A signature that leaves part of the body
open, that ran out before the mail came, or that is made with what RFC 8301 forbids proves nothing. Must never trust a
domain because it stands in a signature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.screening.identity import domain_name
from gateway.screening.raw_header import Header, tags
from parsers.fields import registrable

MOST_SIGNATURES = 4  # verified for one message
MOST_SETS = 20  # ARC sets; RFC 8617 section 4.2.1 allows 50, mail has two or three
_SIGNATURE_BYTES = 6_000
_SIGNED_NAMES = 100
_SLOP = timedelta(hours=10)  # clocks are wrong; the same that dkimpy grants
_ALGORITHMS = frozenset({"rsa-sha256"})  # RFC 8301: no SHA-1; who signs with ed25519 signs with RSA beside it
_PROTOCOLS = {
    b"application/pkcs7-signature": "s/mime",
    b"application/x-pkcs7-signature": "s/mime",
    b"application/pgp-signature": "openpgp",
}


@dataclass(frozen=True, slots=True)
class Signature:
    """A DKIM signature: its place among the message's (0: topmost), who signs, and where the key is.
    `refused` says why it proves nothing, whatever the key says."""

    index: int
    domain: str
    selector: str
    agent: str  # domain of i=, else d=
    refused: str = ""

    @property
    def key_name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"


def of(header: Header, received_at: datetime) -> list[Signature]:
    """The DKIM signatures of a message, topmost first; without those that name no domain."""
    found = []
    for index, value in enumerate(header.all_of(b"dkim-signature")):
        one = _signature(index, value, received_at)
        if one is not None:
            found.append(one)
    return found


def worth_it(signatures: Iterable[Signature], from_domain: str | None, registered: frozenset[str]) -> list[Signature]:
    """Those to verify, the ones that could prove something first: the From domain's, then a feed's."""
    organisation = registrable(from_domain) if from_domain else None

    def rank(one: Signature) -> int:
        if from_domain and (one.domain == from_domain or (organisation and registrable(one.domain) == organisation)):
            return 0
        return 1 if any(name in registered for name in _above(one.domain)) else 2

    return sorted((one for one in signatures if not one.refused), key=rank)[:MOST_SIGNATURES]


def seals(header: Header) -> list[tuple[int, str, str]]:
    """The ARC seals: (instance, sealing domain, name of its key), newest first; empty where there is no chain."""
    found = []
    for value in header.all_of(b"arc-seal")[: MOST_SETS + 1]:
        said = tags(value[:_SIGNATURE_BYTES])
        domain, number = domain_name(said.get("d", "")), said.get("i", "")
        if domain and number.isascii() and number.isdecimal() and len(number) < 3:
            found.append((int(number), domain, f"{said.get('s', '')}._domainkey.{domain}"))
    numbers = sorted((number for number, *_ in found), reverse=True)
    if numbers != list(range(len(numbers), 0, -1)) or len(numbers) > MOST_SETS:
        return []
    return sorted(found, reverse=True)


def arc_keys(header: Header) -> set[str]:
    """Names of all keys that verifying the ARC chain takes: those of the seals and of the message signatures."""
    names = {name for _, _, name in seals(header)}
    for value in header.all_of(b"arc-message-signature")[:MOST_SETS]:
        said = tags(value[:_SIGNATURE_BYTES])
        if domain := domain_name(said.get("d", "")):
            names.add(f"{said.get('s', '')}._domainkey.{domain}")
    return names


def seal_covers(header: Header, instance: int) -> bool:
    """Whether the message signature of that ARC set covers the From field and the whole body."""
    for value in header.all_of(b"arc-message-signature")[:MOST_SETS]:
        said = tags(value[:_SIGNATURE_BYTES])
        if said.get("i") == str(instance):
            return "from" in _names(said) and "l" not in said
    return False


def _names(said: dict[str, str]) -> set[str]:
    return {name.lower() for name in said.get("h", "").split(":")}


def of_the_body(header: Header) -> str | None:
    """What signs the whole body (RFC 1847): "s/mime" or "openpgp". It is shown and never verified."""
    kind = header.first(b"content-type").lower()
    if b"multipart/signed" not in kind:
        return None
    return next((name for protocol, name in _PROTOCOLS.items() if protocol in kind), None)


def key_refused(record: bytes, one: Signature) -> str:
    """Why a key record cannot prove this signature, though it may fit (RFC 6376 section 3.6.1); "" if it can."""
    said = tags(record)
    flags = said.get("t", "").split(":")
    if "y" in flags:
        return "the domain is only testing DKIM"
    if "s" in flags and one.agent != one.domain:
        return "the key is not for names below the domain"
    if said.get("k", "rsa") == "rsa" and "h" in said and "sha256" not in said["h"].split(":"):
        return "the key is not for SHA-256"
    return "" if said.get("p") else "the key is revoked"


def _signature(index: int, value: bytes, received_at: datetime) -> Signature | None:
    said = tags(value[:_SIGNATURE_BYTES])
    domain, selector = domain_name(said.get("d", "")), said.get("s", "").lower()
    if domain is None or not selector or domain_name(selector) is None:
        return None
    agent = domain_name(said.get("i", "").rpartition("@")[2]) or domain
    return Signature(index, domain, selector, agent, _refused(said, len(value), received_at))


def _refused(said: dict[str, str], size: int, received_at: datetime) -> str:
    if size > _SIGNATURE_BYTES:
        return "it is too long"
    if said.get("a", "") not in _ALGORITHMS:
        return f"algorithm {said.get('a', '')[:20]} is not accepted"
    if "l" in said:
        return "it covers only the beginning of the body"
    if "from" not in _names(said):
        return "it does not cover the From field"
    if said.get("h", "").count(":") >= _SIGNED_NAMES:
        return "it names too many fields"
    for tag, past in (("x", True), ("t", False)):
        if tag not in said:
            continue
        if not (said[tag].isascii() and said[tag].isdecimal() and len(said[tag]) < 12):
            return f"{tag}= is no time"
        seconds = int(said[tag]) - received_at.timestamp()
        if (seconds < -_SLOP.total_seconds()) if past else (seconds > _SLOP.total_seconds()):
            return "it had run out when the mail came" if past else "it was made in the future"
    return ""


def _above(name: str) -> Iterable[str]:
    yield name
    while "." in name:
        name = name.partition(".")[2]
        yield name
