"""What a source said, made assignments: joined where a lease is renewed, ended where the next begins.

Safe to run again: the same records change nothing. A row that a person made is never touched. Must never decide
whose it was: two sources that differ are both kept, and the look-up says that it cannot tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.connectors.sources.contract import Lease
from gateway.intake import customer_values
from gateway.intake.customers import AssignmentRow
from gateway.store import events, switches
from gateway.store.assignments import BY_HAND, WHOLE, columns
from gateway.store.events import Event
from gateway.store.tables import assignments
from gateway.store.text import storable

_RECKONED = timedelta(minutes=2)
_MOST_SHOWN = 50  # differing, unknown, refused: of each in a report


@dataclass
class Changes:
    """What a run brought, in rows. `differing`: held by another account by another source at the same time;
    `unknown`: names of holders that are nobody's; `problems`: what could not be read."""

    new: int = 0
    changed: int = 0
    ended: int = 0
    unchanged: int = 0
    identifiers: int = 0
    mails: int = 0
    kept_by_hand: int = 0
    differing: list[str] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """Is there something by which a report that waits could find its customer?"""
        return bool(self.new or self.changed or self.ended or self.identifiers or self.mails)

    def differ(self, text: str) -> None:
        if len(self.differing) < _MOST_SHOWN:
            self.differing.append(text)

    def miss(self, holder: str) -> None:
        if holder in self.unknown or len(self.unknown) < _MOST_SHOWN:
            self.unknown[holder] = self.unknown.get(holder, 0) + 1


@dataclass
class Reading:
    """One run of a source: the version of its first batch, and the rows (ids) that it said to be as they are."""

    origin: str
    since: int = 0
    said: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Held:
    """A lease of an account, or (None) of nobody any more. `family`, `first`, `last` of the resource."""

    lease: Lease
    account_id: int | None
    resource: str
    family: int
    first: int
    last: int


async def write(
    connection: AsyncConnection, reading: Reading, held: Sequence[Held], changes: Changes, *, now: datetime
) -> None:
    """Bring leases in, in order of time. Adds to `changes`."""
    if not held:
        return
    origin, version = reading.origin, await switches.count_up(connection, switches.ASSIGNMENTS_VERSION)
    reading.since = reading.since or version
    rows = await connection.execute(
        select(assignments).where(assignments.c.resource.in_(sorted({one.resource for one in held})))
    )
    known: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    for row in rows.mappings():
        if row["valid_to"] is None or row["valid_from"] < row["valid_to"]:
            known.setdefault((row["resource"], row["port_first"], row["port_last"]), []).append(dict(row))
    refs = sorted({one.lease.ref for one in held if one.lease.ref is not None})
    by_ref = await connection.execute(
        select(assignments).where(assignments.c.origin == origin, assignments.c.ref.in_(refs))
    )
    work = _Work(origin, version, now, changes, {row["ref"]: dict(row) for row in by_ref.mappings()}, reading)
    for one in sorted(held, key=lambda h: h.lease.start or h.lease.seen or now):
        ports = one.lease.ports or WHOLE
        work.take(one, known.setdefault((one.resource, *ports), []))
    await _save(connection, work)
    if work.fresh or work.altered:
        why = f"{len(work.fresh)} new, {len(work.altered)} changed"
        await events.add(connection, [Event(now, origin, "assignments imported", why)])


