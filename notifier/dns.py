"""The one resolver: where mail for a domain goes, what addresses a host has, what a domain says of its senders.

Handed in wherever a name has to be resolved, so that tests and the demo point it at
loopback. Bounded in time and memory; answers, also that there is none, are kept as long as their TTL says
and no longer than a bound; a domain whose servers are silent is not asked again for a while. Must never look up
a name for any other reason than to reach a host that we were told to reach, to check who sent a mail, or to show
staff what a name stands for.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

_MOST_HOSTS = 10  # MX hosts and addresses that are tried; more is no better service
_MOST_RECORDS = 50  # of one name and kind; a name with more is not worth reading
_LONGEST_KEPT = 24 * 3600  # seconds an answer is kept, whatever its TTL says
_LONGEST_NOTHING = 300  # seconds that "there is none" is kept: a key that is being published must be found soon
_SILENCE = 120.0  # seconds for which a domain whose servers did not answer is not asked again
_MOST_SILENT = 2000
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


RecordKind = Literal["A", "AAAA", "MX", "PTR", "TXT"]


class _Cache(dns.resolver.LRUCache):
    """Keeps no answer longer than the bounds: a TTL is its sender's word, and one without a SOA knows none."""

    def put(self, key: Any, value: dns.resolver.Answer) -> None:
        most = _LONGEST_KEPT if value.rrset is not None else _LONGEST_NOTHING
        value.expiration -= max(0, value.chaining_result.minimum_ttl - most)
        super().put(key, value)


class Resolver:
    """Asks name servers, and keeps what they said in a bounded cache.

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
        self._resolver.cache = _Cache(most_entries)
        self._silent: dict[str, float] = {}  # domain -> time of the loop until which it is not asked

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

    async def records(
        self, name: str, kind: RecordKind, domain: str, seconds: float | None = None
    ) -> list[Any] | LookupFailed:
        """The records of a name; empty where there are none. Addresses and names as text, MX as (preference, host),
        TXT as the record's strings (tuple of bytes). `domain` is whose servers answer for it: while they are silent,
        the answer is a failure at once. `seconds` bounds the question."""
        if not _is_name(name):
            return []  # nobody's fault but the asker's: it must not count as the domain's silence
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._silent.get(domain, 0.0) > now:
            return LookupFailed(f"the servers of {domain} did not answer a short while ago")
        try:
            answer = await self._ask(name, kind, seconds)
        except asyncio.CancelledError:  # whoever asked waits no longer
            if seconds is not None and loop.time() - now > seconds / 2:
                self._is_silent(domain, loop.time())
            raise
        if isinstance(answer, LookupFailed):
            self._is_silent(domain, loop.time())
            return answer
        self._silent.pop(domain, None)
        return [_plain(record, kind) for record in list(answer or ())[:_MOST_RECORDS]]

    def _is_silent(self, domain: str, now: float) -> None:
        if len(self._silent) >= _MOST_SILENT:
            self._silent = {one: until for one, until in self._silent.items() if until > now}
        if len(self._silent) < _MOST_SILENT:
            self._silent[domain] = now + _SILENCE

    async def _ask(
        self, name: str, kind: str, seconds: float | None = None
    ) -> dns.resolver.Answer | tuple[()] | LookupFailed | None:
        """The answer; empty where the name has no such record, None where there is no such name."""
        try:
            absolute = dns.name.from_text(name).derelativize(dns.name.root)
            return await self._resolver.resolve(absolute, kind, search=False, lifetime=seconds)
        except dns.resolver.NXDOMAIN:
            return None
        except dns.resolver.NoAnswer:
            return ()
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            return LookupFailed(f"the {kind} record of {name} could not be looked up: {type(error).__name__}: {error}")


def _is_name(text: str) -> bool:
    try:
        return len(dns.name.from_text(text)) > 1
    except (dns.exception.DNSException, UnicodeError):
        return False


def _plain(record: Any, kind: RecordKind) -> Any:
    if kind == "TXT":
        return tuple(record.strings)
    if kind == "MX":
        return record.preference, record.exchange.to_text(omit_final_dot=True).lower()
    return record.target.to_text(omit_final_dot=True).lower() if kind == "PTR" else record.address


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
