"""Postfix tables: FILE for senders and domains (access(5), to be indexed by `postmap`), FILE.cidr for addresses.

Used as `check_sender_access hash:FILE` and `check_client_access cidr:FILE.cidr`; FILE.cidr is read anew when Postfix
is reloaded or its processes end. Must never tell a sender why: the answer names the entry's number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.casework.actions import network
from gateway.connectors.contract import Entry
from gateway.model import ActionKind
from parsers import fields

KINDS = frozenset(
    {
        ActionKind.BLOCK_SENDER,
        ActionKind.BLOCK_DOMAIN,
        ActionKind.LIST_FOREIGN,
        ActionKind.BLOCK_ADDRESS,
        ActionKind.BLOCK_PORT_25,
        ActionKind.STOP_OUTGOING,
        ActionKind.DISABLE_MAIL,
    }
)


def fits(kind: ActionKind, target: str) -> bool:
    """Addresses, prefixes, mailboxes, and domains where a domain is meant."""
    if network(target) is not None:
        return kind not in (ActionKind.BLOCK_SENDER, ActionKind.BLOCK_DOMAIN)
    if kind is ActionKind.BLOCK_DOMAIN:
        return fields.host(target) is not None
    return bool(fields.address(target)) and not any(c.isspace() or c in '"\\#' for c in target)


def render(entries: Sequence[Entry], reachable: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG001
    """Both tables. What is listed first wins in a cidr table, so that narrower prefixes come first."""
    names: dict[str, int] = {}
    nets = []
    for entry in entries:
        net = network(entry.target)
        if net is not None:
            nets.append((net, entry.number))
        elif entry.kind is ActionKind.BLOCK_DOMAIN:
            name = fields.host(entry.target) or entry.target
            names.setdefault(name, entry.number)
            names.setdefault(f".{name}", entry.number)
        else:
            names.setdefault(entry.target.lower(), entry.number)
    nets.sort(key=lambda one: (one[0].version, -one[0].prefixlen, int(one[0].network_address), one[1]))
    return {
        "": "".join(f"{name} {_refusal(number)}\n" for name, number in names.items()),
        ".cidr": "".join(f"{net} {_refusal(number)}\n" for net, number in nets),
    }


def _refusal(number: int) -> str:
    return f"REJECT 5.7.1 not accepted here, reference {number}"