@dataclass
class _Work:
    origin: str
    version: int
    now: datetime
    changes: Changes
    by_ref: dict[str, dict[str, Any]]  # the source's rows that have the keys in hand
    reading: Reading
    fresh: list[dict[str, Any]] = field(default_factory=list)
    altered: dict[int, dict[str, Any]] = field(default_factory=dict)

    def take(self, one: Held, rows: list[dict[str, Any]]) -> None:
        """One lease beside what is known of the same resource and ports. `rows` grows with what is new."""
        lease = one.lease
        self._renumbered(one)
        history = lease.end is not None or lease.seen is None
        if one.account_id is None and lease.holders and lease.start is not None and history:
            self._between([row for row in rows if row["origin"] == self.origin], one, lease.start, lease.end)
            return
        if lease.stated and self._stated(one, rows):
            return
        own = [row for row in rows if row["origin"] == self.origin and not self._beside_it(row, one)]
        if one.account_id is None or lease.start is None:
            self._end(one, own)
            if one.account_id is None or (lease.end is not None and lease.start is None):
                return
        start, end = lease.start or lease.seen or self.now, lease.end
        if end is None and lease.seen is not None:  # a source without history: this is what holds now
            if any(r["valid_to"] is None and r["account_id"] == one.account_id for r in own):
                self.changes.unchanged += 1
                return
            start = max(start, lease.seen) if own else start  # it changed hands, or came back, when it changed
        else:
            before = next((r for r in own if self._is_same(r, one, start, end)), None)
            if before is not None:
                since, until = _room(own, before)
                by_ref = before["ref"] is not None and before["ref"] == lease.ref
                self._renew(before, max(start, since or start), end, until, by_ref=by_ref)
                self._heard_again(before, lease.ref)
                return
        start, end = self._between(own, one, start, end)
        if end is not None and end <= start:
            self.changes.unchanged += 1
            return
        if any((r["valid_from"], r["account_id"]) == (start, one.account_id) for r in rows):
            self.changes.unchanged += 1  # an import or a person said the same before
            return
        self._beside(one, start, end, rows)
        low, high = lease.ports or (None, None)
        made = AssignmentRow("", "", one.resource, one.family, one.first, one.last, low, high, start, end, 0, lease.use)
        row = columns(made, one.account_id)
        row |= {"origin": self.origin, "ref": self._ref(lease.ref), "changed": self.version}
        if row["ref"] is not None:
            self.by_ref[row["ref"]] = row
        self.fresh.append(row)
        rows.append(row)
        self.changes.new += 1

    def _stated(self, one: Held, rows: list[dict[str, Any]]) -> bool:
        """A table's row takes back what the table said before of that time, or under that key. True: it is done with.
        Two rows of one reading that contradict each other are both kept: the look-up then says that it cannot tell."""
        lease = one.lease
        own = [row for row in rows if row["origin"] == self.origin]
        again = [
            row for row in own
            if row["valid_from"] == lease.start or (lease.ref is not None and row["ref"] == lease.ref)
        ]  # fmt: skip
        same = next((row for row in again if row["account_id"] == one.account_id), None)
        if same is not None:
            _, most = _room(own, same)
            end = lease.end if most is None or (lease.end is not None and lease.end < most) else most
            self.reading.said.add(same.get("id", 0))
            if (same["valid_to"], same["use"]) == (end, lease.use):
                self.changes.unchanged += 1
            else:
                self._alter(same, valid_to=end, use=lease.use)
                self.changes.changed += 1
            return True
        for row in again:
            if row["valid_from"] != lease.start:
                continue
            if self._beside_it(row, one):
                self.changes.differ(f"{one.resource} from {lease.start:%Y-%m-%d %H:%M}Z: two rows, two holders")
            else:
                self._alter(row, valid_to=row["valid_from"])
                self.changes.ended += 1
        rows[:] = [row for row in rows if row["valid_to"] is None or row["valid_from"] < row["valid_to"]]
        return False

    def _beside_it(self, row: dict[str, Any], one: Held) -> bool:
        """Did this very reading of the table say so of the same time, of another holder?"""
        if not one.lease.stated or row["valid_from"] != one.lease.start:
            return False
        return "id" not in row or row["id"] in self.reading.said or row["changed"] >= self.reading.since

    def _is_same(self, row: dict[str, Any], one: Held, start: datetime, end: datetime | None) -> bool:
        """The lease that this one is, or renews."""
        if row["account_id"] != one.account_id:
            return False
        if one.lease.ref is not None and row["ref"] == one.lease.ref:
            return True
        if one.lease.ref is not None:
            # `lease_ends.unsure` took its key; when a session began is reckoned anew each time it is heard of
            lapsed = row["ref"] is None and one.lease.ref not in self.by_ref
            return lapsed and abs(row["valid_from"] - start) <= _RECKONED
        return (row["valid_to"] is None or start <= row["valid_to"]) and (end is None or row["valid_from"] <= end)

    def _renew(
        self, row: dict[str, Any], start: datetime, end: datetime | None, most: datetime | None, *, by_ref: bool
    ) -> None:
        """`most`: where another's lease begins, which ended this one whatever was granted."""
        until = end if by_ref else None if end is None or row["valid_to"] is None else max(end, row["valid_to"])
        if by_ref and end is None:
            until = row["valid_to"]  # an older word about a lease whose end is known
        if most is not None:
            until = most if until is None else min(until, most)
        since = min(start, row["valid_from"]) if not by_ref else row["valid_from"]
        if (since, until) == (row["valid_from"], row["valid_to"]):
            self.changes.unchanged += 1
            return
        self._alter(row, valid_from=since, valid_to=until)
        self.changes.changed += 1

    def _heard_again(self, row: dict[str, Any], ref: str | None) -> None:
        if row["ref"] is None and ref is not None and ref not in self.by_ref:
            self._alter(row, ref=ref)
            self.by_ref[ref] = row

    def _between(
        self, own: list[dict[str, Any]], one: Held, start: datetime, end: datetime | None
    ) -> tuple[datetime, datetime | None]:
        """One source's leases of one address follow each other: the one before ends where this begins."""
        for row in own:
            if row["account_id"] == one.account_id and row["ref"] == one.lease.ref:
                continue
            if row["valid_from"] < start and (row["valid_to"] is None or row["valid_to"] > start):
                self._alter(row, valid_to=start)
                self.changes.ended += 1
            elif row["valid_from"] >= start and (end is None or row["valid_from"] < end):
                end = row["valid_from"]
        return start, end

    def _end(self, one: Held, own: list[dict[str, Any]]) -> None:
        """Released, reclaimed, or without a holder since then."""
        at = one.lease.end or one.lease.seen or self.now
        for row in own:
            if one.account_id is not None and row["account_id"] == one.account_id and one.lease.end is None:
                continue  # a source without history says what it said before
            if row["valid_from"] < at and (row["valid_to"] is None or row["valid_to"] > at):
                self._alter(row, valid_to=at)
                self.changes.ended += 1

    def _beside(self, one: Held, start: datetime, end: datetime | None, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["origin"] == self.origin or row["account_id"] == one.account_id:
                continue
            if (row["valid_to"] is None or row["valid_to"] > start) and (end is None or row["valid_from"] < end):
                if row["origin"] in BY_HAND:
                    self.changes.kept_by_hand += 1
                else:
                    text = f"{one.resource} from {start:%Y-%m-%d %H:%M}Z: {row['origin']} has another holder"
                    self.changes.differ(text)

    def _renumbered(self, one: Held) -> None:
        """A source without history has another resource under the same key: the one before ended then."""
        row = self.by_ref.get(one.lease.ref) if one.lease.ref is not None else None
        at = one.lease.seen
        if row is None or at is None or row["resource"] == one.resource or row["valid_to"] is not None:
            return
        self._alter(row, valid_to=max(at, row["valid_from"]))
        self.changes.ended += 1

    def _ref(self, ref: str | None) -> str | None:
        """A source without history brings one key again for another holder: the row that had it keeps it."""
        return f"{ref}@{self.version}-{len(self.fresh)}" if ref in self.by_ref else ref

    def _alter(self, row: dict[str, Any], **values: Any) -> None:
        row.update(values)
        if "id" in row:
            self.altered[row["id"]] = row


def _room(own: Sequence[dict[str, Any]], row: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Until when another had it before this row, and since when another has it after it, by the same source."""
    others = [r for r in own if r["account_id"] != row["account_id"]]
    before = [r["valid_to"] or r["valid_from"] for r in others if r["valid_from"] < row["valid_from"]]
    after = [r["valid_from"] for r in others if r["valid_from"] > row["valid_from"]]
    return max(before, default=None), min(after, default=None)


async def _save(connection: AsyncConnection, work: _Work) -> None:
    if work.altered:
        await connection.execute(
            update(assignments)
            .where(assignments.c.id == bindparam("row_id"))
            .values(
                valid_from=bindparam("new_from"),
                valid_to=bindparam("new_to"),
                use=bindparam("new_use"),
                ref=bindparam("new_ref"),
                changed=work.version,
            ),
            [
                {
                    "row_id": row["id"],
                    "new_from": row["valid_from"],
                    "new_to": row["valid_to"],
                    "new_use": row["use"],
                    "new_ref": row["ref"],
                }
                for row in work.altered.values()
            ],
        )
    if work.fresh:
        await connection.execute(insert(assignments), storable(work.fresh))


def held(lease: Lease, account_id: int | None) -> Held:
    """A lease with its resource in normal form. Raises BadValueError."""
    resource, family, first, last = customer_values.resource(lease.resource)
    return Held(lease, account_id, resource, family, first, last)
