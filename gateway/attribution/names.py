"""Which names of a report the DNS may be asked about, and what its answer is worth: a candidate, with its time.

A name that looks made for one recipient is never asked about, only the part of it that looks like anybody's: whoever
runs its servers would learn that this recipient's mail was reported. Must never attribute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.attribution.holders import Found
from gateway.attribution.network import Network
from gateway.attribution.words import candidates_of, moment
from gateway.model import Attribution, AttributionReason, Holder
from parsers.fields import place, registrable
from parsers.report import ResourceKind, Role

MOST_HOSTS = 5  # of one report
_MOST_CANDIDATES = 10
# A label that many share: a word or two, perhaps with a short number. `www2`, `shop-de`, `img01`; not `x8f3a91c`.
_PLAIN = re.compile(r"[a-z]{1,12}(?:-[a-z]{1,12}){0,2}-?\d{0,2}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the DNS gave for a host at a time (aware UTC)."""

    addresses: tuple[str, ...]
    at: datetime


def askable(resources: Iterable[Mapping[str, str]], network: Network, known: Iterable[str] = ()) -> tuple[str, ...]:
    """The advertised hosts ({kind, role, value}) of which nobody is known to be the holder, as they may be asked about.
    `known`: values that are attributed already."""
    found: dict[str, None] = {}
    passed = set(known)
    for resource in resources:
        if resource["role"] != Role.ADVERTISED.value or len(found) == MOST_HOSTS:
            continue
        host = _host(resource)
        if host is None or host in passed or network.is_bystander(host) or network.hosts.covers(host):
            continue
        if asked := _public_part(host):
            found.setdefault(asked)
    return tuple(found)


def pointing_here(host: str, answer: Answer, network: Network) -> Attribution | None:
    """The entry for a host of which an address is ours; None where none is."""
    ours = [
        ip for ip in answer.addresses
        if network.is_ours(ip) and not network.is_protected(ip) and not network.is_relay(ip)
    ]  # fmt: skip
    if not ours:
        return None
    said = f"the DNS gave {', '.join(ours[:3])} for {host} at {moment(answer.at)}"
    how = f"{host} is advertised, and nobody is assigned it; {said}, which is ours"
    candidates = tuple(_candidates(ours, said, answer.at, network).values())[:_MOST_CANDIDATES]
    return Attribution(
        ResourceKind.HOST, Role.ADVERTISED, host, AttributionReason.DNS_POINTS_HERE, how=how, candidates=candidates
    )


def _candidates(ours: Sequence[str], said: str, at: datetime, network: Network) -> dict[int, Holder]:
    found: dict[int, Holder] = {}
    for ip in ours:
        lookup = network.prefixes.lookup(ip, at, None)
        for one in candidates_of(lookup):
            held = "held it then" if isinstance(lookup, Found) else one.why
            found.setdefault(one.account_id, Holder(one.account_id, f"{said}; {ip}: {held}"))
    return found


def _host(resource: Mapping[str, str]) -> str | None:
    if resource["kind"] in {ResourceKind.HOST.value, ResourceKind.DOMAIN.value}:
        return resource["value"].lower().rstrip(".")
    if (
        resource["kind"] == ResourceKind.URL.value
        and (found := place(resource["value"]))
        and found[0] is ResourceKind.HOST
    ):
        return found[1]
    return None


def _public_part(host: str) -> str | None:
    """The longest end of a name whose labels look like anybody's: at least its registrable domain."""
    domain = registrable(host)
    if domain is None:
        return None
    labels = host.removesuffix(domain).rstrip(".").split(".") if host != domain else []
    kept: list[str] = []
    for label in reversed(labels):
        if len(kept) == 2 or not _PLAIN.fullmatch(label):
            break
        kept.insert(0, label)
    return ".".join([*kept, domain])
