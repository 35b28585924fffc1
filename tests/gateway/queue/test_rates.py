"""Rates against what was sent, thresholds of the policy, and growth; told once (CON-3, CON-9)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway import volumes
from gateway.casework.rates import Day, alerts
from gateway.policies.rates import Rates
from gateway.store import customers, rates
from gateway.volumes import VolumesError
from servers.waiting import NOW, arf

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
