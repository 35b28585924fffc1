"""What registries really answer, served over HTTP: who is found there, and what becomes of every fault on the way.

`fixtures/_rdap/README.md` says whose answers these are.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from notifier.bootstrap import load
from notifier.contacts import who_is_told
from notifier.http import LARGEST, HttpClient
from notifier.rdap import Failed, MemoryCache, NotFound, RdapClient, RdapWhy
from notifier.registration import ABUSE, RdapAnswer, read

RECORDED = Path(__file__).parents[2] / "fixtures" / "_rdap"
ASKED = {"ripe": "203.0.113.7", "ipv6": "2001:db8::7"}  # the others: 198.51.100.7
REGISTRIES = ("arin", "ripe", "apnic", "lacnic", "afrinic")


def recorded(name: str) -> bytes:
    return (RECORDED / f"{name}.json").read_bytes()


def ok(body: bytes, more: str = "") -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\nConnection: close\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answer(status: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", "Connection: close", "Content-Length: 0", *headers]
    return "\r\n".join([*lines, "", ""]).encode()


@dataclass
class Registry:
    """Says whole answers, byte for byte, by the last part of the path. `silent`: paths that hang after their bytes."""

    says: dict[str, bytes] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    accepts: list[str] = field(default_factory=list)
    sessions: set[asyncio.Task[None]] = field(default_factory=set)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions.add(asyncio.current_task())  # type: ignore[arg-type]  # there is one
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            path = head.split(" ")[1]
            self.asked.append(path)
            self.accepts += re.findall(r"(?i)\r\naccept: ([^\r]*)", head)
            name = path.rpartition("/")[2]
            writer.write(self.says.get(name, answer(404)))
            await writer.drain()
            if name in self.silent:
                await self.over.wait()
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def make_registry() -> AsyncIterator[Callable[[], Any]]:
    made: list[tuple[Registry, asyncio.Server]] = []

    async def make() -> Registry:
        registry = Registry()
        server = await asyncio.start_server(registry.serve, "127.0.0.1", 0)
        registry.port = server.sockets[0].getsockname()[1]
        made.append((registry, server))
        return registry

    yield make
    for registry, server in made:
        registry.over.set()
        server.close()
        await asyncio.gather(*registry.sessions, return_exceptions=True)
        await server.wait_closed()


@pytest.fixture
async def registry(make_registry: Any) -> Registry:
    made: Registry = await make_registry()
    return made


@dataclass
class World:
    """A client, the registry that it asks, and another one."""

    client: RdapClient
    registry: Registry
    other: Registry


@pytest.fixture
async def world(
    tmp_path: Path, resolver: Any, clock: Any, registry: Registry, make_registry: Any
) -> AsyncIterator[World]:
    other = await make_registry()
    for file, services in {
        "ipv4.json": [
            [["198.51.100.0/24"], [f"http://{registry.place}/"]],
            [["203.0.113.0/24"], [f"http://{other.place}/"]],
        ],
        "ipv6.json": [[["2001:db8::/32"], [f"http://{registry.place}/"]]],
        "dns.json": [[["example"], [f"http://{registry.place}/"]]],
    }.items():
        (tmp_path / file).write_text(json.dumps({"services": services}))
    http = HttpClient(resolver, clock, seconds=2.0)  # a busy machine answers late, too
    allowed = {registry.place, other.place}
    yield World(RdapClient(http, MemoryCache(), load(tmp_path), clock, allowed), registry, other)
    await http.aclose()


def failed(result: object) -> Failed:
    assert isinstance(result, Failed), result
    return result


def found(result: object) -> RdapAnswer:
    assert isinstance(result, RdapAnswer), result
    return result


@pytest.mark.standard("RD-2")
@pytest.mark.standard("RD-4")
@pytest.mark.standard("RD-5")
@pytest.mark.parametrize(
    ("name", "told", "withheld"),
    [
        ("arin", ["abuse@net.example"], False),
        ("ripe", ["abuse@eu.example"], True),
        ("apnic", ["abuse@ap.example"], False),
        ("lacnic", [], False),
        ("afrinic", [], False),
        ("registro-br", [], False),
        ("ipv6", ["abuse@six.example"], False),
    ],
)
async def test_of_each_registrys_answer_the_abuse_contact_is_told_once_and_nobody_else(
    world: World, name: str, told: list[str], withheld: bool
) -> None:
    asked = ASKED.get(name, "198.51.100.7")
    server = world.other if name == "ripe" else world.registry
    server.says[asked] = ok(recorded(name))
    result = found(await world.client.ip(asked))
    assert [contact.address for contact in who_is_told(result.found(asked))] == told
    assert result.withheld is withheld
    assert result.source == f"http://{server.place}/ip/{asked}"
    assert server.accepts == ["application/rdap+json, application/json"]


@pytest.mark.standard("RD-6")
@pytest.mark.standard("RD-7")
@pytest.mark.parametrize(
    ("name", "asked", "told"),
    [
        ("domain", "shop.example", ["abuse@registrar.example"]),
        ("domain-registrar", "thin.example", ["desk@registrar.example"]),
        ("domain-cctld", "shop.example", ["info@holder.example"]),
        ("domain-thin", "thin.example", []),
    ],
)
async def test_of_a_domain_registrys_answer_the_abuse_contact_is_told(
    world: World, name: str, asked: str, told: list[str]
) -> None:
    world.registry.says[asked] = ok(recorded(name))
    result = found(await world.client.domain(asked))
    assert [contact.address for contact in who_is_told(result.found(asked))] == told
    assert world.registry.asked == [f"/domain/{asked}"]


@pytest.mark.standard("RD-7")
async def test_the_registrars_own_record_is_asked_for_where_the_registry_names_nobody_and_its_host_is_known(
    world: World,
) -> None:
    thin = recorded("domain-thin")
    own = f"http://{world.other.place}/domain/THIN.EXAMPLE".encode()
    world.registry.says["thin.example"] = ok(thin.replace(b"https://rdap.registrar.example/domain/THIN.EXAMPLE", own))
    world.other.says["THIN.EXAMPLE"] = ok(recorded("domain-registrar"))
    for _ in range(2):  # the second time from what is kept
        result = found(await world.client.domain("thin.example"))
        assert [contact.address for contact in who_is_told(result.found("thin.example"))] == ["desk@registrar.example"]
        assert result.source == own.decode()
    assert (len(world.registry.asked), len(world.other.asked)) == (1, 1)


@pytest.mark.standard("RD-3")
@pytest.mark.parametrize("registry_name", REGISTRIES)
async def test_a_storm_of_429_costs_one_question_until_the_time_that_it_names(
    world: World, clock: Any, registry_name: str
) -> None:
    world.registry.says = {f"198.51.100.{n}": answer(429, "Retry-After: 120") for n in range(1, 255)}
    outcomes = await asyncio.gather(*(world.client.ip(f"198.51.100.{n}") for n in range(1, 51)))
    assert {(failed(one).why, failed(one).retry_at) for one in outcomes} == {
        (RdapWhy.RATE, clock() + timedelta(seconds=120))
    }
    assert len(world.registry.asked) == 1
    world.other.says["203.0.113.7"] = ok(recorded("ripe"))
    found(await world.client.ip("203.0.113.7"))  # another registry is asked all the while
    clock.forward(timedelta(seconds=121))
    document = json.loads(recorded(registry_name)) | {"startAddress": "198.51.100.0", "endAddress": "198.51.100.255"}
    world.registry.says["198.51.100.7"] = ok(json.dumps(document).encode())
    found(await world.client.ip("198.51.100.7"))


@pytest.mark.standard("RD-3")
@pytest.mark.parametrize(
    "said",
    [
        answer(429),
        answer(429, "Retry-After: nonsense"),
        answer(429, "Retry-After: -5"),
        answer(503, "Retry-After: Fri, 02 Jan 2026 03:09:05 GMT"),
        ok(recorded("rate-notice")),
        ok(recorded("truncated")),
    ],
    ids=["bare", "nonsense", "negative", "503 with a date", "notice", "truncated"],
)
async def test_every_wish_for_a_pause_is_understood(world: World, clock: Any, said: bytes) -> None:
    world.registry.says["198.51.100.7"] = said
    result = failed(await world.client.ip("198.51.100.7"))
    assert result.why is RdapWhy.RATE
    assert result.retry_at == clock() + timedelta(minutes=5)
    assert failed(await world.client.ip("198.51.100.8")).why is RdapWhy.RATE
    assert len(world.registry.asked) == 1


FORBIDDEN = [
    "https://elsewhere.example/ip/198.51.100.7",
    "http://169.254.169.254/latest/meta-data",
    "http://127.0.0.1:1/ip/198.51.100.7",
    "https://[::1]/ip/198.51.100.7",
    "https://[::ffff:127.0.0.1]/",
    "ftp://rdap.example/",
    "file:///etc/passwd",
    "//evil.example/ip",
    "https://user:pass@elsewhere.example/",
    "https://[::1/",
    "https://elsewhere.example:99999999/",
]


@pytest.mark.standard("SEC-5")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to", FORBIDDEN)
async def test_a_redirect_to_a_forbidden_address_is_not_followed(world: World, status: int, to: str) -> None:
    world.registry.says["198.51.100.7"] = answer(status, f"Location: {to}")
    refused = RdapWhy.CONNECTION if to == "https://[::1/" else RdapWhy.NOT_ALLOWED  # no address at all
    assert failed(await world.client.ip("198.51.100.7")).why is refused
    world.registry.says["198.51.100.7"] = ok(recorded("arin"))
    found(await world.client.ip("198.51.100.7"))  # a fault is not kept


@pytest.mark.standard("SEC-5")
@pytest.mark.parametrize("to", FORBIDDEN)
async def test_a_registrars_record_at_a_forbidden_address_is_not_asked_for(world: World, to: str) -> None:
    thin = json.loads(recorded("domain-thin"))
    thin["links"] = [{"rel": "related", "type": "application/rdap+json", "href": to}]
    world.registry.says["thin.example"] = ok(json.dumps(thin).encode())
    assert not found(await world.client.domain("thin.example")).names(ABUSE)
    assert (len(world.registry.asked), len(world.other.asked)) == (1, 0)


@pytest.mark.standard("RD-2")
async def test_a_registry_that_sends_us_to_another_is_followed_and_the_answer_is_the_others(world: World) -> None:
    world.registry.says["198.51.100.7"] = answer(303, f"Location: http://{world.other.place}/rdap/ip/198.51.100.7")
    world.other.says["198.51.100.7"] = ok(recorded("apnic"))
    result = found(await world.client.ip("198.51.100.7"))
    assert result.source == f"http://{world.other.place}/rdap/ip/198.51.100.7"
    world.registry.says["198.51.100.200"] = answer(302, f"Location: http://{world.registry.place}/ip/198.51.100.200")
    assert failed(await world.client.ip("198.51.100.200")).why is RdapWhy.ANSWER
    assert len(world.registry.asked) == 1 + 6


HALF = recorded("arin")[:900]
FAULTS = {
    "half of a length": f"HTTP/1.1 200 OK\r\nContent-Length: {len(HALF) * 2}\r\n\r\n".encode() + HALF,
    "half of a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + HALF,
    "half of a document": ok(HALF),
    "huge by its length": ok(b" " * (LARGEST + 1)),
    "huge in one value": ok(b'{"handle": "' + b"x" * LARGEST + b'"}'),
    "deep": ok(b"[" * 100_000),
    "html": ok(b"<!doctype html><title>Login</title>"),
    "a list": ok(b"[1, 2]"),
    "not a number": ok(b'{"startAddress": NaN}'),
    "latin-1": ok('{"name": "é"}'.encode("latin-1")),
    "somebody else's": ok(recorded("ripe")),
    "an error with 200": ok(recorded("error-404")),
    "nothing": ok(b""),
    "no HTTP": b"220 mail.example ESMTP\r\n",
    "cut at once": b"",
    "status 500": answer(500),
    "status 400": answer(400),
    "compressed": ok(b"\x1f\x8b" + b"\0" * 50, "Content-Encoding: gzip\r\n"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_answer_is_no_answer_and_is_not_kept(world: World, fault: str) -> None:
    world.registry.says["198.51.100.7"] = FAULTS[fault]
    result = failed(await world.client.ip("198.51.100.7"))
    assert result.why in {RdapWhy.ANSWER, RdapWhy.CONNECTION}
    assert len(result.detail) < 500
    world.registry.says["198.51.100.7"] = ok(recorded("arin"))
    found(await world.client.ip("198.51.100.7"))


@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\n", ok(recorded("arin"))[:-50]], ids=["all", "head", "body"]
)
async def test_a_registry_that_falls_silent_is_given_up_and_the_next_question_is_asked(
    world: World, begun: bytes
) -> None:
    world.registry.says["198.51.100.7"] = begun
    world.registry.silent = {"198.51.100.7"}
    world.registry.says["198.51.100.8"] = ok(recorded("arin"))
    silent, spoken = await asyncio.gather(world.client.ip("198.51.100.7"), world.client.ip("198.51.100.8"))
    assert failed(silent).why is RdapWhy.TIMEOUT
    found(spoken)


async def test_a_registry_that_stays_silent_costs_two_time_outs_a_minute_however_many_wait_for_it(
    world: World, clock: Any
) -> None:
    world.registry.silent = {f"198.51.100.{n}" for n in range(1, 21)}
    world.registry.says = dict.fromkeys(world.registry.silent, b"")
    outcomes = await asyncio.gather(*(world.client.ip(f"198.51.100.{n}") for n in range(1, 21)))
    assert {failed(one).why for one in outcomes} == {RdapWhy.TIMEOUT}
    assert len(world.registry.asked) == 2
    clock.forward(timedelta(seconds=61))
    world.registry.says["198.51.100.99"] = ok(recorded("arin"))
    found(await world.client.ip("198.51.100.99"))


async def test_what_a_registry_does_not_know_is_known_to_be_unknown(world: World) -> None:
    world.registry.says["198.51.100.7"] = answer(404)
    assert await world.client.ip("198.51.100.7") == NotFound(world.registry.place)
    assert await world.client.ip("198.51.100.7") == NotFound(world.registry.place)
    assert len(world.registry.asked) == 1


def test_the_recorded_answers_name_nobody_real() -> None:
    allowed = re.compile(r"(?:[a-z0-9-]+\.)*example|lacnic\.net|not\.disclosed")
    for path in sorted(RECORDED.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        hosts = set(re.findall(r"(?i)(?:@|://)([a-z0-9][a-z0-9.-]+)", text))
        assert {host for host in hosts if not allowed.fullmatch(host.lower())} == set(), path.name
        addresses = set(re.findall(r"(?<![\d.])\d+\.\d+\.\d+\.\d+(?![\d.])", text))
        assert {a for a in addresses if not a.startswith(("198.51.", "203.0.11"))} == set(), path.name
    document = json.loads(recorded("arin"))
    assert read("ip", "198.51.100.7", document, "x") is not None
