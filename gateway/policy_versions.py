"""Which policies hold, and since when: files in, a Book out; customers are told of a new version (MED-5).

A version is stored with its text when it first takes effect, and a text that changed under
the same version is refused: a case says which version it runs under, and that has to stay
true. Must never decide by a policy.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from gateway.house import House
from gateway.policies.book import Book, Edition, differences, edition, from_text
from gateway.policies.policy import Policy, PolicyError
from gateway.settings import Settings
from gateway.store import notices, policies, switches
from gateway.store.database import Database
from gateway.store.policies import Told, Version
from notifier.notice import NoticeKind

_BATCH = 200  # contacts told in one transaction
_MOST_CHANGES = 40  # lines of a notice

log = structlog.get_logger()


def editions(settings: Settings) -> list[Edition]:
    """The default and the others of the settings, in this order. Raises PolicyError."""
    found = [edition(source) for source in settings.policy_sources]
    names = [one.policy.name for one in found]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise PolicyError(
            [f'{settings.path}: policy.others: two policies are named "{name}"; give each its own' for name in doubled]
        )
    return found


async def open_book(settings: Settings, database: Database, now: datetime) -> Book:
    """Store what takes effect now, and lay all versions out. Raises PolicyError."""
    present = editions(settings)
    async with database.reading() as connection:
        stored = await policies.versions(connection)
    known = {version.label: version for version in stored}
    if any(one.policy.label not in known for one in present):
        async with database.writing() as connection:
            stored = await policies.versions(connection)
            known = {version.label: version for version in stored}
            for one in present:
                if one.policy.label not in known:
                    await policies.add(connection, _taking_effect(one, stored, now))
            known = {version.label: version for version in await policies.versions(connection)}  # another node's too
    for one in present:
        _unchanged(one, known.get(one.policy.label))
    older = [version for version in stored if version.label not in {one.policy.label for one in present}]
    return Book(
        default=present[0].policy,
        current={one.policy.name: one.policy for one in present},
        versions={one.policy.label: one.policy for one in present} | _readable(older),
    )


async def tell(house: House) -> int:
    """Plan the notices of a new version for the next contacts. Returns how many; 0: everybody was told. Versions take
    effect when the house is opened, so that it is asked once."""
    if house.policies_told:
        return 0
    async with house.database.writing() as connection:
        if await switches.is_paused(connection):
            return 0
        version = await policies.to_tell(connection)
        if version is None:
            house.policies_told = True
            return 0
        default = house.policy.name == version.name
        found = await policies.next_contacts(connection, version, default=default, limit=_BATCH)
        now = house.clock()
        rows = {row["key"]: row for one in found if (row := _row(house, version, one, now))}
        planned = await notices.plan(connection, list(rows.values()))
        await policies.told(connection, version.id, found[-1].contact_id if found else None)
    return len(planned) or 1


def _taking_effect(one: Edition, stored: list[Version], now: datetime) -> Version:
    """A version as it is stored. Customers are told where an earlier one of this name held before."""
    policy = one.policy
    earlier = [version for version in stored if version.name == policy.name]
    changes: list[str] = []
    if earlier:
        try:
            changes = differences(from_text(earlier[-1].text, earlier[-1].label), policy)
        except PolicyError:
            changes = []
    told_to = 0 if earlier and policy.announce else None
    said = "\n".join(line for line in changes if not line.startswith("version:"))
    return Version(0, policy.name, policy.version, one.sha256, one.text, now, told_to, said)


def _unchanged(one: Edition, known: Version | None) -> None:
    if known is not None and known.sha256 != one.sha256:
        since = f"it changed since it took effect on {known.since:%Y-%m-%d}"
        name = f"policy {one.policy.name}: version {one.policy.version}"
        raise PolicyError([f"{name}: {since}; raise `version`: cases name the one they run under"])


def _readable(older: list[Version]) -> dict[str, Policy]:
    found = {}
    for version in older:
        try:
            found[version.label] = from_text(version.text, version.label)
        except PolicyError as error:  # a newer arfgate no longer knows a rule: its cases follow the policy of now
            log.warning("an old policy cannot be read any more", policy=version.label, why=str(error))
    return found


def _row(house: House, version: Version, one: Told, now: datetime) -> dict[str, Any]:
    changes = version.changes.splitlines()
    facts = {
        "customer": one.name,
        "policy": version.label,
        "effective_at": version.since.isoformat(),
        "changes": changes[:_MOST_CHANGES],
        "more_changes": max(0, len(changes) - _MOST_CHANGES),
    }
    key = f"policy:{version.name}/{version.version}/{one.address}"
    language = house.book.of_customer(version.name).language_for(one.language)
    return notices.planned(NoticeKind.POLICY_CHANGE, key, one.address, facts, now, language)
