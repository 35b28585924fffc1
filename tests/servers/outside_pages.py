"""An address of every page that needs no account, in a house with work in it: customers', reporters', signing in, and
what is shown where there is no page. For pages that are looked at and walked through."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import text

from gateway import links, pages, reporter_page
from gateway.intake.form import Letter
from gateway.store import notices
from notifier.notice import NoticeKind
from servers.people import inline, spam
from servers.waiting import Waiting

PUBLIC = "https://abuse.isp.example"
SETTINGS = {"public_url": PUBLIC, "portal": {"report_form": True, "network_hourly": 100_000}}  # of `waiting_house`
ANN, EVE, HOLDER = "ann@reporter.example", "eve@reporter.example", "abuse@holder.example.net"
_CASES = """\
SELECT c.state, n.case_id, n."to" FROM notices n JOIN clocks c ON c.id = n.clock_id
WHERE n.kind = 'complaint' AND n.state = 'sent' ORDER BY c.state, n.id"""


async def outside_pages(waiting: Waiting) -> dict[str, tuple[str, int]]:
    """{name: (path, status)}. A case of each state of its clock whose customer was told is among them."""
    house, now = waiting.house, waiting.house.clock()
    await reporter_page.send(house, Letter(ANN, "abuse@isp.example", "A report", "Please stop this.", now, mails=(
        spam(at=now - timedelta(hours=2)).replace("\n", "\r\n").encode(),)), "en", "spam")  # fmt: skip
    [(sent,)] = await waiting.ask("SELECT MAX(id) FROM messages")
    await waiting.take_in(inline(sender=EVE, return_path=EVE))
    [(held,)] = await waiting.ask("SELECT MAX(id) FROM held WHERE reason = 'evidence-missing'")
    facts = {"day": "2026-11-19", "items": [], "more": 0}
    async with house.database.writing() as connection:
        planned = notices.planned(NoticeKind.DIGEST, "digest:outside", HOLDER, facts, now)
        await notices.plan(connection, [planned])
        row = (await connection.execute(text("SELECT id FROM notices WHERE kind = 'digest' ORDER BY id DESC"))).first()
    ends, key = now + timedelta(days=9), house.key("portal")
    told = {state: (case_id, to) for state, case_id, to in await waiting.ask(_CASES)}
    found = {f"case-{state}": _path(pages.case(house, case_id, to, now)) for state, (case_id, to) in told.items()} | {
        "ask-link": "/portal",
        "report": "/report",
        "confirm": _path(pages.confirmation(house, sent, ANN, now)),
        "complete": f"/report/complete/{links.token('h', held, EVE, ends, key)}",
        "status": _path(pages.status(house, sent, ANN, now)),
        "stop": f"/portal/stop/{links.token('o', row.id if row else 0, HOLDER, ends, key)}",
        "sign-in": "/sign-in",
    }
    lost = {"gone": "/portal/case/x", "lost": "/report/status/x", "no-stop": "/portal/stop/x", "nothing": "/portal/x"}
    return {name: (path, 200) for name, path in found.items()} | {name: (path, 404) for name, path in lost.items()}


def _path(url: str | None) -> str:
    assert url is not None
    return urlsplit(url).path
