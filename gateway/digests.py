"""One mail to a contact outside about what came beyond the single mails of the days before (SEC-8).

Must never tell who opted out or cannot be reached.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from gateway.house import House
from gateway.store import dead_addresses, notices, third_parties
from gateway.store.third_parties import IN_DIGEST, OPTED_OUT
from notifier import languages
from notifier.contacts import WhyNot
from notifier.notice import NoticeKind

_MOST_ITEMS = 50  # lines of a digest


async def send(house: House, now: datetime) -> int:
    """Plan one mail to each contact for whom something waits since before today. Returns how many."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    async with house.database.reading() as connection:
        if not await third_parties.for_digest(connection, today, 1):
            return 0
    async with house.database.writing() as connection:
        waiting = await third_parties.for_digest(connection, today, hold=True)
        out = await third_parties.opted_out(connection)
        dead = await dead_addresses.current(connection, now)
        by_contact: dict[str, list[dict[str, Any]]] = {}
        for row in waiting:
            by_contact.setdefault(row["address"], []).append(row)
        refused = {a for a in by_contact if {a.lower(), "@" + a.lower().rpartition("@")[2]} & out}
        mails = {a: rows for a, rows in by_contact.items() if a not in refused and a.lower() not in dead}
        tongues = {address: languages.of_contact(None, address, house.policy.languages) for address in mails}
        planned = await notices.plan(connection, [_digest_row(a, rows, today, tongues[a]) for a, rows in mails.items()])
        for address, rows in by_contact.items():
            notice = planned.get(f"digest:{today:%Y-%m-%d}/{address.lower()}")
            if notice is None and address in mails:
                continue  # its digest of today went without these: tomorrow's tells of them
            said = IN_DIGEST if address in mails else OPTED_OUT if address in refused else WhyNot.DEAD.value
            await third_parties.in_digest(connection, [row["id"] for row in rows], said, notice)
    return len(planned)


def _digest_row(address: str, rows: list[dict[str, Any]], today: datetime, language: str) -> dict[str, Any]:
    counts = Counter((row["subject"], row["category"]) for row in rows)
    last = {(row["subject"], row["category"]): row["at"] for row in rows}
    items = [
        {
            "resource": subject,
            "category": category,
            "count": count,
            "last_at": f"{last[subject, category]:%Y-%m-%d %H:%MZ}",
        }
        for (subject, category), count in counts.most_common(_MOST_ITEMS)
    ]
    facts = {"day": f"{today - timedelta(days=1):%Y-%m-%d}", "items": items, "more": max(0, len(counts) - len(items))}
    key = f"digest:{today:%Y-%m-%d}/{address.lower()}"
    return notices.planned(NoticeKind.DIGEST, key, address, facts, today, language)
