"""The feeds that arfgate knows (`feeds.toml`), and what the operator's settings make of them.

A feed of the settings with the name of a known one changes what it says and leaves the rest. Must never
recognise anybody: `identity` does, with these entries in its hand.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

from gateway.screening.identity import Feed

_LISTS = frozenset({"domains", "aliases", "senders"})
_FIELDS = frozenset(Feed.__dataclass_fields__)


@cache
def known() -> tuple[Feed, ...]:
    """The feeds that ship."""
    return tuple(replace(Feed(entry["name"]), **_values(entry)) for entry in _file()["feeds"])


@cache
def freemail() -> frozenset[str]:
    """Domains whose mailboxes belong to strangers: nobody there speaks for the domain."""
    return frozenset(_file()["freemail"])


def registered(own: Iterable[Mapping[str, Any]], *, with_known: bool = True) -> tuple[Feed, ...]:
    """The known feeds with the operator's changes, then the operator's own. `own`: what each entry of the settings
    says, without what it leaves open."""
    feeds = {feed.name: feed for feed in known()} if with_known else {}
    for entry in own:
        name = entry["name"]
        feeds[name] = replace(feeds.get(name) or _shipped(name) or Feed(name), **_values(entry))
    return tuple(feeds.values())


def _shipped(name: str) -> Feed | None:
    return next((feed for feed in known() if feed.name == name), None)


def is_known(name: str) -> bool:
    """Whether a feed of that name ships."""
    return _shipped(name) is not None


def _values(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: frozenset(one.lower() for one in value) if name in _LISTS else value
        for name, value in entry.items()
        if name in _FIELDS
    }


def _file() -> dict[str, Any]:
    return tomllib.loads((resources.files(__package__) / "feeds.toml").read_text(encoding="utf-8"))
