"""Whose address or domain is this: asked of the registry that the bootstrap names.

RFC 7480, 9082, 9083; RD-1 to RD-7. One question at a time to each registry, its wish for a
pause honoured, answers kept by the caller's cache. Only bootstrap hosts are asked (and those
of `allow_hosts`), also where a domain's registrar is asked. Must never raise for what a registry does,
and never decide whom to write to.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol
from urllib.parse import urlsplit

from notifier.bootstrap import Bootstrap
from notifier.dns import is_public
from notifier.headers import clean
from notifier.http import Fetched, HttpClient, HttpWhy, NotFetched
from notifier.registration import ABUSE, Kind, RdapAnswer, is_cut_short, is_rate_notice, read

FRESH = timedelta(hours=24)  # RD-3: the least time that an answer is kept
_PAUSE = timedelta(minutes=5)  # after "too many requests" without a time
_MINUTE = timedelta(minutes=1)
_SILENT = 2  # time-outs in a row, after which a registry is left alone for a minute
_A_MINUTE = 60  # questions to one registry, where nothing else is known
# Registries that have said how much they bear, or that answer 429 early: questions a minute.
_RATES = MappingProxyType(
    {
        "rdap.arin.net:443": 60,
        "rdap.db.ripe.net:443": 60,
        "rdap.apnic.net:443": 30,
        "rdap.lacnic.net:443": 10,
        "rdap.afrinic.net:443": 20,
        "rdap.registro.br:443": 10,
    }
)
# A registered range may hold more specific ones that other addresses of it belong to, and the most
# specific contact is the one to tell: an answer serves only its neighbourhood.
_NEIGHBOURHOOD = {4: 24, 6: 48}


class RdapWhy(StrEnum):
    """Closed list: why there is no answer. Also a metric label."""

    NO_REGISTRY = "no-registry"  # the bootstrap names none
    NOT_PUBLIC = "not-public"  # private and reserved addresses, names that are none
    RATE = "rate"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    ANSWER = "answer"  # an answer that is none
    NOT_ALLOWED = "not-allowed"


@dataclass(frozen=True, slots=True)
class NotFound:
    """The registry knows no such thing."""

    source: str


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer. `retry_at` (aware UTC) where it is worth asking again and the time is known."""

    why: RdapWhy
    detail: str
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cached:
    """What a cache gives back: the answer and when it was fetched (aware UTC)."""

    answer: RdapAnswer | NotFound
    fetched_at: datetime


class RdapCache(Protocol):
    """Keeps answers between runs. Keys are sortable text: see `cache_key`."""

    async def get(self, kind: Kind, key: str) -> Cached | None:
        """The entry with first <= key <= last; of several, the one with the greatest first."""

    async def put(self, kind: Kind, first: str, last: str, cached: Cached) -> None:
        """Keep for first..last, both inclusive; replaces the entry with the same first."""


