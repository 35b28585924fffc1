"""The parser lab over real HTTP: it says what `arfgate explain` says, and leaves nothing behind."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.web.console.lab import MOST_BYTES
from parsers.claims import Word, claims
from parsers.report import Limits
from servers.waiting import arf

FIXTURES = Path(__file__).parents[3] / "fixtures"
COUNT = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM reports) + (SELECT count(*) FROM events) + (SELECT count(*) FROM notices) + (SELECT count(*) FROM reporters)"


async def drop(staff, raw: bytes, name: str = "mail.eml"):
    text = (await staff.get("/lab")).text
    proof = re.search(r'name="proof" value="([0-9a-f]+)"', text)[1]
    return await staff.post("/lab", data={"proof": proof}, files={"mail": (name, raw)})


async def test_a_dropped_report_is_explained_and_nothing_is_stored(waiting, staff):
    before = await waiting.ask(COUNT)
    text = (await drop(staff, arf("198.51.100.70"))).text
    for said in (
        "reads it",
        "accepted",
        "fbl",
        "birch",
        "abuse@birch.example",
        "complaint",
    ):
        assert said in text, said
    assert await waiting.ask(COUNT) == before


async def test_a_resource_in_hand_is_said_to_be_counted(waiting, staff):
    await waiting.take_in(arf("198.51.100.70"))
    assert 'href="/case/AG-2026-000001"' in (await drop(staff, arf("198.51.100.70"))).text


async def test_what_is_no_mail_is_told(staff):
    assert "Choose a mail first" in (await drop(staff, b"  \r\n")).text
    assert (await drop(staff, b"\x00\xff" * 5000)).status_code == 200
    too_much = await drop(staff, b"x" * (MOST_BYTES + 100_000))
    assert too_much.status_code == 413


async def test_hostile_mails_stay_text(staff):
    for fixture in sorted((FIXTURES / "_hostile").glob("*.eml")):
        answer = await drop(staff, fixture.read_bytes(), f"<b>{fixture.name}")
        assert answer.status_code == 200, fixture.name
        assert "<b>0" not in answer.text
        assert "<script>alert" not in answer.text
        assert len(answer.content) < 400_000, fixture.name


def test_every_format_has_its_word_about_a_mail():
    said = {claim.name: claim.word for claim in claims(arf(), Limits())}
    assert said["arf"] is Word.READS
    assert said["opt_out"] is Word.NOT_ASKED or said["opt_out"] is Word.NO
    assert [name for name, word in said.items() if word is Word.READS] == ["arf"]
    dialect = {c.name: c.word for c in claims(next((FIXTURES / "jmrp").glob("*.eml")).read_bytes(), Limits())}
    assert dialect["jmrp"] is Word.READS
    assert dialect["arf"] in {Word.GIVES_WAY, Word.NO, Word.NOT_ASKED}
