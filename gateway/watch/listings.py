"""What the answers of DNS block lists mean, and which addresses are asked about. Pure.

RFC 5782: an A record in 127.0.0.0/8 lists an address; 127.0.0.1 is never listed and 127.0.0.2 always, which tells a
working list from a dead or captured one. 127.255.255.0/24 is a list's way to say that it was asked wrongly. An answer
that did not come lists nothing and delists nothing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NEVER_LISTED, ALWAYS_LISTED = "127.0.0.1", "127.0.0.2"
_CODES = ipaddress.ip_network("127.0.0.0/8")
_ERRORS = ipaddress.ip_network("127.255.255.0/24")


class Said(StrEnum):
    LISTED = "listed"
    CLEAR = "clear"
    NOTHING = "nothing"  # no answer, or one that is none


@dataclass(frozen=True, slots=True)
class Answer:
    """What one list said of one address. `codes`: its A records; `detail`: why they are no answer."""

    said: Said
    codes: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a round found out: addresses with their codes, or alone."""

    listed: Mapping[str, str]
    still: Mapping[str, str]
    delisted: tuple[str, ...]


def question(address: str, zone: str) -> str:
    """The name to ask for: the address backwards, below the zone."""
    parsed = ipaddress.ip_address(address)
    return f"{parsed.reverse_pointer.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{zone}"


def judge(records: Sequence[str]) -> Answer:
    """The A records of one question as an answer."""
    if not records:
        return Answer(Said.CLEAR)
    codes = tuple(sorted(set(records)))
    addresses = [ipaddress.ip_address(code) for code in codes]
    if any(address in _ERRORS for address in addresses):
        return Answer(Said.NOTHING, codes, "the list refuses to answer this resolver")
    if any(address not in _CODES for address in addresses):
        return Answer(Said.NOTHING, codes, "no answer of a block list: the zone leads elsewhere")
    return Answer(Said.LISTED, codes)


def trouble(never: Answer, always: Answer) -> str | None:
    """Why a list's answers do not count, from what it says of the two test addresses; None where they do."""
    if Said.NOTHING in (never.said, always.said):
        return never.detail or always.detail or "no answer"
    if never.said is Said.LISTED:
        return f"it lists {NEVER_LISTED}, so it lists everything"
    if always.said is Said.CLEAR:
        return f"it does not list {ALWAYS_LISTED}, so it is not a list any more"
    return None


def changes(known: Collection[str], answers: Mapping[str, Answer]) -> Changes:
    """What is new, of the addresses that are known as listed and of those that were asked about."""
    listed = {address: ", ".join(one.codes) for address, one in answers.items() if one.said is Said.LISTED}
    return Changes(
        listed={address: codes for address, codes in listed.items() if address not in known},
        still={address: codes for address, codes in listed.items() if address in known},
        delisted=tuple(a for a in sorted(known) if a in answers and answers[a].said is Said.CLEAR),
    )


def sample(network: Network, most: int, number: int) -> Iterator[str]:
    """Up to `most` addresses of a prefix, evenly spread, others in each round: after enough rounds, all."""
    size = network.num_addresses
    if size <= most:
        yield from (str(address) for address in network)
        return
    for part in range(most):
        # each part of the prefix is walked through, one address a round
        first, last = part * size // most, (part + 1) * size // most
        yield str(network.network_address + first + number % (last - first))