class MemoryCache:
    """An RdapCache for one process: the newest `most` entries."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._entries: dict[tuple[str, str], tuple[str, Cached]] = {}

    async def get(self, kind: Kind, key: str) -> Cached | None:
        # An entry never crosses a neighbourhood, so the candidates begin at its start or at the key.
        starts = [first for (held, first), (last, _) in self._entries.items() if held == kind and first <= key <= last]
        return self._entries[kind, max(starts)][1] if starts else None

    async def put(self, kind: Kind, first: str, last: str, cached: Cached) -> None:
        self._entries.pop((kind, first), None)
        self._entries[kind, first] = (last, cached)
        while len(self._entries) > self._most:
            self._entries.pop(next(iter(self._entries)))


def cache_key(kind: Kind, value: str) -> str:
    """Text that sorts as the thing does: a name as it is, an address as version and 32 hexadecimal digits."""
    if kind == "domain":
        return value
    address = ipaddress.ip_address(value)
    return f"{address.version}:{int(address):032x}"


class RdapClient:
    """One question at a time and so many a minute to each registry, in this process; for others that ask too there is
    `asked_lately`. `clock` gives aware UTC. `allow_hosts` (`host:port`) may be plain HTTP and private: the demo's
    registry."""

    def __init__(
        self,
        http: HttpClient,
        cache: RdapCache,
        bootstrap: Bootstrap,
        clock: Callable[[], datetime],
        allow_hosts: Collection[str] = (),
    ) -> None:
        self._http = http
        self._cache = cache
        self._clock = clock
        self._allow_hosts = frozenset(allow_hosts)
        self.use(bootstrap)
        self._in_flight: dict[str, asyncio.Lock] = {}  # by registry: at most as many as the bootstrap has hosts
        self._not_before: dict[str, datetime] = {}
        self._silent: dict[str, int] = {}  # time-outs in a row
        self._asked: dict[str, list[datetime]] = {}  # when each registry was asked within the last minute

    def asked_lately(self) -> dict[str, list[float]]:
        """What another process has to know before it asks: for each registry until when it wants no question (0: any
        time), and when it was asked within the last minute, in seconds since 1970."""
        now = self._clock()
        said = {}
        for registry in self._not_before.keys() | self._asked.keys():
            lately = [at.timestamp() for at in self._asked.get(registry, ()) if now - at < _MINUTE]
            wait = self._not_before.get(registry, now)
            if lately or wait > now:
                said[registry] = [wait.timestamp() if wait > now else 0.0, *lately]
        return said

    def go_on_from(self, said: Mapping[str, Sequence[float]]) -> None:
        """Take over what `asked_lately` said in another process."""
        for registry, (wait, *lately) in said.items():
            known = {datetime.fromtimestamp(at, UTC) for at in lately} | set(self._asked.get(registry, ()))
            self._asked[registry] = sorted(known)
            until = datetime.fromtimestamp(wait, UTC)
            if until > self._not_before.get(registry, until - _MINUTE):
                self._not_before[registry] = until

    def use(self, bootstrap: Bootstrap) -> None:
        """Ask by this from now on."""
        self._bootstrap = bootstrap
        self._only_hosts = frozenset(_place(url) for url in bootstrap.urls())

    async def ip(self, address: str) -> RdapAnswer | NotFound | Failed:
        """The most specific registration around an address."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return Failed(RdapWhy.NOT_PUBLIC, f"{clean(address, 80)!r} is no address")
        mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
        asked = str(mapped or parsed)
        base = self._base(self._bootstrap.for_address(asked))
        if base is None:
            return Failed(RdapWhy.NO_REGISTRY, f"the bootstrap names no registry for {asked}")
        if not is_public(asked) and _place(base) not in self._allow_hosts:
            return Failed(RdapWhy.NOT_PUBLIC, f"{asked} is no public address")
        return await self._ask("ip", asked, base, f"{base}ip/{asked}")

    async def domain(self, name: str) -> RdapAnswer | NotFound | Failed:
        """The registration of a registrable domain (the caller cuts the host name down to it)."""
        asked = _a_labels(name)
        if asked is None:
            return Failed(RdapWhy.NOT_PUBLIC, f"{clean(name, 80)!r} is no domain name")
        base = self._base(self._bootstrap.for_domain(asked))
        if base is None:
            return Failed(RdapWhy.NO_REGISTRY, f"the bootstrap names no registry for {asked}")
        answer = await self._ask("domain", asked, base, f"{base}domain/{asked}")
        if isinstance(answer, RdapAnswer) and answer.related and not answer.names(ABUSE):
            return await self._with_registrar(asked, answer, answer.related)
        return answer

    async def _with_registrar(self, asked: str, answer: RdapAnswer, related: str) -> RdapAnswer:
        """With the contacts of the registrar's own record (RD-7), where that is at a host that may be asked. One more
        question, and none after it."""
        if not self._may_ask(related):
            return answer
        more = await self._ask("domain", asked, related, related, f"{asked} related")
        if not isinstance(more, RdapAnswer):
            return answer
        return replace(answer, contacts=answer.contacts + more.contacts, source=more.source)

    def _base(self, urls: Collection[str]) -> str | None:
        usable = (url for url in urls if url.startswith("https://") or _place(url) in self._allow_hosts)
        return next(usable, None)

    def _may_ask(self, url: str) -> bool:
        try:
            place = _place(url)
        except ValueError:  # an address that is none
            return False
        return place in self._allow_hosts or (url.startswith("https://") and place in self._only_hosts)

    async def _ask(
        self, kind: Kind, asked: str, base: str, url: str, kept_as: str | None = None
    ) -> RdapAnswer | NotFound | Failed:
        registry = _place(base)
        key = kept_as or cache_key(kind, asked)
        kept = await self._kept(kind, key)
        if kept is not None:
            return kept
        async with self._in_flight.setdefault(registry, asyncio.Lock()):
            kept = await self._kept(kind, key)  # whoever was before us may have asked the same
            if kept is not None:
                return kept
            now = self._clock()
            wait = self._not_before.get(registry)
            if wait is not None and now < wait:
                silent = self._silent.get(registry, 0) >= _SILENT
                why, said = (RdapWhy.TIMEOUT, "was silent") if silent else (RdapWhy.RATE, "asked for a pause")
                return Failed(why, f"{registry} {said}: not before {wait:%Y-%m-%d %H:%M:%S} UTC", wait)
            if (free_at := self._free_at(registry, now)) is not None:
                return Failed(RdapWhy.RATE, f"{registry} was asked as often as it bears in a minute", free_at)
            fetched = await self._http.get_json(url, allow_hosts=self._allow_hosts, only_hosts=self._only_hosts)
            self._note_silence(registry, fetched)
            answer = self._read(kind, asked, registry, fetched)
            if not isinstance(answer, Failed):
                first, last = (key, key) if kept_as else _neighbourhood(kind, asked, answer)
                await self._cache.put(kind, first, last, Cached(answer, self._clock()))
            return answer

    def _note_silence(self, registry: str, fetched: Fetched | NotFetched) -> None:
        """Who waits in line for a registry that says nothing would wait for all before it too."""
        silent = isinstance(fetched, NotFetched) and fetched.why is HttpWhy.TIMEOUT
        self._silent[registry] = self._silent.get(registry, 0) + 1 if silent else 0
        if self._silent[registry] >= _SILENT:
            self._not_before[registry] = self._clock() + _MINUTE

    def _free_at(self, registry: str, now: datetime) -> datetime | None:
        """None: it may be asked now, and is counted; else when."""
        lately = [at for at in self._asked.get(registry, ()) if now - at < _MINUTE]
        if len(lately) >= _RATES.get(registry, _A_MINUTE):
            return lately[0] + _MINUTE
        self._asked[registry] = [*lately, now]
        return None

    async def _kept(self, kind: Kind, key: str) -> RdapAnswer | NotFound | None:
        cached = await self._cache.get(kind, key)
        return cached.answer if cached is not None and self._clock() - cached.fetched_at < FRESH else None

    def _read(
        self, kind: Kind, asked: str, registry: str, fetched: Fetched | NotFetched
    ) -> RdapAnswer | NotFound | Failed:
        if isinstance(fetched, Fetched):
            answer = read(kind, asked, fetched.data, fetched.url)
            cut_short = is_cut_short(fetched.data) and not (answer and answer.names(ABUSE))
            if answer is not None and not cut_short:
                return answer
            if cut_short or is_rate_notice(fetched.data):
                return self._pause(registry, None)
            return Failed(RdapWhy.ANSWER, f"{clean(fetched.url, 200)}: no registration of {asked} in it")
        if fetched.why is HttpWhy.NOT_FOUND:
            return NotFound(registry)
        if fetched.why is HttpWhy.RATE:
            return self._pause(registry, fetched.retry_after)
        whys = {
            HttpWhy.TIMEOUT: RdapWhy.TIMEOUT,
            HttpWhy.CONNECTION: RdapWhy.CONNECTION,
            HttpWhy.NOT_ALLOWED: RdapWhy.NOT_ALLOWED,
        }
        return Failed(whys.get(fetched.why, RdapWhy.ANSWER), fetched.detail)

    def _pause(self, registry: str, pause: timedelta | None) -> Failed:
        until = self._clock() + (pause or _PAUSE)
        self._not_before[registry] = until
        return Failed(RdapWhy.RATE, f"{registry} says that we ask too often", until)


def _neighbourhood(kind: Kind, asked: str, answer: RdapAnswer | NotFound) -> tuple[str, str]:
    """What the answer may be kept for: the registered range, as far as it lies around what was asked."""
    key = cache_key(kind, asked)
    if kind == "domain" or isinstance(answer, NotFound):
        return key, key
    address = ipaddress.ip_address(asked)
    around = ipaddress.ip_network(f"{asked}/{_NEIGHBOURHOOD[address.version]}", strict=False)
    first = max(cache_key(kind, answer.first), cache_key(kind, str(around[0])))
    last = min(cache_key(kind, answer.last), cache_key(kind, str(around[-1])))
    return first, last


def _place(url: str) -> str:
    """`host:port` of a base address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _a_labels(name: str) -> str | None:
    """The name in A-labels (RD-2), or None where it is no dotted host name."""
    try:
        text = name.strip().rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = text.split(".")
    plain = all(0 < len(label) <= 63 and label.replace("-", "a").isalnum() for label in labels)
    return text if plain and len(labels) > 1 and len(text) <= 253 and not labels[-1].isdigit() else None
