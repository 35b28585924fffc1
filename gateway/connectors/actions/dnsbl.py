"""A DNS block list as zone files for rbldnsd: FILE (ip4trie), FILE.ip6 (ip6trie) and FILE.domains (dnset).

Served as one zone: `rbldnsd ... ZONE:ip4trie:FILE ZONE:ip6trie:FILE.ip6 ZONE:dnset:FILE.domains`. rbldnsd looks for
changed files by itself. Must never publish why something is listed: the answer names the entry's number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.casework.actions import network
from gateway.connectors.contract import Entry
from gateway.model import ActionKind
from parsers import fields

KINDS = frozenset({ActionKind.LIST_FOREIGN, ActionKind.BLOCK_ADDRESS, ActionKind.BLOCK_DOMAIN})
_DEFAULT = ":127.0.0.2:listed, reference"
_TEST = {"": "127.0.0.2", ".ip6": "::ffff:7f00:2"}  # RFC 5782 section 5: what tells a working list from a dead one


def fits(kind: ActionKind, target: str) -> bool:
    """Addresses and prefixes, and domains where a domain is meant."""
    if kind is ActionKind.BLOCK_DOMAIN:
        return fields.host(target) is not None
    return network(target) is not None


def render(entries: Sequence[Entry], reachable: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG001
    """The three files, each with what it can hold, in the order of the actions."""
    lines: dict[str, list[str]] = {
        suffix: [f"{_DEFAULT} $", f"{test} {_DEFAULT} test"] for suffix, test in _TEST.items()
    } | {".domains": [f"{_DEFAULT} $", f"test {_DEFAULT} test"]}
    for entry in entries:
        net = network(entry.target)
        if net is not None:
            lines["" if net.version == 4 else ".ip6"].append(f"{net} {_DEFAULT} {entry.number}")
        elif name := fields.host(entry.target):
            lines[".domains"].append(f".{name} {_DEFAULT} {entry.number}")  # the dot: it and all below it
    return {suffix: "\n".join(text) + "\n" for suffix, text in lines.items()}
