"""Contacts by WHOIS (RFC 3912), where RDAP has no answer: one question to a known server, a few referrals, bounded.

RD-9. Only a canonical address or name is ever sent, only servers named here are asked, and what they say is text of
strangers. Must never raise for what a server does, nor take a placeholder for an address.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from notifier.dns import LookupFailed, Resolver, is_public
from notifier.headers import clean
from notifier.registration import ABUSE, Found, Kind, usable

PORT = 43
LARGEST = 256 * 1024  # bytes of an answer
SECONDS = 15.0  # for one question
_REFERRALS = 3
_ROOT = "whois.iana.org"
# What each wants before the address: ARIN lists networks only when it is told to look for the best match; RIPE counts
# the persons whom it shows, and shuts out who saw a thousand in a day: of the network it is asked for nobody else.
_PREFIXES: Mapping[str, str] = MappingProxyType({"whois.arin.net": "n + ", "whois.ripe.net": "-r "})
_KNOWN = frozenset(
    {
        *("whois.iana.org", "whois.arin.net", "whois.ripe.net", "whois.apnic.net"),
        *("whois.lacnic.net", "whois.afrinic.net", "whois.registro.br", "whois.nic.ad.jp"),
        *("whois.kisa.or.kr", "whois.twnic.net.tw", "whois.verisign-grs.com", "whois.pir.org"),
        *("whois.rotld.ro", "whois.cnnic.cn", "whois.jprs.jp", "whois.denic.de"),
        *("whois.nic.uk",),
    }
)
_REFERRAL = re.compile(
    rb"^[ \t]{0,20}(?:refer|whois|ReferralServer|Registrar WHOIS Server|whois server)[ \t]{0,20}:[ \t]{0,20}"
    rb"(?:r?whois://)?([A-Za-z0-9.-]{3,100})",
    re.IGNORECASE | re.MULTILINE,
)
_ABUSE = re.compile(
    rb"^[ \t%]{0,20}(?:abuse-mailbox|OrgAbuseEmail|RAbuseEmail|Registrar Abuse Contact Email|abuse-c-email|"
    rb"Abuse contact for '[^'\r\n]{1,100}' is)[ \t]{0,20}:?[ \t]{0,20}'?([^\s'\"]{3,254})",
    re.IGNORECASE | re.MULTILINE,
)
_COUNTRY = re.compile(rb"^country:[ \t]{0,40}([A-Za-z]{2})[ \t]{0,9}\r?$", re.IGNORECASE | re.MULTILINE)
_TOO_MUCH = re.compile(
    rb"^[ \t%#]{0,20}(?:error:201|error: ?access denied|query rate limit exceeded|quota exceeded|"
    rb"number of allowed queries exceeded|you have been (?:rate )?limited|too many (?:requests|queries))",
    re.IGNORECASE | re.MULTILINE,
)
_PAUSE = timedelta(hours=1)  # without a question to a server that said so
_RANGE = re.compile(rb"^(?:inetnum|inet6num|NetRange|CIDR)[ \t]{0,20}:[ \t]{0,20}([^\r\n]{3,120})", re.MULTILINE)


class WhoisClient:
    """`places` puts servers elsewhere (tests): name -> (address, port). `first` is who is asked first."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Callable[[], datetime],
        first: str = _ROOT,
        places: Mapping[str, tuple[str, int]] = MappingProxyType({}),
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._first = first
        self._places = places
        self._in_flight: dict[str, asyncio.Lock] = {}  # one question at a time to each server
        self._not_before: dict[str, datetime] = {}

    def pauses(self) -> dict[str, float]:
        """What another process has to know before it asks: until when a server wants no question, in seconds since
        1970."""
        now = self._clock()
        return {server: until.timestamp() for server, until in self._not_before.items() if until > now}

    def go_on_from(self, said: Mapping[str, float]) -> None:
        """Take over what `pauses` said in another process."""
        for server, seconds in said.items():
            until = datetime.fromtimestamp(seconds, UTC)
            self._not_before[server] = max(until, self._not_before.get(server, until))

    async def find(self, kind: Kind, subject: str) -> tuple[Found, ...]:
        """The abuse contacts of an address or a registrable domain; empty where there is no answer."""
        question = _canonical(kind, subject)
        if question is None:
            return ()
        server = self._first
        found: tuple[Found, ...] = ()
        for _ in range(_REFERRALS + 1):
            answer = await self._ask(server, _PREFIXES.get(server, "") + question)
            found = _read(kind, subject, server, answer) or found
            referred = _REFERRAL.search(answer)
            following = referred[1].decode("ascii").lower().rstrip(".") if referred else ""
            if following == server or following not in _KNOWN:
                break
            server = following
        return found

    async def _ask(self, server: str, question: str) -> bytes:
        async with self._in_flight.setdefault(server, asyncio.Lock()):
            wait = self._not_before.get(server)
            if wait is not None and self._clock() < wait:
                return b""
            try:
                async with asyncio.timeout(SECONDS):
                    said = await self._exchange(server, question)
            except (OSError, TimeoutError):
                return b""
            if _TOO_MUCH.search(said[:4000]):
                self._not_before[server] = self._clock() + _PAUSE
            return said

    async def _exchange(self, server: str, question: str) -> bytes:
        place = self._places.get(server) or await self._address(server)
        if place is None:
            return b""
        reader, writer = await asyncio.open_connection(*place)
        try:
            writer.write(question.encode("ascii") + b"\r\n")
            await writer.drain()
            said = bytearray()
            while len(said) < LARGEST and (chunk := await reader.read(16 * 1024)):
                said += chunk
            return bytes(said[:LARGEST])
        finally:
            writer.close()

    async def _address(self, server: str) -> tuple[str, int] | None:
        addresses = await self._resolver.addresses(server)
        if isinstance(addresses, LookupFailed):
            return None
        return next(((address, PORT) for address in addresses if is_public(address)), None)


def _canonical(kind: Kind, subject: str) -> str | None:
    """What may be sent: an address or a name in ASCII, and no line ends."""
    if kind == "ip":
        try:
            return str(ipaddress.ip_address(subject))
        except ValueError:
            return None
    try:
        name = subject.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    return name if re.fullmatch(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,10}", name) else None


def _read(kind: Kind, subject: str, server: str, answer: bytes) -> tuple[Found, ...]:
    held = _RANGE.search(answer)
    registration = clean(held[1].decode("latin-1"), 120) if held and kind == "ip" else subject
    country = _COUNTRY.search(answer)
    code = country[1].decode("ascii").upper() if country else None
    addresses = (usable(match[1].decode("latin-1")) for match in _ABUSE.finditer(answer))
    return tuple(
        Found(address, (ABUSE,), None, kind, subject, registration, f"whois:{server}", code)
        for address in dict.fromkeys(one for one in addresses if one)
    )[:5]
