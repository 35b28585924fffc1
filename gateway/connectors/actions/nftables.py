"""An nftables file: one table `arfgate` with a set for each kind of block, loaded whole by `nft -f FILE`.

The table stands before routing, so that it holds for what the machine forwards and for what it serves. What must stay
reachable (the portal, our mail) is let through first, in both directions. Loading is one transaction: there is no
moment without the table. Must never block an address that the operator's own services have.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence

from gateway.casework.actions import Network, network
from gateway.connectors.contract import Entry
from gateway.model import ActionKind

_SETS = {
    ActionKind.BLOCK_ADDRESS: "blocked",
    ActionKind.LIST_FOREIGN: "foreign",
    ActionKind.BLOCK_PORT_25: "port25",
    ActionKind.STOP_OUTGOING: "nomail",
    ActionKind.WALLED_GARDEN: "garden",
}
KINDS = frozenset(_SETS)
_FAMILIES = {4: "ip", 6: "ip6"}
_NAME_SERVICE = "53, 67, 68, 546, 547"  # a walled garden still has names and leases


def fits(kind: ActionKind, target: str) -> bool:
    """Addresses and prefixes."""
    return kind in KINDS and network(target) is not None


def render(entries: Sequence[Entry], reachable: Sequence[str]) -> Mapping[str, str]:
    """The whole file. `reachable`: `prefix`, `address:port` or `[address]:port`."""
    lines = ["add table inet arfgate", "delete table inet arfgate", "table inet arfgate {"]
    for version in _FAMILIES:
        for kind, name in _SETS.items():
            held = [net for e in entries if e.kind is kind and (net := network(e.target)) and net.version == version]
            lines += _set(f"{name}{version}", version, held)
    lines += ["  chain before {", "    type filter hook prerouting priority raw; policy accept;"]
    open_ports = [place for text in reachable if (place := _place(text))]
    for version, family in _FAMILIES.items():
        lines += [f"    {rule}" for rule in _rules(version, family, open_ports)]
    return {"": "\n".join([*lines, "  }", "}", ""])}


def _set(name: str, version: int, held: Sequence[Network]) -> Iterator[str]:
    yield f"  set {name} {{"
    yield f"    type ipv{version}_addr; flags interval; auto-merge;"
    if held:
        yield f"    elements = {{ {', '.join(str(net) for net in held)} }}"
    yield "  }"


def _rules(version: int, family: str, open_ports: Sequence[tuple[Network, int | None]]) -> Iterator[str]:
    stopped = [f"@{name}{version}" for name in ("blocked", "foreign", "port25", "nomail", "garden")]
    for net, port in open_ports:
        if net.version != version:
            continue
        for held in stopped:
            there = "" if port is None else f" th dport {port}"
            back = "" if port is None else f" th sport {port}"
            yield f"{family} saddr {held} {family} daddr {net} meta l4proto {{ tcp, udp }}{there} counter accept"
            yield f"{family} saddr {net} {family} daddr {held} meta l4proto {{ tcp, udp }}{back} counter accept"
    for name in ("blocked", "foreign"):
        yield f"{family} saddr @{name}{version} counter drop"
        yield f"{family} daddr @{name}{version} counter drop"
    yield f"{family} saddr @port25{version} tcp dport 25 counter drop"
    yield f"{family} saddr @nomail{version} tcp dport {{ 25, 465, 587 }} counter drop"
    yield f"{family} saddr @garden{version} meta l4proto {{ tcp, udp }} th dport {{ {_NAME_SERVICE} }} accept"
    yield f"{family} daddr @garden{version} meta l4proto {{ tcp, udp }} th sport {{ {_NAME_SERVICE} }} accept"
    yield f"{family} saddr @garden{version} counter drop"
    yield f"{family} daddr @garden{version} counter drop"


def _place(text: str) -> tuple[Network, int | None] | None:
    """A prefix with or without a port; None for a name, which a packet does not carry."""
    net = network(text)
    if net is not None:
        return net, None
    host, _, port = text.rpartition(":")
    try:
        return ipaddress.ip_network(host.strip("[]")), int(port)
    except ValueError:
        return None
