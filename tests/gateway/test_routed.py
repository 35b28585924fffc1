"""Opt-outs and bounces reach the customer's list, a feed's own mail reaches staff, through a whole house."""

from __future__ import annotations

import pytest

from gateway import pipeline
from gateway.store import suppressions
from servers.people import attached, bounce, complaint, opt_out, spam
from servers.waiting import Waiting, arf, waiting_house

BIRCH = "198.51.100.70"


async def listed(waiting: Waiting, key: str = "birch") -> list[tuple[str, str, bool]]:
    async with waiting.house.database.reading() as connection:
        rows = await suppressions.of_customer(connection, key)
    return [(row.address, row.cause, row.authenticated) for row in rows]


@pytest.fixture
async def waiting(tmp_path, database_url):
    async with waiting_house(tmp_path, database_url) as made:
        yield made


@pytest.mark.duty("PAG-8")
async def test_an_opt_out_of_a_feed_comes_onto_the_customers_list_once(waiting: Waiting):
    await waiting.take_in(opt_out("reader@reader.example"), opt_out("Reader@reader.example"))
    assert await listed(waiting) == [("reader@reader.example", "opt-out", True)]
    assert await waiting.ask("SELECT count(*) FROM cases") == [(0,)]
    assert await waiting.ask("SELECT DISTINCT verdict FROM messages") == [("routed",)]


async def test_a_forged_opt_out_takes_nobody_off_a_list(waiting: Waiting):
    await waiting.take_in(opt_out("reader@reader.example").replace(b"=pass", b"=fail"))
    assert await listed(waiting) == []


@pytest.mark.duty("PAG-8")
async def test_a_bounce_of_a_customers_mail_comes_onto_the_list_of_who_sent_it(waiting: Waiting):
    await waiting.take_in(bounce("gone@reader.example"), bounce("full@reader.example", "5.2.2"))
    await waiting.take_in(bounce("nobody@reader.example", source="203.0.113.77"))
    assert await listed(waiting) == [("gone@reader.example", "bounce", False)]
    assert await waiting.ask("SELECT verdict, count(*) FROM messages GROUP BY 1 ORDER BY 1") == [
        ("review", 1),
        ("routed", 2),
    ]


@pytest.mark.duty("PAG-8")
@pytest.mark.parametrize("allowed", [True, False])
async def test_a_complainant_comes_onto_it_only_where_the_feeds_terms_say_so(tmp_path, database_url, allowed):
    terms = {"complainants_of": ["fbl"] if allowed else []}
    async with waiting_house(tmp_path, database_url, suppression=terms) as waiting:
        await waiting.take_in(arf(BIRCH, complainant="reader@reader.example"), attached(spam(BIRCH)))
        assert await listed(waiting) == ([("reader@reader.example", "complaint", True)] if allowed else [])


async def test_a_feeds_own_mail_reaches_staff_at_once_with_dead_links(tmp_path, database_url, smtp_receiver):
    smtp = {"host": "127.0.0.1", "port": smtp_receiver.port, "security": "none"}
    alarms = {"address": "staff@desk.example", "hourly": 2}
    async with waiting_house(tmp_path, database_url, smtp=smtp, alarms=alarms) as waiting:
        mails = [
            complaint(
                f"Please confirm your feedback loop {i}:\nhttps://feed.example/confirm?token={i}\nThe link expires.",
                sender="fbl@feed.example",
                subject="Confirm your feedback loop enrolment",
            )
            for i in range(4)
        ]
        await waiting.take_in(*mails)
        await pipeline.drain(waiting.house)
        assert [mail.rcpt_tos for mail in smtp_receiver.received] == [["staff@desk.example"]] * 2
        raw = smtp_receiver.received[0].raw
        assert b"https://" not in raw
        assert b"hxxps" in raw
        assert b"feed.example by" in raw
        assert await waiting.ask("SELECT count(*) FROM events WHERE what = 'alarm'") == [(4,)]


async def test_a_customer_who_is_unknown_has_no_list(waiting: Waiting):
    with pytest.raises(LookupError, match="customer list"):
        await listed(waiting, "nobody")
