"""The HTTP client goes only where it may, comes back in time, and takes no more than it can carry."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from notifier.dns import Resolver
from notifier.http import Fetched, HttpClient, HttpWhy, NotFetched
from servers.certificates import make_certificate
from servers.ports import free_port


async def why(http: HttpClient, url: str, **options: Any) -> HttpWhy:
    answer = await http.get_json(url, **options)
    assert isinstance(answer, NotFetched), answer
    return answer.why


async def test_a_document_of_an_allowed_host_is_fetched(http: HttpClient, web: Any) -> None:
    web.page("/ip/1", {"a": 1})
    url = f"http://{web.place}/ip/1"
    assert await http.get_json(url, allow_hosts={web.place}) == Fetched({"a": 1}, url)
    assert web.requests == [("/ip/1", web.place)]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://[::1]:{port}/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://inside.example:{port}/",
        "https://half.example:{port}/",
        "http://public.example/",
        "https://user:password@public.example/",
        "ftp://public.example/",
        "file:///etc/passwd",
        "https:///x",
        "https://[::1/",
        "",
        "x" * 100_000,
    ],
)
async def test_a_private_or_plain_address_is_never_connected_to(
    http: HttpClient, web: Any, dns_server: Any, url: str
) -> None:
    dns_server.zone |= {
        ("inside.example", "A"): ["127.0.0.1"],
        ("half.example", "A"): ["127.0.0.1"],
        ("half.example", "AAAA"): ["2a00:1450::1"],
        ("public.example", "A"): ["8.8.8.8"],
    }
    answer = await http.get_json(url.format(port=web.port), allow_hosts={f"127.0.0.1:{web.port + 1}"})
    assert isinstance(answer, NotFetched)
    assert answer.why is HttpWhy.NOT_ALLOWED
    assert len(answer.detail) < 500
    assert web.requests == []


async def test_hosts_that_are_not_asked_are_refused_also_after_a_redirect(http: HttpClient, web: Any) -> None:
    web.page("/", {}, status=302, Location="https://elsewhere.example/")
    allow = {"allow_hosts": {web.place}, "only_hosts": {"rdap.example:443"}}
    assert await why(http, "https://elsewhere.example/", **allow) is HttpWhy.NOT_ALLOWED
    assert await why(http, f"http://{web.place}/", **allow) is HttpWhy.NOT_ALLOWED


async def test_a_redirect_to_a_private_host_is_not_followed(http: HttpClient, web: Any, make_web: Any) -> None:
    inside = await make_web()
    web.page("/", {}, status=301, Location=f"http://{inside.place}/secret")
    assert await why(http, f"http://{web.place}/", allow_hosts={web.place}) is HttpWhy.NOT_ALLOWED
    assert inside.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_an_allowed_host_is_followed(http: HttpClient, web: Any, status: int) -> None:
    web.page("/a", {}, status=status, Location="/b?x=1")
    web.page("/b?x=1", {"found": True})
    answer = await http.get_json(f"http://{web.place}/a", allow_hosts={web.place})
    assert answer == Fetched({"found": True}, f"http://{web.place}/b?x=1")


async def test_redirects_end(http: HttpClient, web: Any) -> None:
    web.page("/a", {}, status=302, Location="/a")
    assert await why(http, f"http://{web.place}/a", allow_hosts={web.place}) is HttpWhy.REDIRECTS
    assert len(web.requests) == 6


@pytest.mark.parametrize("location", ["", "http://[::1", "https://\udc80/", "//", "x" * 10_000])
async def test_a_redirect_to_nowhere_is_an_answer(http: HttpClient, web: Any, location: str) -> None:
    web.page("/a", {}, status=302, Location=location.encode("utf-8", "surrogateescape").decode("latin-1"))
    assert isinstance(await http.get_json(f"http://{web.place}/a", allow_hosts={web.place}), NotFetched)


@pytest.mark.parametrize(
    ("status", "headers", "expected", "pause"),
    [
        (404, {}, HttpWhy.NOT_FOUND, None),
        (400, {}, HttpWhy.STATUS, None),
        (500, {}, HttpWhy.STATUS, None),
        (503, {}, HttpWhy.STATUS, None),
        (503, {"Retry-After": "5"}, HttpWhy.RATE, timedelta(seconds=5)),
        (429, {}, HttpWhy.RATE, None),
        (429, {"Retry-After": "120"}, HttpWhy.RATE, timedelta(seconds=120)),
        (429, {"Retry-After": "9" * 50}, HttpWhy.RATE, timedelta(days=1)),
        (429, {"Retry-After": "soon"}, HttpWhy.RATE, None),
        (429, {"Retry-After": "-5"}, HttpWhy.RATE, None),
    ],
)
async def test_a_status_means(
    http: HttpClient, web: Any, status: int, headers: dict[str, str], expected: HttpWhy, pause: timedelta | None
) -> None:
    web.pages["/"] = (status, headers, b"{}")
    answer = await http.get_json(f"http://{web.place}/", allow_hosts={web.place})
    assert isinstance(answer, NotFetched)
    assert (answer.why, answer.retry_after) == (expected, pause)


async def test_a_pause_until_a_date_is_counted_from_our_clock(http: HttpClient, web: Any, clock: Any) -> None:
    for shift, expected in ((timedelta(minutes=7), timedelta(minutes=7)), (timedelta(minutes=-7), timedelta())):
        web.pages["/"] = (429, {"Retry-After": format_datetime(clock() + shift, usegmt=True)}, b"")
        answer = await http.get_json(f"http://{web.place}/", allow_hosts={web.place})
        assert isinstance(answer, NotFetched)
        assert answer.retry_after == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", HttpWhy.NOT_JSON),
        (b"<html>", HttpWhy.NOT_JSON),
        (b'{"a": NaN}', HttpWhy.NOT_JSON),
        (b"\xff\xfe\x00", HttpWhy.NOT_JSON),
        (b"[" * 200_000, HttpWhy.NOT_JSON),
        (b"1" * 100_000, HttpWhy.NOT_JSON),
        (b'"' + b"x" * (1024 * 1024) + b'"', HttpWhy.TOO_LARGE),
    ],
    ids=["empty", "html", "nan", "binary", "deep", "huge number", "large"],
)
async def test_a_body_that_is_no_document_is_an_answer(
    http: HttpClient, web: Any, body: bytes, expected: HttpWhy
) -> None:
    web.page("/", body)
    assert await why(http, f"http://{web.place}/", allow_hosts={web.place}) is expected


async def test_a_compressed_body_is_not_unfolded(http: HttpClient, web: Any) -> None:
    web.page("/", b"\x1f\x8b", Content_Encoding="gzip")
    assert await why(http, f"http://{web.place}/", allow_hosts={web.place}) is HttpWhy.NOT_JSON


async def test_nobody_listening_and_no_such_name_are_answers(http: HttpClient, dns_server: Any) -> None:
    place = f"127.0.0.1:{free_port()}"
    assert await why(http, f"http://{place}/", allow_hosts={place}) is HttpWhy.CONNECTION
    assert await why(http, "https://gone.example/") is HttpWhy.CONNECTION
    dns_server.broken = True
    assert await why(http, "https://silent.example/") is HttpWhy.CONNECTION


async def test_a_server_that_says_nothing_is_given_up(resolver: Resolver, clock: Any, web: Any) -> None:
    http = HttpClient(resolver, clock, seconds=0.2)
    web.gate.clear()
    assert await why(http, f"http://{web.place}/", allow_hosts={web.place}) is HttpWhy.TIMEOUT
    web.gate.set()
    await http.aclose()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "public, max-age=3600"}, 3600),
        ({"Cache-Control": "max-age=60", "Expires": "Fri, 02 Jan 2026 04:04:05 GMT"}, 60),
        ({"Expires": "Fri, 02 Jan 2026 04:04:05 GMT"}, 3600),
        ({"Expires": "Thu, 01 Jan 2026 00:00:00 GMT"}, 0),
        ({"Expires": "0"}, None),
        ({}, None),
    ],
)
async def test_a_document_says_how_long_it_is_fresh(
    http: HttpClient, web: Any, headers: dict[str, str], seconds: int | None
) -> None:
    web.pages["/"] = (200, headers | {"ETag": '"v1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}, b"{}")
    fetched = await http.get_json(f"http://{web.place}/", allow_hosts={web.place})
    assert isinstance(fetched, Fetched)
    assert fetched.fresh_for == (None if seconds is None else timedelta(seconds=seconds))
    assert (fetched.etag, fetched.modified) == ('"v1"', "Thu, 01 Jan 2026 00:00:00 GMT")


@pytest.fixture
async def tls(
    tmp_path: Path, resolver: Resolver, clock: Any, make_web: Callable[..., Any]
) -> AsyncIterator[tuple[HttpClient, Any]]:
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    client = HttpClient(resolver, clock, ssl.create_default_context(cafile=str(certificate.ca_file)))
    yield client, await make_web(context)
    await client.aclose()


async def test_the_name_is_verified_though_the_address_is_connected_to(
    tls: tuple[HttpClient, Any], dns_server: Any
) -> None:
    http, web = tls
    web.page("/", {"a": 1})
    place = f"localhost:{web.port}"
    assert isinstance(await http.get_json(f"https://{place}/", allow_hosts={place}), Fetched)
    assert web.requests == [("/", place)]
    dns_server.zone["other.example", "A"] = ["127.0.0.1"]
    other = f"other.example:{web.port}"
    assert await why(http, f"https://{other}/", allow_hosts={other}) is HttpWhy.CONNECTION


async def test_a_cancelled_fetch_leaves_the_client_usable(http: HttpClient, web: Any) -> None:
    web.gate.clear()
    web.page("/", {"a": 1})
    task = asyncio.ensure_future(http.get_json(f"http://{web.place}/", allow_hosts={web.place}))
    await web.asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    web.gate.set()
    assert isinstance(await http.get_json(f"http://{web.place}/", allow_hosts={web.place}), Fetched)
