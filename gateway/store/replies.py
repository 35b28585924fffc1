"""Who was answered by a program, and when: the ledger of automatic replies.

Must never decide whether somebody is answered: `screening.replies` does, with what is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store import switches
from gateway.store.inserts import inserting
from gateway.store.tables import opt_outs, reply_turns

_LOCK = "replies"


@dataclass(frozen=True, slots=True)
class Turns:
    """`answered`: address -> when last; `refused`: addresses that want no mail; `in_last_hour`: replies to anybody."""

    answered: dict[str, datetime]
    refused: frozenset[str]
    in_last_hour: int


async def turns(connection: AsyncConnection, addresses: Iterable[str], now: datetime) -> Turns:
    """What was said to these addresses before. Until the transaction ends no other node replies to anybody: two
    could each think that it is their turn. Five statements."""
    await switches.hold(connection, _LOCK)
    wanted = sorted(set(addresses))
    rows = await connection.execute(
        select(reply_turns.c.address, reply_turns.c.last_at).where(reply_turns.c.address.in_(wanted))
    )
    refused = await connection.execute(select(opt_outs.c.address).where(opt_outs.c.address.in_(wanted)))
    since = now - timedelta(hours=1)
    recent = await connection.execute(
        select(func.count()).select_from(reply_turns).where(reply_turns.c.last_at > since)
    )
    return Turns({row.address: row.last_at for row in rows}, frozenset(refused.scalars()), recent.scalar_one())


async def took(connection: AsyncConnection, answered: Mapping[str, str], now: datetime) -> None:
    """{address: kind of reply} goes out. One statement."""
    if not answered:
        return
    statement = inserting(connection, reply_turns)
    anew = {"last_at": statement.excluded.last_at, "kind": statement.excluded.kind}
    statement = statement.on_conflict_do_update(index_elements=[reply_turns.c.address], set_=anew)
    rows = [{"address": address, "last_at": now, "kind": kind} for address, kind in sorted(answered.items())]
    await connection.execute(statement, rows)
