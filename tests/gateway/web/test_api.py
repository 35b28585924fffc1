"""The interface for programs: keys with roles, what it says and does, and that nothing which is sent breaks it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from gateway import accounts, queue
from gateway.roles import Role
from gateway.web.api.application import PREFIX
from servers.waiting import account, arf


@pytest.fixture
async def caller(waiting, address):
    """`await caller(Role.ANALYST)`: a client with a key of that role."""
    clients = []

    async def make(role: Role = Role.ADMIN, days: int = 1) -> httpx.AsyncClient:
        user = await account(waiting.house, Role.ADMIN, "robot")
        key = await accounts.new_token(waiting.house, user, "tests", role, timedelta(days=days), who="test")
        clients.append(
            httpx.AsyncClient(
                verify=False, timeout=60, base_url=address + PREFIX, headers={"authorization": f"Bearer {key}"}
            )
        )
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


ROUTES = [
    ("GET", "/cases", Role.VIEWER),
    ("GET", "/cases/AG-2026-000001", Role.VIEWER),
    ("GET", "/queue", Role.VIEWER),
    ("GET", "/queue/1", Role.VIEWER),
    ("POST", "/queue/1/assign", Role.ANALYST),
    ("POST", "/queue/1/reject", Role.ANALYST),
    ("POST", "/reports", Role.ANALYST),
    ("GET", "/customers/birch", Role.VIEWER),
    ("GET", "/statistics", Role.VIEWER),
]


async def test_no_route_is_open_without_a_key_or_with_a_lower_one(waiting, stranger, caller, staff):
    await waiting.take_in(arf())
    described = (await (await caller()).get("/openapi.json")).json()["paths"]
    assert sum(len(path) for path in described.values()) == len(ROUTES)
    viewer = await caller(Role.VIEWER)
    for method, path, role in ROUTES:
        for client in (stranger, staff):  # a cookie is no key
            assert (await client.request(method, PREFIX + path)).status_code == 401, path
        if role > Role.VIEWER:
            assert (await viewer.request(method, path)).status_code == 403, path
    assert (await queue.entry(waiting.house, 1)).queue == "waiting"


async def test_a_key_ends_with_its_time_its_account_and_by_hand(waiting, caller):
    client = await caller(days=1)
    assert (await client.get("/cases")).status_code == 200
    waiting.time[0] += timedelta(days=2)
    assert (await client.get("/cases")).status_code == 401
    other = await caller()
    await account(waiting.house)
    await accounts.change(waiting.house, await accounts.find(waiting.house, "robot"), {"disabled": True}, "test")
    assert (await other.get("/cases")).status_code == 401


async def test_a_key_is_never_more_than_its_account(waiting, caller):
    await account(waiting.house)
    client = await caller(Role.ADMIN)
    await accounts.change(waiting.house, await accounts.find(waiting.house, "robot"), {"role": Role.VIEWER}, "test")
    assert (await client.post("/queue/1/reject", json={"reason": "junk"})).status_code == 403


async def test_a_mail_is_sent_in_waits_and_is_assigned(waiting, caller):
    client = await caller(Role.ANALYST)
    sent = await client.post("/reports", content=arf(), headers={"content-type": "message/rfc822"})
    assert sent.status_code == 202
    await waiting.take_in()
    [entry] = (await client.get("/queue")).json()["entries"]
    assert (entry["value"], entry["queue"]) == ("198.51.100.7", "waiting")
    wrong = await client.post(f"/queue/{entry['id']}/assign", json={"account": "nobody"})
    assert wrong.status_code == 422
    done = await client.post(f"/queue/{entry['id']}/assign", json={"account": "alder"})
    assert done.json()["case"] == "AG-2026-000001"
    again = await client.post(f"/queue/{entry['id']}/reject", json={"reason": "junk"})
    assert again.status_code == 409
    [line] = (await client.get("/cases")).json()["cases"]
    assert (line["number"], line["customer"]) == ("AG-2026-000001", "alder")
    case = (await client.get("/cases/AG-2026-000001")).json()
    assert case["clocks"][0]["value"] == "198.51.100.7"
    assert any(event["who"] == "robot" for event in case["events"])
    customer = (await client.get("/customers/alder")).json()
    assert customer["contacts"][0]["address"] == "abuse@alder.example"
    assert (await client.get("/statistics?days=7")).json()["opened"] == {"2026-11-20": 1}
    looks = await waiting.ask("SELECT DISTINCT path FROM access_log WHERE who = 'robot'")
    assert (f"{PREFIX}/cases/AG-2026-000001",) in looks


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/cases?state=%00", {}),
        ("GET", "/cases?after=x", {}),
        ("GET", "/cases?after=d.%ff.1", {}),
        ("GET", "/cases/%00", {}),
        ("GET", "/cases/²", {}),
        ("GET", "/queue/99999999999999999999999", {}),
        ("GET", "/customers/%F0%9F%92%A9", {}),
        ("GET", "/statistics?since=9999-99-99", {}),
        ("GET", "/nothing", {}),
        ("DELETE", "/cases", {}),
        (
            "POST",
            "/queue/1/reject",
            {"content": b'{"reason": "\\ud800"}', "headers": {"content-type": "application/json"}},
        ),
        ("POST", "/queue/1/reject", {"content": b"[" * 40000, "headers": {"content-type": "application/json"}}),
        ("POST", "/queue/1/reject", {"json": {"reason": "x", "\ufffe": 1}}),
        ("POST", "/reports", {"content": b"x"}),
        ("POST", "/reports", {"content": b" ", "headers": {"content-type": "message/rfc822"}}),
    ],
)
async def test_what_is_wrong_is_said_as_json(caller, method, path, sent):
    answer = await (await caller()).request(method, path, **sent)
    assert 400 <= answer.status_code < 500 or (path.startswith("/cases?after") and answer.status_code == 200)
    if answer.status_code != 200:
        assert answer.json()["detail"]


async def test_the_description_is_for_staff_only(stranger, staff):
    assert (await stranger.get(f"{PREFIX}/openapi.json")).status_code == 401
    assert (await staff.get(f"{PREFIX}/openapi.json")).json()["info"]["title"] == "arfgate"
