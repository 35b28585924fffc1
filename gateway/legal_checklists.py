"""The checklists of the legal lane, as data beside the screening that fills it.

Must never be taken for advice: each list is a reminder for people who know their law.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from gateway.screening.legal import LegalKind

EVERYWHERE = "all"


@dataclass(frozen=True, slots=True)
class Checklist:
    """What one jurisdiction asks in one kind of matter."""

    jurisdiction: str
    steps: tuple[str, ...]


@cache
def _known() -> dict[str, dict[str, object]]:
    file = resources.files("gateway.screening") / "legal_checklists.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


def jurisdictions() -> tuple[str, ...]:
    """The short names that have a list of their own."""
    return tuple(name for name in _known() if name != EVERYWHERE)


def checklists(kind: LegalKind, wanted: Iterable[str]) -> list[Checklist]:
    """What holds everywhere, then each wanted jurisdiction's own; all of them where none is wanted."""
    names = [EVERYWHERE, *(wanted or jurisdictions())]
    found = []
    for name in names:
        entry = _known().get(name, {})
        steps = entry.get("steps", {})
        own = steps.get(kind.value, ()) if isinstance(steps, dict) else ()
        if own:
            found.append(Checklist(str(entry.get("name", name)), tuple(own)))
    return found
