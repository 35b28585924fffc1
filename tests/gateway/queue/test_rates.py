"""Rates against what was sent, thresholds of the policy, and growth; told once (CON-3, CON-9)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text as sql

from gateway import volumes
from gateway.casework.rates import Day, alerts, whole
from gateway.policies.policy import file_of
from gateway.policies.rates import Rates
from gateway.store import customers, rates
from gateway.volumes import VolumesError
from servers.people import bounce, opt_out
from servers.waiting import NOW, arf, waiting_house

RULES = Rates()


def day(number=1, **more):
    return Day("birch", "", f"2026-11-{number:02d}", **more)


@pytest.mark.duty("CON-3")
@pytest.mark.parametrize(
    ("counted", "level"),
    [
        ({"sent": 10_000, "complaints": 9}, None),
        ({"sent": 10_000, "complaints": 10}, "warn"),
        ({"sent": 10_000, "complaints": 29}, "warn"),
        ({"sent": 10_000, "complaints": 30}, "alarm"),
        ({"sent": 999, "complaints": 900}, None),
        ({"sent": None, "complaints": 900}, None),
        ({"sent": 10_000, "bounces": 900}, None),
        ({"sent": 10_000, "unknown": 200}, "alarm"),
        ({"sent": 10_000, "opt_outs": 200}, "alarm"),
        ({"sent": 10_000, "opt_outs": 199}, None),
    ],
)
def test_a_rate_beyond_its_bound_is_told_and_a_small_volume_is_not_judged(counted, level):
    assert [a.level for a in alerts([day(**counted)], RULES)] == ([level] if level else [])


@pytest.mark.duty("CON-9")
def test_sudden_growth_is_an_alarm_against_the_days_before():
    usual = [day(n, added=200) for n in range(1, 8)]
    assert alerts([*usual, day(8, added=999)], RULES) == []
    (alert,) = alerts([*usual, day(8, added=1000)], RULES)
    assert (alert.day.day, alert.what) == ("2026-11-08", "1000 subscribers added, 5.0 times the usual")
    assert alerts([day(1, added=1), day(2, added=1), day(3, added=100_000)], RULES) == [], "nothing to compare with"
    assert alerts([day(n, added=2) for n in range(1, 5)] + [day(5, added=400)], RULES) == [], "too few to matter"


HEAD = "customer,account,campaign,day,sent,added\n"
MAILING = "Great Offers <offers@sender.example>\nList-Id: Offers <offers.sender.example>"


@pytest.mark.duty("CON-3")
@pytest.mark.duty("CON-9")
async def test_complaints_of_a_customer_and_its_campaign_against_imported_volumes(waiting, tmp_path):
    await waiting.take_in(*(arf("198.51.100.70", sender=MAILING) for _ in range(3)), arf("198.51.100.70"))
    file = tmp_path / "sent.csv"
    file.write_text(
        HEAD
        + "birch,,,2026-11-20,1000,10\n"
        + "birch,,offers.sender.example,2026-11-20,600,\n"
        + "dogwood,home,,2026-11-20,50,\n"
    )
    new, changed, told = await volumes.import_file(waiting.house, file, "ann")
    assert (new, changed) == (3, 0)
    assert [(a.level, a.day.campaign, a.what) for a in told] == [("alarm", "", "complaints 0.40% of 1000 mails")]
    async with waiting.house.database.reading() as connection:
        account = await customers.account_named(connection, "birch")
        found = await rates.days(connection, [account], (NOW - timedelta(days=3)).date(), {account: "birch"})
    assert [(d.campaign, d.sent, d.added, d.complaints) for d in found] == [
        ("", 1000, 10, 4),
        ("offers.sender.example", 600, None, 3),
    ]
    assert await volumes.import_file(waiting.house, file, "ann") == (0, 0, []), "told once"


async def test_twins_of_a_complaint_count_once(waiting):
    mail = arf("198.51.100.70")
    await waiting.take_in(mail, mail.replace(b"<report-", b"<again-"))
    async with waiting.house.database.reading() as connection:
        account = await customers.account_named(connection, "birch")
        (one,) = await rates.days(connection, [account], date(2026, 11, 1), {account: "birch"})
    assert one.complaints == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("birch,,,2026-13-01,5,\n", "line 2: day '2026-13-01' is no date"),
        ("birch,,,2026-11-01,many,\n", "line 2: sent 'many' is no number"),
        ("birch,,,2026-11-01,,\n", "line 2: sent and added are both empty"),
        ("stranger,,,2026-11-01,5,\n", "there is no customer stranger"),
    ],
)
async def test_a_bad_file_is_refused_whole(waiting, tmp_path, row, said):
    file = tmp_path / "sent.csv"
    file.write_text(HEAD + row)
    with pytest.raises(VolumesError, match=said):
        await volumes.import_file(waiting.house, file, "ann")


LISTED = "List-Id: Offers <offers.sender.example>\n"


async def view(waiting, name):
    return await volumes.of_customer(waiting.house, name, timedelta(days=3))


@pytest.mark.duty("CON-3")
async def test_bounces_and_opt_outs_are_counted_by_account_campaign_and_status(waiting):
    await waiting.take_in(
        bounce("gone@reader.example", headers=LISTED),
        bounce("full@reader.example", "5.2.2", headers=LISTED),
        bounce("gone@reader.example"),
        opt_out("ann@reader.example", sender=MAILING),
        opt_out("bob@reader.example"),
    )
    days = {d.campaign: d for d in (await view(waiting, "birch")).days}
    assert [(c, d.bounces, d.unknown, d.opt_outs) for c, d in sorted(days.items())] == [
        ("", 3, 2, 2),
        ("offers.sender.example", 2, 1, 1),
    ]
    assert await waiting.ask("select sum(count) from responses") == [(5,)]


async def test_an_opt_out_that_nobody_proved_is_not_counted(waiting):
    await waiting.take_in(opt_out("ann@reader.example").replace(b"=pass", b"=fail"))
    assert (await view(waiting, "birch")).days == ()


@pytest.mark.duty("CON-3")
async def test_what_comes_after_the_import_is_told_by_the_hour_and_once(waiting, tmp_path):
    file = tmp_path / "sent.csv"
    file.write_text(HEAD + "birch,,,2026-11-20,1000,\n")
    await volumes.import_file(waiting.house, file, "ann")
    await waiting.take_in(*(arf("198.51.100.70") for _ in range(3)))
    alarms = "select why from events where what = 'alarm'"
    assert await volumes.run(waiting.house) == 0
    assert await waiting.ask(alarms) == [
        ("Rate beyond its bound: birch on 2026-11-20: complaints 0.30% of 1000 mails",)
    ]
    await waiting.take_in(*(arf("198.51.100.70") for _ in range(3)))
    waiting.time[0] += timedelta(minutes=59)
    await volumes.run(waiting.house)
    waiting.time[0] += timedelta(minutes=1)
    await volumes.run(waiting.house)
    assert len(await waiting.ask(alarms)) == 1, "the same rate, however its number moves"
    assert [a.level for a in (await view(waiting, "birch")).alerts] == ["alarm"]


def test_a_customer_of_several_accounts_is_judged_as_a_whole_too():
    days = [
        Day("elm", "", "2026-11-01", sent=600, complaints=1),
        Day("elm/web", "", "2026-11-01", sent=600, complaints=1, bounces=2, unknown=1, opt_outs=3, added=5),
        Day("elm/web", "spring", "2026-11-01", sent=600, complaints=1),
        Day("elm", "", "2026-11-02", sent=600, complaints=1),
        Day("elm/web", "", "2026-11-02", complaints=9),
    ]
    first, second = whole(days, "elm")
    assert first == Day("elm (all accounts)", "", "2026-11-01", 1200, 5, 2, 2, 1, 3)
    assert (second.sent, second.complaints) == (None, 10), "of some mails it is not known how many were sent"
    assert [a.day.account for a in alerts([first], RULES)] == ["elm (all accounts)"]
    assert whole(days[:1], "elm") == []


async def test_the_bounds_are_those_of_the_customers_own_policy(tmp_path, database_url):
    text = (
        file_of("default").read_text().replace('name = "default"', 'name = "patient"')
        + "\n[rates]\ncomplaints_warn = 0.5\ncomplaints_alarm = 0.9\n"
    )
    (tmp_path / "patient.toml").write_text(text)
    policy = {"others": [str(tmp_path / "patient.toml")]}
    async with waiting_house(tmp_path, database_url, policy=policy) as waiting:
        await waiting.take_in(*(arf("198.51.100.70") for _ in range(3)))
        file = tmp_path / "sent.csv"
        file.write_text(HEAD + "birch,,,2026-11-20,1000,\n")
        async with waiting.house.database.writing() as connection:
            await connection.execute(sql("update customers set policy = 'patient' where key = 'birch'"))
        _, _, told = await volumes.import_file(waiting.house, file, "ann")
        assert told == []
        assert (await view(waiting, "birch")).bounds.complaints_warn == 0.5


async def test_where_campaigns_alone_were_imported_the_account_is_judged_by_all_of_them(waiting, tmp_path):
    file = tmp_path / "volumes.csv"
    head = "customer,account,campaign,day,sent,added\n"
    rows = "birch,,spring,2026-11-20,1000,3\nbirch,,autumn,2026-11-20,1000,\nbirch,,autumn,2026-11-19,700,\nbirch,,,2026-11-19,900,\n"
    file.write_text(head + rows)
    await waiting.take_in(*(arf("198.51.100.70") for _ in range(30)))
    await volumes.import_file(waiting.house, file, "ann")
    seen = await volumes.of_customer(waiting.house, "birch")
    whole_account = {
        d.day: (d.sent, d.added, d.complaints) for d in seen.days if d.account == "birch" and not d.campaign
    }
    assert whole_account["2026-11-20"] == (2000, 3, 30)
    assert whole_account["2026-11-19"][0] == 900, "what was said of the account counts"
    assert "alarm" in {alert.level for alert in seen.alerts}
