"""What the pages without an account look up: where a case went, in which language a contact reads, who looked lately.

Must never hold a link, nor say what a page shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.model import CaseState
from gateway.store.tables import accounts, cases, contacts, customers, events, notices

_MOST_MERGES = 5  # that a link follows


async def now_at(connection: AsyncConnection, case_id: int) -> int:
    """The case in which this one goes on: itself, or what it was merged into. One statement a merge."""
    for _ in range(_MOST_MERGES):
        found = await connection.execute(select(cases.c.state, cases.c.merged_into).where(cases.c.id == case_id))
        row = found.one_or_none()
        if row is None or row.state != CaseState.MERGED.value or row.merged_into is None:
            break
        case_id = row.merged_into
    return case_id


async def language(connection: AsyncConnection, account_id: int, address: str) -> str:
    """In which a contact reads: its own language, else the customer's. One statement."""
    found = await connection.execute(
        select(contacts.c.language, customers.c.language)
        .select_from(accounts)
        .join(customers, customers.c.id == accounts.c.customer_id)
        .outerjoin(contacts, (contacts.c.customer_id == customers.c.id) & (contacts.c.address == address))
        .where(accounts.c.id == account_id)
    )
    row = found.first()
    return str(row[0] or row[1]) if row else "en"


async def did_since(connection: AsyncConnection, case_id: int, who: str, what: str, since: datetime) -> bool:
    """Did they do this in the case since then? One statement."""
    done = (events.c.case_id == case_id) & (events.c.who == who) & (events.c.what == what) & (events.c.at > since)
    return (await connection.execute(select(events.c.id).where(done).limit(1))).first() is not None


async def told(connection: AsyncConnection, case_id: int, addresses: Sequence[str]) -> list[str]:
    """Those of these addresses that had a notice of the case. One statement."""
    had = (notices.c.case_id == case_id) & notices.c.to.in_(list(addresses)) & notices.c.sent_at.is_not(None)
    found = set((await connection.execute(select(notices.c.to).where(had).distinct())).scalars())
    return [address for address in addresses if address in found]
