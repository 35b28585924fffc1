"""Whose host it was: imported host assignments by exact name, else by the longest registered parent domain.

A name stands for all below it. Nothing is asked of the DNS: an answer there is a candidate of its own time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from gateway.attribution.holders import Lookup, Nobody, holder_at
from gateway.model import Assignment, AttributionReason

_MOST_LABELS = 127  # of a name of 253 characters


class HostIndex:
    """Immutable index of host assignments; those of addresses are passed over. Names in any case."""

    __slots__ = ("_names",)

    def __init__(self, assignments: Iterable[Assignment]) -> None:
        names: dict[str, list[Assignment]] = {}
        for a in assignments:
            if a.family == 0:
                names.setdefault(_normal(a.resource), []).append(a)
        self._names = {name: tuple(sorted(same, key=lambda a: (a.valid_from, a.id))) for name, same in names.items()}

    def lookup(self, name: str, at: datetime | None) -> Lookup:
        """The holder of a host or domain at a time (aware UTC, None: not known). A parent's holder answers for a
        name that nobody held of its own then.
        """
        levels = self._levels(name)
        return holder_at(levels, at, None) if levels else Nobody(AttributionReason.NOT_OURS)

    def covers(self, name: str) -> bool:
        """Has anybody ever held the name, or one above it?"""
        return bool(self._levels(name))

    def _levels(self, name: str) -> list[tuple[Assignment, ...]]:
        """The assignments over a name, longest name first."""
        if not self._names or len(name) > 512:
            return []
        labels = _normal(name).split(".")
        if len(labels) > _MOST_LABELS:
            return []
        above = (".".join(labels[n:]) for n in range(len(labels)))
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
