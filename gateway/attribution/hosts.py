"""Whose name it was: hosts, domains, mailboxes and telephone numbers, by imported assignments.

A host stands for all below it, the longest registered name wins; a mailbox without an assignment of its own is its
domain's; `tel:+4021555*` stands for every number that begins so. Nothing is asked of the DNS here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from gateway.attribution.holders import Lookup, Nobody, Rows, holder_at, holder_within
from gateway.model import Assignment, AttributionReason

TELEPHONE = "tel:"
_MOST_LABELS = 127  # of a name of 253 characters
_MOST_CHARS = 512

_Names = Mapping[str, tuple[Assignment, ...]]


class HostIndex:
    """Immutable index of the assignments of names; those of addresses are passed over. Names in any case."""

    __slots__ = ("_names",)

    def __init__(self, assignments: Iterable[Assignment] = ()) -> None:
        self._names: _Names = {}
        self._names = self._with(assignments)

    def lookup(self, name: str, at: datetime | None) -> Lookup:
        """The holder of a name at a time (aware UTC, None: not known). A parent's holder answers for a
        name that nobody held of its own then.
        """
        levels = self._levels(name)
        return holder_at([Rows(level) for level in levels], at, None) if levels else Nobody(AttributionReason.NOT_OURS)

    def within(self, name: str, first: datetime, last: datetime) -> Lookup:
        """The holder where only the span of the time is known: whoever had it all the while."""
        levels = self._levels(name)
        if not levels:
            return Nobody(AttributionReason.NOT_OURS)
        return holder_within([Rows(level) for level in levels], first, last, None)

    def covers(self, name: str) -> bool:
        """Has anybody ever held the name, or one above it?"""
        return bool(self._levels(name))

    def patched(self, assignments: Iterable[Assignment]) -> HostIndex:
        """The index after these were added or changed (by id). One that ends when it begins is gone."""
        made = HostIndex()
        made._names = self._with(assignments)
        return made

    def _with(self, assignments: Iterable[Assignment]) -> _Names:
        fresh: dict[str, dict[int, Assignment]] = {}
        for a in assignments:
            if a.family == 0:
                fresh.setdefault(_normal(a.resource), {})[a.id] = a
        names = dict(self._names)
        for name, rows in fresh.items():
            kept = {a.id: a for a in names.get(name, ())} | rows
            real = [a for a in kept.values() if a.valid_to is None or a.valid_from < a.valid_to]
            names[name] = tuple(sorted(real, key=lambda a: (a.valid_from, a.id)))
        return {name: rows for name, rows in names.items() if rows} if fresh else names

    def _levels(self, name: str) -> list[tuple[Assignment, ...]]:
        """The assignments over a name, longest name first."""
        if not self._names or len(name) > _MOST_CHARS:
            return []
        if name.startswith(TELEPHONE):
            above = [name, *(f"{name[:end]}*" for end in range(len(name), len(TELEPHONE) + 1, -1))]
        else:
            _, _, domain = name.rpartition("@")
            labels = _normal(domain).split(".")
            if len(labels) > _MOST_LABELS:
                return []
            above = [".".join(labels[n:]) for n in range(len(labels))]
            if domain != name:
                above.insert(0, _normal(name))
        return [self._names[parent] for parent in above if parent in self._names]


def _normal(name: str) -> str:
    """Lower case, A-labels, no dot at the end."""
    name = name.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            return name.encode("idna").decode("ascii")
        except UnicodeError:
            return name
    return name
