"""Reverse proxies, foreign forwarding headers, the address of evidence: who is believed and for how long."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from gateway import accounts
from gateway.web.app import application
from servers.waiting import arf, let_in, waiting_house, way_in

PUBLIC = {"host": "abuse.isp.example", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"}
PROXY = "192.0.2.80"


@pytest.fixture
async def published(tmp_path, sqlite_url, monkeypatch):
    monkeypatch.setenv("ARFGATE_PUBLIC_URL", "https://abuse.isp.example")
    web = {"host": "192.0.2.10", "trusted_proxies": [PROXY]}
    async with waiting_house(tmp_path, sqlite_url, web=web) as made:
        yield made


def client_at(house, peer: str, **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(application(house), client=(peer, 4711))
    return httpx.AsyncClient(transport=transport, base_url="http://abuse.isp.example", headers=headers)


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        (PROXY, PUBLIC, 200),
        (PROXY, PUBLIC | {"x-forwarded-proto": "http"}, 403),
        (PROXY, PUBLIC | {"host": "evil.example"}, 403),
        (PROXY, PUBLIC | {"host": "127.0.0.1:8025"}, 403),
        ("203.0.113.9", PUBLIC, 403),
        ("127.0.0.1", PUBLIC, 403),  # this machine, but no proxy
        ("127.0.0.1", {"host": "127.0.0.1:8025"}, 200),
    ],
)
async def test_only_the_named_proxy_may_serve_the_public_name(published, peer, headers, status):
    async with client_at(published.house, peer, **headers) as client:
        assert (await client.get("/sign-in")).status_code == status


async def test_behind_the_proxy_the_cookie_is_secure_and_the_visitor_is_seen_from_outside(published):
    async with client_at(published.house, PROXY, **PUBLIC) as client:
        path = await way_in(published.house)
        forged = {"x-forwarded-for": f"10.0.0.1, 198.51.100.200, {PROXY}"}
        answer = await client.get(path, headers=forged)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-arfgate-in=")
        assert "Secure" in cookie
        assert await published.ask("SELECT address FROM sessions") == [("198.51.100.200",)]
        assert accounts.link_address(published.house.settings, "t") == "https://abuse.isp.example/sign-in/t"


async def test_an_address_that_a_stranger_forwards_is_not_believed(waiting, stranger):
    await let_in(stranger, waiting.house)
    await waiting.take_in(arf())
    await stranger.get("/queue/1", headers={"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"})
    assert await waiting.ask("SELECT DISTINCT address FROM access_log") == [("127.0.0.1",)]


async def test_evidence_is_fetched_without_a_cookie_within_a_minute_as_nothing_but_bytes(waiting, staff, stranger):
    await waiting.take_in(arf())
    where = (await staff.get("/queue/1/mail")).headers["location"]
    assert where.startswith("/evidence/")
    answer = await stranger.get(where)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (await stranger.get(where.replace("report.1.", "report.2."))).status_code == 404
    waiting.time[0] += timedelta(seconds=61)
    assert (await stranger.get(where)).status_code == 403


@pytest.mark.parametrize(
    "signed", ["x", "report.1.99999999999.entry-1", "report.1.99999999999.entry-1." + "0" * 64, "ü.1"]
)
async def test_an_address_of_evidence_cannot_be_made_up(waiting, stranger, signed):
    await waiting.take_in(arf())
    assert (await stranger.get(f"/evidence/{signed}")).status_code == 404
