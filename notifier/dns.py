"""The one resolver: where mail for a domain goes, and what addresses a host has.

Handed in wherever a name has to be resolved, so that tests and the demo point it at
loopback. Bounded in time and memory; answers are kept as long as their TTL says. Must never
look up a name for any other reason than to reach a host that we were told to reach.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

_MOST_HOSTS = 10  # MX hosts and addresses that are tried; more is no better service
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        # Global by the registry's flag, and still nobody's host.
        "192.88.99.0/24",
        "224.0.0.0/4",
        "255.255.255.255/32",
        "ff00::/8",
        "fec0::/10",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")


@dataclass(frozen=True, slots=True)
class NoMail:
    """The domain takes no mail and will not (it does not exist, or a null MX says so). `reason` for staff."""

    reason: str


@dataclass(frozen=True, slots=True)
class LookupFailed:
    """No answer now: the resolver is silent or the zone is broken."""

    reason: str


class Resolver:
    """Asynchronous stub resolver with a bounded cache.

    `nameservers` are addresses (default: the system's), `port` theirs; `seconds` bounds one
    question over all nameservers. Names are always absolute: search lists are not used.
    Raises ValueError where no nameserver is given or configured.
    """

    def __init__(
        self, nameservers: Sequence[str] = (), port: int = 53, seconds: float = 10.0, most_entries: int = 5000
    ) -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not nameservers)
        except dns.exception.DNSException as error:
            raise ValueError(f"no nameserver: the system's configuration cannot be read ({error})") from error
        if nameservers:
            self._resolver.nameservers = list(nameservers)
        self._resolver.port = port
        self._resolver.lifetime = seconds
        self._resolver.cache = dns.resolver.LRUCache(most_entries)

    async def mx(self, domain: str) -> list[str] | NoMail | LookupFailed:
        """Hosts that take mail for `domain`, best first; the domain itself where it has no MX (RFC 5321, 5.1)."""
        answer = await self._ask(domain, "MX")
        if isinstance(answer, LookupFailed):
            return answer
        if answer is None:
            return NoMail(f"the domain {domain} does not exist")
        exchangers = sorted(
            (record.preference, record.exchange.to_text(omit_final_dot=True).lower()) for record in answer
        )
        if [host for _, host in exchangers] in ([""], ["."]):
            return NoMail(f"the domain {domain} says that it takes no mail (null MX, RFC 7505)")
        hosts = list(dict.fromkeys(host for _, host in exchangers if host not in {"", "."}))
        if hosts:
            return hosts[:_MOST_HOSTS]
        addresses = await self.addresses(domain)
        if isinstance(addresses, LookupFailed):
            return addresses
        return [domain] if addresses else NoMail(f"the domain {domain} has neither MX nor address")

    async def addresses(self, host: str) -> list[str] | LookupFailed:
        """IPv4, then IPv6 addresses of a host; empty where it has none. A literal is its own answer."""
        name = host.strip("[]").rstrip(".").lower()
        try:
            return [str(ipaddress.ip_address(name))]
        except ValueError:
            pass
        if name == "localhost" or name.endswith(".localhost"):  # RFC 6761 section 6.3: never asked of a server
            return ["127.0.0.1", "::1"]
        found: list[str] = []
        failed: LookupFailed | None = None
        for kind in ("A", "AAAA"):
            answer = await self._ask(name, kind)
            if isinstance(answer, LookupFailed):
                failed = answer
            elif answer is not None:
                found += [record.address for record in answer]
        return found[:_MOST_HOSTS] if found or failed is None else failed

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer | tuple[()] | LookupFailed | None:
        """The answer; empty where the name has no such record, None where there is no such name."""
        try:
            absolute = dns.name.from_text(name).derelativize(dns.name.root)
            return await self._resolver.resolve(absolute, kind, search=False)
        except dns.resolver.NXDOMAIN:
            return None
        except dns.resolver.NoAnswer:
            return ()
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            return LookupFailed(f"the {kind} record of {name} could not be looked up: {type(error).__name__}: {error}")


def is_public(address: str) -> bool:
    """Whether `address` is a host on the public Internet, also behind IPv4-in-IPv6 spellings (SEC-5)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour
        if inner is None and (parsed in _NAT64 or parsed in _V4_COMPATIBLE):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if parsed.teredo is not None:
            return False
    return parsed.is_global and not any(
        parsed in network for network in _NOT_PUBLIC if network.version == parsed.version
    )
