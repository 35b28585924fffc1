"""Who is to be asked to stop it: RDAP, then WHOIS, then the zones that list contacts, then a marked guess (RD-8).

Each address comes with its source. The next place is asked only where the one before names no abuse contact, or only
such as are known to be dead. Must never decide whom to write to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.dns import LookupFailed, Resolver, is_public
from notifier.rdap import Failed, RdapClient
from notifier.registration import ABUSE, Found, Kind, RdapAnswer, usable
from notifier.whois import WhoisClient

GUESS = "guess"
_RESERVED = frozenset({"example", "test", "invalid", "localhost", "local", "internal", "onion", "arpa"})


@dataclass(frozen=True, slots=True)
class Discovered:
    """The contacts, most certain first. `failed`: the registry gave no answer this time."""

    found: tuple[Found, ...]
    failed: Failed | None = None


class Finder:
    """`zones`: where contacts are listed for addresses, and for domains; `guesses`: abuse@ as the last resort. Of
    reserved addresses and names only the registry is asked, unless `reserved` (tests)."""

    def __init__(
        self,
        rdap: RdapClient,
        resolver: Resolver,
        whois: WhoisClient | None = None,
        zones: Sequence[str] = (),
        *,
        guesses: bool = True,
        reserved: bool = False,
    ) -> None:
        self._rdap = rdap
        self._resolver = resolver
        self._whois = whois
        self._zones = dict(zip(("ip", "domain"), zones, strict=False))
        self._guesses = guesses
        self._reserved = reserved

    def asked_lately(self) -> dict[str, Any]:
        """What another process has to know before it asks in our place: their rates are for all of us."""
        return {"rdap": self._rdap.asked_lately(), "whois": self._whois.pauses() if self._whois else {}}

    def go_on_from(self, said: Mapping[str, Any]) -> None:
        """Take over what `asked_lately` said in another process."""
        self._rdap.go_on_from(said.get("rdap", {}))
        if self._whois is not None:
            self._whois.go_on_from(said.get("whois", {}))

    async def find(self, kind: Kind, subject: str, dead: Collection[str] = ()) -> Discovered:
        """All that is known for an address or a registrable domain. `dead`: lower-case addresses that do not count."""
        answer = await (self._rdap.ip(subject) if kind == "ip" else self._rdap.domain(subject))
        found = list(answer.found(subject)) if isinstance(answer, RdapAnswer) else []
        failed = answer if isinstance(answer, Failed) else None
        if not self._reserved and _is_reserved(kind, subject):
            return Discovered(tuple(found), failed)
        if not _named(found, dead) and self._whois is not None:
            found += await self._whois.find(kind, subject)
        if not _named(found, dead):
            found += await self._listed(kind, subject)
        if not _named(found, dead) and kind == "domain" and self._guesses and failed is None:
            source = f"{GUESS}: nobody names a contact of {subject} (RFC 2142)"
            found.append(Found(f"{ABUSE}@{subject}", (ABUSE,), None, kind, subject, subject, source))
        return Discovered(tuple(found), None if _named(found, dead) else failed)

    async def _listed(self, kind: Kind, subject: str) -> tuple[Found, ...]:
        zone = self._zones.get(kind)
        if zone is None:
            return ()
        name = f"{_reversed(subject) if kind == 'ip' else subject}.{zone}"
        records = await self._resolver.records(name, "TXT", zone)
        if isinstance(records, LookupFailed):
            return ()
        texts = [b"".join(record).decode("latin-1") for record in records[:5]]
        addresses = [address for text in texts for one in text.split(",") if (address := usable(one))]
        return tuple(
            Found(address, (ABUSE,), None, kind, subject, subject, f"dns:{zone}")
            for address in dict.fromkeys(addresses)
        )


def _named(found: Sequence[Found], dead: Collection[str]) -> bool:
    return any(ABUSE in one.roles and one.address.lower() not in dead for one in found)


def _is_reserved(kind: Kind, subject: str) -> bool:
    """Nobody holds it (RFC 6761, 5737, 3849): whoever answers for it is mistaken."""
    if kind == "ip":
        return not is_public(subject)
    labels = subject.lower().rstrip(".").split(".")
    return labels[-1] in _RESERVED or ".".join(labels[-2:]) in {"example.com", "example.net", "example.org"}


def _reversed(address: str) -> str:
    pointer = ipaddress.ip_address(address).reverse_pointer
    return pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
