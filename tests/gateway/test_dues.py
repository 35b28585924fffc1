"""Fines, proof of permission, reviews, postmasters, public display: on both databases, with real mail."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from importlib import resources

import pytest
from sqlalchemy import text
from whole.scene import ALDER, HOUR, NOW, Scene, about, answer, opened_scene, text_of
from whole.world import World

from gateway import appeals, consents, fines, measures, pipeline, publication, staff
from gateway.casework import ledger
from gateway.casework.states import NotAllowedError
from gateway.cli import charge as charge_command
from gateway.model import Cause
from gateway.staff import Solved
from gateway.store import charges, customers, postmasters
from gateway.store import consents as consent_store
from gateway.watch import postmaster
from servers.waiting import arf

POLICY = """
[fines]
mode = "auto"
amount = "50.10"

[consent_records]
ask = true

[postmaster]
ask = true
"""
HOSTS = """\
customer,name,contacts,resource,valid_from
alder,Alder Hosting,abuse@alder.example;second@alder.example,www.alder.example,2020-01-01T00:00:00Z
alder,Alder Hosting,,shop.alder.example,2020-01-01T00:00:00Z
"""


@pytest.fixture
async def scene(tmp_path, database_url, smtp_receiver) -> AsyncIterator[Scene]:
    """Under a policy with fines, consent records and postmaster mail."""
    rules = (resources.files("gateway.policies") / "default.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(rules.replace('name = "default"', 'name = "mine"') + POLICY, encoding="utf-8")
    async with opened_scene(World(tmp_path, database_url), smtp_receiver, policy={"name": "mine.toml"}) as made:
        yield made


@pytest.fixture
async def plain(tmp_path, database_url, smtp_receiver) -> AsyncIterator[Scene]:
    async with opened_scene(World(tmp_path, database_url), smtp_receiver) as made:
        yield made


def complaint(who: str, **more: str) -> bytes:
    return arf(ALDER, NOW - HOUR, complainant=who, **more)


async def entries(scene: Scene, **more: object) -> list[ledger.Entry]:
    async with scene.house.database.reading() as connection:
        return await charges.listed(connection, **more)


def mail_with(notice: bytes, table: bytes) -> bytes:
    """An answer with a table attached."""
    plain = answer(notice)
    head = plain.partition(b"\r\n\r\n")[0]
    return (
        head
        + b'\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="t"\r\n\r\n'
        + b"--t\r\nContent-Type: text/plain\r\n\r\nHere they are.\r\n"
        + b'--t\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename="permissions.csv"\r\n\r\n'
        + table
        + b"\r\n--t--\r\n"
    )


def notice_of(scene: Scene, subject: str) -> bytes:
    return next(m.raw for m in reversed(scene.relay.received) if subject in text_of(m.raw).partition("\n\n")[0])


# --- fines (SES-3) -------------------------------------------------------------------------------------------------


@pytest.mark.duty("SES-3")
async def test_closing_a_case_as_the_customers_fault_charges_each_complaint_once(scene: Scene):
    await scene.take_in(complaint("a@reader.example"), complaint("b@reader.example"))
    await staff.resolve(scene.house, "1", Solved("cleaned"), who="ann", cause=Cause.COMPROMISED)
    lines = await entries(scene)
    assert [(line.amount, line.currency, line.customer) for line in lines] == [(Decimal("50.10"), "EUR", "alder")] * 2
    with pytest.raises(NotAllowedError, match="nothing to charge"):
        await fines.charge(scene.house, "1", who="ann", why="again")
    await fines.reverse(scene.house, [lines[0].id], who="ann", why="the complainant erred")
    with pytest.raises(NotAllowedError, match="was reversed before"):
        await fines.reverse(scene.house, [lines[0].id], who="ann", why="twice")
    with pytest.raises(NotAllowedError, match="charge 99 does not exist"):
        await fines.reverse(scene.house, [99], who="ann", why="?")
    assert ledger.balances(await entries(scene, customer="alder")) == {"EUR": Decimal("50.10")}


@pytest.mark.duty("SES-3")
async def test_staff_charge_single_complaints_and_a_dismissed_case_takes_its_charges_back(scene: Scene):
    await scene.take_in(complaint("a@reader.example"), complaint("b@reader.example"))
    assert await fines.charge(scene.house, "1", who="ann", why="valid", reports=[2], amount=Decimal(7)) == 1
    with pytest.raises(NotAllowedError, match="no accepted report 77"):
        await fines.charge(scene.house, "1", who="ann", why="valid", reports=[77])
    await staff.resolve(scene.house, "1", Solved("a forgery"), who="ann", cause=Cause.FALSE)
    assert [str(line.amount) for line in await entries(scene)] == ["7", "-7"]
    with pytest.raises(NotAllowedError, match="is dismissed"):
        await fines.charge(scene.house, "1", who="ann", why="?")


async def test_no_policy_no_fine(plain: Scene):
    await plain.take_in(about(ALDER))
    with pytest.raises(NotAllowedError, match="has no fines"):
        await fines.charge(plain.house, "1", who="ann", why="?")
    await staff.resolve(plain.house, "1", Solved("cleaned"), who="ann", cause=Cause.WILFUL)
    assert await entries(plain) == []


def test_the_exported_ledger_holds_no_formula():
    out = io.StringIO()
    line = ledger.Entry(1, NOW, "=cmd", 1, 1, Decimal("-5.00"), "EUR", "@why", "+who", None)
    charge_command._write(out, [line])
    (row,) = csv.DictReader(io.StringIO(out.getvalue()))
    assert (row["customer"], row["why"], row["who"], row["amount"]) == ("'=cmd", "'@why", "'+who", "-5.00")


# --- proof of permission (SES-1) -----------------------------------------------------------------------------------


async def consent_rows(scene: Scene) -> list[dict]:
    async with scene.house.database.reading() as connection:
        return await consent_store.of_case(connection, 1)


@pytest.mark.duty("SES-1")
async def test_records_are_asked_for_once_a_campaign_and_compared_without_naming_anybody(scene: Scene):
    await scene.take_in(complaint("a@reader.example"), complaint("b@reader.example"))
    (asked,) = await consent_rows(scene)
    assert (asked["campaign"], asked["state"]) == ("An offer you did not ask for", "asked")
    request = notice_of(scene, "Proof of permission")
    assert "reader.example" not in text_of(request)
    await scene.take_in(mail_with(request, b"email,time,source\r\na@reader.example,2025-01-02,shop\r\n"))
    (kept,) = await consent_rows(scene)
    assert (kept["state"], kept["rows"], len(kept["sha256"])) == ("received", 1, 64)
    # the reporter is a feed, which may hide recipients: what is not found is held against nobody
    assert [(m["report"], m["result"]) for m in kept["results"]] == [(1, "found"), (2, "cannot-tell")]
    assert "reader.example" not in str(kept["results"])
    assert (await scene.clock())[0] == "running"  # a table is no answer about what was done


@pytest.mark.duty("SES-1")
async def test_a_reply_without_a_table_is_an_answer_like_any_other(scene: Scene):
    await scene.take_in(complaint("a@reader.example"))
    await scene.take_in(answer(notice_of(scene, "Proof of permission")))
    assert (await scene.clock())[0] == "answered"
    assert (await consent_rows(scene))[0]["state"] == "asked"


@pytest.mark.duty("SES-1")
async def test_records_that_do_not_come_in_time_count_as_no_permission_and_may_still_be_given(scene: Scene):
    await scene.take_in(complaint("a@reader.example"))
    scene.after(23.9)
    await pipeline.drain(scene.house)
    assert (await consent_rows(scene))[0]["state"] == "asked"
    scene.after(24)
    await pipeline.drain(scene.house)
    assert (await consent_rows(scene))[0]["state"] == "absent"
    said = await scene.ask("SELECT why FROM events WHERE what = 'consent absent'")
    assert said == [("no records came in time: this counts as no permission",)]
    done = await consents.upload(scene.house, "1", b"email\na@reader.example\n", "late.csv", who="ann")
    assert done.result == "found"
    assert (await consent_rows(scene))[0]["source"] == "file late.csv"


async def test_a_table_that_cannot_be_read_is_noted_and_staff_are_alarmed(scene: Scene):
    await scene.take_in(complaint("a@reader.example"))
    await scene.take_in(mail_with(notice_of(scene, "Proof of permission"), b"name\r\nAnn\r\n"))
    assert await scene.ask("SELECT count(*) FROM events WHERE what = 'consent records cannot be read'") == [(1,)]
    assert (await consent_rows(scene))[0]["state"] == "asked"


async def test_staff_ask_by_hand_where_the_policy_does_not(plain: Scene):
    await plain.take_in(about(ALDER))
    assert await plain.ask("SELECT count(*) FROM consents") == [(0,)]
    await consents.ask(plain.house, "1", "Winter sale", who="ann")
    with pytest.raises(NotAllowedError, match="asked for Winter sale before"):
        await consents.ask(plain.house, "1", "Winter sale", who="ann")
    await pipeline.drain(plain.house)
    assert "Winter sale" in text_of(plain.relay.received[-1].raw)


# --- reviews (NET-4) -----------------------------------------------------------------------------------------------


async def blocked(scene: Scene) -> None:
    await scene.take_in(about(ALDER))
    for hours in (12, 24, 24.1):
        scene.after(hours)
        await pipeline.drain(scene.house)
    async with scene.house.database.writing() as connection:
        await connection.execute(text("UPDATE actions SET state = 'done'"))


@pytest.mark.duty("NET-4")
async def test_a_reply_after_a_block_asks_for_a_review_that_staff_decide_once_and_the_customer_is_told(plain: Scene):
    await blocked(plain)
    await plain.take_in(answer(plain.relay.received[-1].raw))
    assert await plain.ask("SELECT state, opened_by FROM appeals") == [("open", "customer")]
    assert not await appeals.ask(plain.house, "1", "and called", who="ann")  # one at a time
    lift = await appeals.decide(plain.house, "1", granted=True, who="bob", why="The site is gone.")
    assert lift == [1]
    assert await plain.ask("SELECT state FROM actions") == [("undone",)]
    with pytest.raises(NotAllowedError, match="no review that waits"):
        await appeals.decide(plain.house, "1", granted=False, who="ann", why="?")
    await pipeline.drain(plain.house)
    told = text_of(notice_of(plain, "review"))
    assert "granted" in told
    assert "The site is gone." in told


@pytest.mark.duty("NET-4")
async def test_nothing_done_nothing_to_review_and_after_its_days_no_more(plain: Scene):
    await plain.take_in(about(ALDER))
    await plain.take_in(answer(plain.relay.received[0].raw))
    assert await plain.ask("SELECT count(*) FROM appeals") == [(0,)]
    with pytest.raises(NotAllowedError, match="nothing was carried out"):
        await appeals.ask(plain.house, "1", "why?", who="ann")
    await staff.reject_answer(plain.house, "1", who="ann", why="no")
    await blocked(plain)
    plain.after(24 + 24 * 31)
    with pytest.raises(NotAllowedError, match="within 30 days"):
        await appeals.ask(plain.house, "1", "why?", who="ann")


@pytest.mark.duty("SES-4")
async def test_a_block_is_lifted_when_it_is_resolved_and_prevented_not_before(tmp_path, database_url, smtp_receiver):
    rules = (resources.files("gateway.policies") / "default.toml").read_text(encoding="utf-8")
    strict = rules.replace("[answer]", "[answer]\nneeds_prevention = true")
    (tmp_path / "strict.toml").write_text(strict, encoding="utf-8")
    world = World(tmp_path, database_url)
    async with opened_scene(world, smtp_receiver, policy={"name": "strict.toml"}) as scene:
        await blocked(scene)
        with pytest.raises(NotAllowedError, match="keeps it from coming back"):
            await measures.undo(scene.house, 1, who="ann", why="they asked")
        with pytest.raises(NotAllowedError, match="say it with --prevention"):
            await staff.resolve(scene.house, "1", Solved("cleaned"), who="ann")
        await staff.resolve(scene.house, "1", Solved("cleaned", "patched every week"), who="ann")
        await measures.undo(scene.house, 1, who="ann", why="solved for good")
        assert await scene.ask("SELECT state FROM actions") == [("undone",)]


# --- postmaster (SES-8) --------------------------------------------------------------------------------------------


async def listed(scene: Scene, *, unconfirmed: bool = True) -> list[tuple]:
    async with scene.house.database.reading() as connection:
        rows = await postmasters.listed(connection, unconfirmed=unconfirmed)
    return [(row["domain"], row["mail"], row["confirmed_by"]) for row in rows]


async def with_hosts(scene: Scene) -> None:
    from gateway.intake.customers import read_customers  # noqa: PLC0415  only here

    file = scene.world.folder / "hosts.csv"
    file.write_text(HOSTS, encoding="utf-8")
    async with scene.house.database.writing() as connection:
        rows = read_customers(file, await customers.keys(connection))
        await customers.import_file(connection, rows, who="test", now=scene.house.clock())


@pytest.mark.duty("SES-8")
async def test_postmaster_is_asked_at_onboarding_and_yearly_and_only_a_persons_reply_confirms(scene: Scene):
    await with_hosts(scene)
    await pipeline.drain(scene.house)
    await pipeline.drain(scene.house)
    (mail,) = [m for m in scene.relay.received if m.rcpt_tos == ["postmaster@alder.example"]]
    assert await listed(scene) == [("alder.example", "sent", None)]
    await scene.take_in(answer(mail.raw, "Auto-Submitted: auto-replied\r\n"))
    assert await listed(scene) == [("alder.example", "sent", None)]
    await scene.take_in(answer(mail.raw))
    assert await listed(scene) == []
    assert await listed(scene, unconfirmed=False) == [("alder.example", "sent", "boss@alder.example")]
    scene.after(24 * 365)
    await pipeline.drain(scene.house)
    assert len([m for m in scene.relay.received if m.rcpt_tos == ["postmaster@alder.example"]]) == 2
    assert await listed(scene) == [("alder.example", "sent", None)]


@pytest.mark.duty("SES-8")
async def test_a_postmaster_that_refuses_mail_is_listed_and_another_domain_can_be_named(scene: Scene):
    scene.relay.refuse("postmaster@alder.example")
    await with_hosts(scene)
    await postmaster.add(scene.house, "birch", "Letters.example.")
    await pipeline.drain(scene.house)
    assert await listed(scene) == [("alder.example", "failed", None), ("letters.example", "sent", None)]
    with pytest.raises(LookupError, match="no customer nobody"):
        await postmaster.add(scene.house, "nobody", "x.example")
    with pytest.raises(NotAllowedError, match="no domain"):
        await postmaster.add(scene.house, "birch", "not a domain")


async def test_without_the_policys_word_no_postmaster_is_asked(plain: Scene):
    await with_hosts(plain)
    await pipeline.drain(plain.house)
    assert plain.relay.received == []


# --- public display (SES-12) ---------------------------------------------------------------------------------------


@pytest.mark.duty("SES-12")
async def test_public_display_is_off_with_its_reason(plain: Scene):
    await plain.take_in(about(ALDER))
    with pytest.raises(NotAllowedError, match="tells spammers which addresses are watched"):
        await publication.publish(plain.house, "1", who="ann", why="?")


@pytest.mark.duty("SES-12")
async def test_a_published_page_names_no_person_and_can_be_taken_back(tmp_path, database_url, smtp_receiver):
    rules = (resources.files("gateway.policies") / "default.toml").read_text(encoding="utf-8")
    (tmp_path / "open.toml").write_text(rules.replace("version = 1", "version = 1\npublic_display = true"))
    world = World(tmp_path, database_url)
    async with opened_scene(world, smtp_receiver, policy={"name": "open.toml"}) as scene:
        await scene.take_in(complaint("ann@reader.example", subject="<script>alert(1)</script> for ann@reader.example"))
        name, page = await publication.publish(scene.house, "1", who="ann", why="a warning to others")
        assert name == "AG-2026-000001.html"
        assert ALDER in page
        for hidden in ("ann@reader", "Alder", "<script"):
            assert hidden not in page
        await publication.withdraw(scene.house, "1", who="ann", why="enough")
        with pytest.raises(NotAllowedError, match="is not published"):
            await publication.withdraw(scene.house, "1", who="ann", why="again")
        assert await scene.ask(
            "SELECT count(*) FROM events WHERE what IN ('case published', 'publication withdrawn')"
        ) == [(2,)]
