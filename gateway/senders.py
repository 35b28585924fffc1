"""Who sent each message of a batch: our border's word, and our own check where the border said nothing.

Must never decide what a proof is worth: screening does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.house import House
from gateway.model import Checker, Identity, IdentityKind
from gateway.screening import own_checks, raw_header, signatures
from gateway.screening.identity import domain_name, identify
from gateway.screening.own_checks import Mail, OwnChecks, Rules
from gateway.store.messages import Stored
from parsers.report import Kind, Parsed

PUT_OFF = timedelta(minutes=10)  # until names that could not be had are asked for again
_PATIENCE = timedelta(hours=2)  # after its receipt a report is held rather than put off once more
_SIGNED = b"multipart/signed"


class Senders:
    """Made for one batch."""

    def __init__(self, house: House) -> None:
        self._house, self._border, self._rules = house, house.border(), rules(house)

    def by_the_border(self, message: Stored, parsed: Parsed) -> Identity | None:
        """Who sent it, as far as it takes no look-up; None where an own check may say more."""
        if message.written_by:
            return by_page(message.written_by, confirmed=message.confirmed_at is not None)
        identity = identify(parsed.envelope, self._border)
        if own_checks.wanted(identity, parsed.envelope, self._rules, message.raw):
            return None
        return with_signature(identity, message.raw)

    async def by_own_checks(self, batch: Sequence[tuple[Stored, Parsed]]) -> list[Identity]:
        """Who sent these messages, in order: all names are asked for at once."""
        if not batch:
            return []
        mails = [Mail(m.raw, p.envelope, m.received_at, identify(p.envelope, self._border)) for m, p in batch]
        checks = OwnChecks(self._house.resolver, self._house.workers, self._rules, self._border)
        found = await checks.identities(mails)
        return [with_signature(identity, message.raw) for identity, (message, _) in zip(found, batch, strict=True)]

    async def one(self, message: Stored, parsed: Parsed) -> Identity:
        """Who sent this message."""
        known = self.by_the_border(message, parsed)
        return (await self.by_own_checks([(message, parsed)]))[0] if known is None else known


def by_page(address: str, *, confirmed: bool) -> Identity:
    """Who sent something on a page of ours: whoever opened the link that was mailed to the address; before that it is
    only a claim."""
    domain = domain_name(address.rpartition("@")[2])
    if confirmed:
        said = f"sent on our page; the link that was mailed to {address} was opened"
        return Identity(IdentityKind.DOMAIN, domain, address, "page", detail=said)
    said = f"sent on our page as {address}, who has not confirmed it yet"
    return Identity(IdentityKind.UNCHECKED, method="page", detail=said)


def with_signature(identity: Identity, raw: bytes) -> Identity:
    """The identity with the presence of a signature over the whole body, which nobody verified."""
    if _SIGNED not in raw[: raw_header.HEADER_BYTES].lower():
        return identity
    header = raw_header.header(raw)
    kind = signatures.of_the_body(header) if header else None
    return replace(identity, signature=kind) if kind else identity


def try_again(message: Stored, parsed: Parsed, identity: Identity, now: datetime) -> bool:
    """Whether a report waits for names that could not be had now. Everything else is worked on without them."""
    unfinished = identity.kind is IdentityKind.UNCHECKED and identity.checked_by in {Checker.OWN, Checker.ARC}
    return unfinished and parsed.kind is Kind.REPORT and now - message.received_at < _PATIENCE


def rules(house: House) -> Rules:
    """What the operator says of own checks."""
    chosen, operator = house.settings.screening, house.settings.operator
    return Rules(
        enabled=chosen.own_checks,
        hosts=frozenset(chosen.border_hosts or operator.authserv_ids),
        inside=(*chosen.border_networks, *operator.relays),
        forwarders=frozenset(chosen.trusted_forwarders),
        seconds=chosen.dns_seconds,
    )
