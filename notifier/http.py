"""The one HTTP client: a JSON document from a host that we chose, or a call to one; or why not.

SEC-5. Only HTTPS, except for hosts allowed by name and port; names are resolved by our
resolver, addresses that are not public are refused, and the connection goes to the address
that was checked. Redirects are followed by hand and each is checked like the first address.
Must never fetch an address that came out of a report.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import NoReturn

import httpx

from notifier.dns import LookupFailed, Resolver, is_public
from notifier.headers import clean

LARGEST = 1024 * 1024  # bytes of an answer
SECONDS = 10.0  # usually, for everything: look-ups, redirects, body
REDIRECTS = 5
_LONGEST_PAUSE = timedelta(days=1)
_MAX_AGE = re.compile(r"\bmax-age=(\d{1,9})\b", re.IGNORECASE)
_MOVED = frozenset({301, 302, 303, 307, 308})


class HttpWhy(StrEnum):
    """Closed list: why there is no document."""

    NOT_ALLOWED = "not-allowed"  # scheme, host or address that we do not talk to
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    NOT_FOUND = "not-found"  # 404
    NOT_MODIFIED = "not-modified"  # 304: what we have is still right
    RATE = "rate"  # 429, or 503 with Retry-After
    STATUS = "status"  # any other answer but 200
    TOO_LARGE = "too-large"
    NOT_JSON = "not-json"
    REDIRECTS = "redirects"


@dataclass(frozen=True, slots=True)
class Fetched:
    """The document, and the address that gave it. `etag`, `modified`: to ask for it again on condition that it changed;
    `fresh_for`: how long it need not be asked for, where the server says so."""

    data: object
    url: str
    etag: str | None = None
    modified: str | None = None
    fresh_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class NotFetched:
    """`detail` is one line for staff. If the server said so: `retry_after` with RATE, `fresh_for` with NOT_MODIFIED."""

    why: HttpWhy
    detail: str
    retry_after: timedelta | None = None
    fresh_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent, and how many bytes of the answer are wanted."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str]
    most: int = 2000


@dataclass(frozen=True, slots=True)
class Answered:
    """What a POST was answered with; `body` is as much of it as was asked for."""

    status: int
    body: bytes


class _RefusedError(Exception):
    def __init__(self, why: HttpWhy, detail: str) -> None:
        super().__init__(detail)
        self.why = why
        self.detail = detail


class HttpClient:
    """Keeps its connections; close it. `clock` gives aware UTC (for a Retry-After that is a date). `seconds`: for one
    GET with everything."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Callable[[], datetime],
        ssl_context: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            verify=ssl_context or True,
            trust_env=False,  # a proxy would resolve the name itself, behind our check
            follow_redirects=False,
            timeout=seconds,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=30),
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def get_json(
        self,
        url: str,
        *,
        allow_hosts: Collection[str] = (),
        only_hosts: Collection[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched | NotFetched:
        """GET `url`. Never raises for what the world does. With `headers` (a token, a condition) no redirect is
        followed: they are for this host alone.

        `allow_hosts` (`host:port`, exact) may be plain HTTP and private; where `only_hosts` is
        given, every other host is refused, also after a redirect.
        """
        try:
            async with asyncio.timeout(self._seconds):
                for _ in range(REDIRECTS + 1):
                    answer = await self._get(url, allow_hosts, only_hosts, headers)
                    if not isinstance(answer, str):
                        return answer
                    if headers:
                        return NotFetched(HttpWhy.REDIRECTS, f"{_shown(url)}: redirects; give the address it leads to")
                    url = answer
        except TimeoutError:
            return NotFetched(HttpWhy.TIMEOUT, f"{_shown(url)}: no answer within {self._seconds:g} seconds")
        except _RefusedError as refused:
            return NotFetched(refused.why, refused.detail)
        return NotFetched(HttpWhy.REDIRECTS, f"{_shown(url)}: more than {REDIRECTS} redirects")

    async def post(
        self, url: str, call: Call, *, seconds: float, allow_hosts: Collection[str] = ()
    ) -> Answered | NotFetched:
        """POST to an address that the operator chose. No redirect is followed. Never raises for the world."""
        try:
            async with asyncio.timeout(seconds):
                parsed, addresses = await self._checked(url, allow_hosts, None)
                return await self._post(parsed, addresses[0], call)
        except TimeoutError:
            return NotFetched(HttpWhy.TIMEOUT, f"{_shown(url)}: no answer within {seconds:g} seconds")
        except _RefusedError as refused:
            return NotFetched(refused.why, refused.detail)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return NotFetched(HttpWhy.CONNECTION, f"{_shown(url)}: {type(error).__name__}: {clean(str(error), 200)}")

    async def _post(self, url: httpx.URL, address: str, call: Call) -> Answered:
        own = {"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity", "User-Agent": "arfgate"}
        async with self._client.stream(
            "POST", url.copy_with(host=address), content=call.body, headers=dict(call.headers) | own,
            extensions=_hello(url), timeout=None,  # the time limit of `post` holds
        ) as response:  # fmt: skip
            said = bytearray()
            async for chunk in response.aiter_raw():
                said += chunk
                if len(said) >= call.most:
                    break
            return Answered(response.status_code, bytes(said[: call.most]))

    async def _get(
        self,
        url: str,
        allow_hosts: Collection[str],
        only_hosts: Collection[str] | None,
        more: Mapping[str, str] | None = None,
    ) -> Fetched | NotFetched | str:
        """The document, or the address of a redirect. Raises _RefusedError and TimeoutError."""
        parsed, addresses = await self._checked(url, allow_hosts, only_hosts)
        refused = f"{_shown(url)}: no connection"
        for address in addresses:
            try:
                return await self._read(parsed, address, more or {})
            except httpx.TimeoutException as error:
                raise TimeoutError from error
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                refused = f"{_shown(url)}: {type(error).__name__}: {clean(str(error), 200)}"
        raise _RefusedError(HttpWhy.CONNECTION, refused)

    async def _checked(
        self, url: str, allow_hosts: Collection[str], only_hosts: Collection[str] | None
    ) -> tuple[httpx.URL, list[str]]:
        """Where `url` leads, once it is allowed. Raises _RefusedError."""
        parsed = _parse(url)
        host = parsed.raw_host.decode("ascii").lower()
        shown_host = f"[{host}]" if ":" in host else host
        place = f"{shown_host}:{parsed.port or (443 if parsed.scheme == 'https' else 80)}"
        allowed = place in allow_hosts
        if parsed.scheme != "https" and not allowed:
            _refuse(HttpWhy.NOT_ALLOWED, f"{_shown(url)}: only https, except for hosts that are allowed by name")
        if only_hosts is not None and place not in only_hosts and not allowed:
            _refuse(HttpWhy.NOT_ALLOWED, f"{_shown(url)}: {place} is no host that we ask")
        return parsed, await self._addresses(host, allowed=allowed)

    async def _addresses(self, host: str, *, allowed: bool) -> list[str]:
        addresses = await self._resolver.addresses(host)
        if isinstance(addresses, LookupFailed):
            raise _RefusedError(HttpWhy.CONNECTION, addresses.reason)
        if not addresses:
            raise _RefusedError(HttpWhy.CONNECTION, f"{clean(host, 100)} has no address")
        # One private address among public ones is enough of a sign.
        if not allowed and not all(is_public(address) for address in addresses):
            raise _RefusedError(HttpWhy.NOT_ALLOWED, f"{clean(host, 100)} has an address that is not public")
        return addresses[:3]

    async def _read(self, url: httpx.URL, address: str, more: Mapping[str, str]) -> Fetched | NotFetched | str:
        # The checked address is the one that is connected to; the name stays in Host and in the TLS hello.
        headers = {
            "Host": url.netloc.decode("ascii"),
            "Accept": "application/rdap+json, application/json",
            "Accept-Encoding": "identity",  # a compressed answer could unfold beyond every limit
            "User-Agent": "arfgate",
            **more,
        }
        pinned = url.copy_with(host=address)
        async with self._client.stream("GET", pinned, headers=headers, extensions=_hello(url)) as response:
            if response.status_code in _MOVED:
                return str(url.join(response.headers.get("Location", "")))
            if response.status_code != 200:
                return self._not_ok(url, response)
            if response.headers.get("Content-Encoding", "identity").lower() not in {"identity", ""}:
                return NotFetched(HttpWhy.NOT_JSON, f"{_shown(str(url))}: compressed, though we did not offer that")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > LARGEST:
                    return NotFetched(HttpWhy.TOO_LARGE, f"{_shown(str(url))}: more than {LARGEST} bytes")
        etag, modified = (clean(response.headers.get(name, ""), 300) or None for name in ("ETag", "Last-Modified"))
        try:
            data = json.loads(body, parse_constant=_no_constant)
            return Fetched(data, str(url), etag, modified, self._fresh_for(response))
        except (ValueError, RecursionError) as error:
            return NotFetched(HttpWhy.NOT_JSON, f"{_shown(str(url))}: no JSON: {clean(str(error), 100)}")

    def _not_ok(self, url: httpx.URL, response: httpx.Response) -> NotFetched:
        status = response.status_code
        if status == 304:
            return NotFetched(HttpWhy.NOT_MODIFIED, f"{_shown(str(url))}: unchanged", None, self._fresh_for(response))
        pause = self._pause(response.headers.get("Retry-After", ""))
        detail = f"{_shown(str(url))}: status {status}"
        if status == 429 or (status == 503 and pause is not None):
            return NotFetched(HttpWhy.RATE, detail, pause)
        return NotFetched(HttpWhy.NOT_FOUND if status == 404 else HttpWhy.STATUS, detail)

    def _fresh_for(self, response: httpx.Response) -> timedelta | None:
        """Cache-Control's max-age, else Expires (RFC 9111 section 4.2.1)."""
        named = _MAX_AGE.search(response.headers.get("Cache-Control", "")[:500])
        if named:
            return timedelta(seconds=int(named[1]))
        return self._until(response.headers.get("Expires", ""))

    def _pause(self, value: str) -> timedelta | None:
        """Retry-After: seconds or a date (RFC 9110 section 10.2.3), at most a day."""
        text = value.strip()
        if text.isascii() and text.isdigit():
            return min(timedelta(seconds=int(text[:9])), _LONGEST_PAUSE)
        wait = self._until(text)
        return None if wait is None else min(wait, _LONGEST_PAUSE)

    def _until(self, date: str) -> timedelta | None:
        try:
            moment = parsedate_to_datetime(date.strip()[:64])
            wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - self._clock()
        except (ValueError, TypeError, OverflowError):
            return None
        return max(wait, timedelta())


def _hello(url: httpx.URL) -> dict[str, str]:
    return {"sni_hostname": url.raw_host.decode("ascii")} if url.scheme == "https" else {}


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise _RefusedError(HttpWhy.NOT_ALLOWED, f"{_shown(url)}: no address: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.userinfo:
        _refuse(HttpWhy.NOT_ALLOWED, f"{_shown(url)}: not a plain web address")
    return parsed


def _refuse(why: HttpWhy, detail: str) -> NoReturn:
    raise _RefusedError(why, detail)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _shown(url: str) -> str:
    return clean(url, 200)
