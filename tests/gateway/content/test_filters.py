"""What a content filter says of reported mail is evidence in its case, and a filter that says nothing delays nothing."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gateway import content
from gateway.connectors.checks import clamd as clamav
from gateway.connectors.checks import rspamd as rspamd_check
from gateway.connectors.checks import spamd as spamassassin
from gateway.connectors.checks.clamd import Clamd
from gateway.connectors.checks.contract import Judged, NoVerdict
from gateway.connectors.checks.spamd import Spamd
from gateway.store import cases
from parsers.report import Limits
from parsers.reported_mails import reported_mails
from servers.ports import free_port
from servers.waiting import Waiting, arf, waiting_house

# written in two halves: so that no filter takes this file for what it tests
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


class Filtered(Waiting):
    """A house with content filters."""

    async def findings(self) -> dict[str, str]:
        """Of the filters, in the first case."""
        async with self.house.database.reading() as connection:
            case = await cases.shown(connection, "1")
        assert case is not None
        found = [one for report in case["reports"] for one in report["parsed"].get("findings", ())]
        return {one["code"]: one["evidence"] for one in found if one["code"].startswith("content-filter/")}

    async def states(self) -> list[tuple[Any, ...]]:
        async with self.house.database.reading() as connection:
            rows = await connection.execute(text("SELECT state, tries FROM content_checks ORDER BY id"))
            return [tuple(row) for row in rows]


@pytest.fixture
async def make_filtered(tmp_path, database_url) -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def make(**section: Any) -> Filtered:
            made = await stack.enter_async_context(waiting_house(tmp_path, database_url, content_filter=section))
            return Filtered(made.house, made.config, made.time)

        yield make


@pytest.fixture
async def recorded() -> AsyncIterator[Callable[..., Any]]:
    """`port, asked = await recorded(answer, until)` answers every connection with bytes once `until` came, and keeps
    what was asked."""
    servers = []

    async def make(answer: bytes, until: bytes) -> tuple[int, list[bytes]]:
        asked: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            said = b""
            while until not in said and (more := await reader.read(65536)):
                said += more
            asked.append(said)
            writer.write(answer)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        return server.sockets[0].getsockname()[1], asked

    yield make
    for server in servers:
        server.close()


@pytest.mark.needs("spamd")
@pytest.mark.duty("MED-3")
async def test_spamd_gives_its_verdict_on_the_reported_mail_as_evidence(make_filtered, spamd):
    filtered = await make_filtered(spamd=[spamd.place])
    await filtered.take_in(arf("198.51.100.70", body=GTUBE))
    assert await filtered.states() == [("wanted", 0)]
    assert await content.run(filtered.house) == 1
    said = (await filtered.findings())["content-filter/spamd"]
    assert said.startswith("spam, ")
    assert "GTUBE" in said
    assert await filtered.states() == [("done", 1)]
    assert await content.run(filtered.house) == 0


@pytest.mark.needs("spamd")
@pytest.mark.duty("MED-3")
async def test_spamd_is_shown_the_reported_mail_and_not_the_report(make_filtered, spamd):
    filtered = await make_filtered(spamd=[spamd.place])
    await filtered.take_in(arf("198.51.100.70", text=GTUBE, body="The minutes of Monday's meeting."))
    await content.run(filtered.house)
    assert "GTUBE" not in (await filtered.findings())["content-filter/spamd"]


async def test_clamd_and_rspamd_are_asked_in_their_protocols(make_filtered, recorded, hook):
    port, asked = await recorded(b"stream: Eicar-Signature FOUND\0", b"\0\0\0\0")
    symbols = {"GTUBE": {"score": 10.0}, "R_DKIM_NA": {"score": 0.0}, "MID_RHS_NOT_FQDN": {"score": 0.5}}
    hook.usual = (
        200,
        json.dumps({"score": 10.5, "required_score": 15.0, "action": "add header", "symbols": symbols}).encode(),
    )
    filtered = await make_filtered(clamd=[f"127.0.0.1:{port}"], rspamd=[hook.place])
    await filtered.take_in(arf("198.51.100.70", body="a harmful thing"))
    await content.run(filtered.house)
    assert await filtered.findings() == {
        "content-filter/clamd": "harmful: Eicar-Signature",
        "content-filter/rspamd": "add header, 10.5 of 15.0: GTUBE, MID_RHS_NOT_FQDN",
    }
    (said,) = asked
    assert said.startswith(b"zINSTREAM\0")
    (length,) = struct.unpack(">I", said[10:14])
    mail = said[14 : 14 + length]
    assert mail == hook.posted[0].body
    assert b"a harmful thing" in mail
    assert b"user@reader.example" in mail  # as it was reported; it does not leave the house
    assert b"feedback@fbl.example" not in mail  # who complained is not in it
    assert hook.posted[0].path == "/checkv2"


async def test_a_filter_that_is_away_is_asked_again_and_then_no_more_and_the_case_is_as_ever(make_filtered):
    filtered = await make_filtered(spamd=[f"127.0.0.1:{free_port()}"])
    await filtered.take_in(arf("198.51.100.70"))
    for tries in range(1, 5):
        assert await content.run(filtered.house) == 1
        assert await filtered.states() == [("failed" if tries == 4 else "wanted", tries)]
        assert await content.run(filtered.house) == 0
        filtered.time[0] += timedelta(hours=4)
    assert await content.run(filtered.house) == 0
    assert await filtered.findings() == {}


async def test_a_filter_that_never_answers_holds_up_neither_filing_nor_the_other_filter(make_filtered, hook, recorded):
    port, _ = await recorded(b"stream: OK\0", b"\0\0\0\0")
    hook.hold()
    filtered = await make_filtered(rspamd=[hook.place], clamd=[f"127.0.0.1:{port}"], timeout_seconds=1)
    await filtered.take_in(arf("198.51.100.70"))  # filed, with its clock, before any filter was asked
    assert hook.posted == []
    await content.run(filtered.house)
    assert await filtered.findings() == {"content-filter/clamd": "nothing harmful found"}
    assert await filtered.states() == [("wanted", 1)]


async def test_without_filters_nothing_is_noted_or_asked(make_filtered):
    filtered = await make_filtered()
    await filtered.take_in(arf("198.51.100.70"))
    assert await content.run(filtered.house) == 0
    assert await filtered.states() == []


async def test_a_mail_that_is_too_large_is_not_shown(make_filtered, hook):
    filtered = await make_filtered(rspamd=[hook.place], message_bytes=1024)
    await filtered.take_in(arf("198.51.100.70", body="x" * 2000))
    await content.run(filtered.house)
    assert hook.posted == []
    assert await filtered.states() == [("done", 1)]


async def test_two_nodes_show_a_mail_once(make_filtered, hook):
    hook.usual = (200, b'{"score": 1, "required_score": 15, "action": "no action", "symbols": {}}')
    filtered = await make_filtered(rspamd=[hook.place])
    await filtered.take_in(arf("198.51.100.70"))
    assert sorted(await asyncio.gather(*(content.run(filtered.house) for _ in range(3)))) == [0, 0, 1]
    assert len(hook.posted) == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            b"SPAMD/1.1 0 EX_OK\r\nContent-length: 5\r\nSpam: True ; 7.3 / 5.0\r\n\r\nA,B\r\n",
            Judged("spam, 7.3 of 5.0: A, B"),
        ),
        (b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; -0.1 / 5.0\r\n\r\n", Judged("not spam, -0.1 of 5.0")),
        (b"SPAMD/1.0 76 Bad header line\r\n\r\n", NoVerdict("spamd said SPAMD/1.0 76 Bad header line")),
        (b"", NoVerdict("spamd said")),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", NoVerdict("spamd said HTTP/1.1 200 OK")),
    ],
)
def test_spamds_answers(said, expected):
    answer = spamassassin.read(said)
    assert isinstance(answer, type(expected))
    assert str(answer).startswith(str(expected)[:-2].rstrip())


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("stream: OK", Judged), ("stream: Win.Test.EICAR_HDB-1 FOUND", Judged),
        ("INSTREAM size limit exceeded. ERROR", NoVerdict), ("", NoVerdict), ("stream: x\nFOUND", NoVerdict),
    ],
)  # fmt: skip
def test_clamds_answers(said, kind):
    assert isinstance(clamav.read(said), kind)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b'{"score": "x"}', b"[" * 100_000, b'{"symbols": 3}'])
def test_what_is_not_rspamds_is_no_verdict(body):
    assert isinstance(rspamd_check.read(body), NoVerdict)


@pytest.mark.parametrize("check", [Spamd, Clamd])
async def test_a_filter_that_floods_us_is_cut_off(recorded, check):
    port, _ = await recorded(b"x" * 10_000_000, b"")
    assert isinstance(await check("127.0.0.1", port, 20.0).judge(b"mail"), NoVerdict)


def test_the_reported_mail_is_taken_as_it_stands():
    raw = arf("198.51.100.70", body="Line one.")
    (mail,) = reported_mails(raw, Limits())
    assert mail is not None
    assert mail in raw
    assert mail.startswith(b"Received: from mail.sender.example")
    assert reported_mails(b"", Limits()) == []
