"""The values in one cell of a customer file: resource, ports, time, contacts. Text in, value out.

Must never fill a gap with a guess: what is not clear is refused, and the error says what to write instead.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

FIELD_CHARS = 2_000
KEY_CHARS = 64
CONTACTS = 20
LANGUAGES = ("en", "zh", "ro")
ALL_PORTS = (0, 65535)
USES = ("exclusive", "shared", "protected")
DELIVERIES = ("mail", "arf", "xarf", "digest", "portal")
ROLES = ("abuse", "technical", "owner", "billing")

_KEY = re.compile(r"[^\s/;,](?:[^/;,]*[^\s/;,])?")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_CHANNEL = re.compile(r"channel:[a-z0-9][a-z0-9_-]{0,63}")
_NUMERIC = re.compile(r"[\d.\s-]+")
_PORT = re.compile(r"[0-9]{1,5}")


class BadValueError(ValueError):
    """What is wrong with a value and what to write instead; reads on after the value."""


def plain(text: str) -> None:
    """Refuse what no cell may hold."""
    if len(text) > FIELD_CHARS:
        raise BadValueError(f"has {len(text)} characters: at most {FIELD_CHARS} are allowed")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise BadValueError("is not UTF-8: save the file as UTF-8")
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text):
        raise BadValueError("has control characters or a line break: take them out")


def key(text: str) -> str:
    """The key of a customer, or the name of an account."""
    if len(text) > KEY_CHARS or not _KEY.fullmatch(text):
        raise BadValueError(f"is no key: write 1 to {KEY_CHARS} characters without slash, comma or semicolon")
    return text


def language(text: str) -> str:
    if text not in LANGUAGES:
        raise BadValueError(f"is no language that notices are written in: write {', '.join(LANGUAGES)}")
    return text


def yes_no(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise BadValueError("is neither yes nor no: write one of them")
    return text == "yes"


def use(text: str) -> str:
    if text not in USES:
        raise BadValueError(f"is no use of a resource: write {', '.join(USES)}")
    return text


def delivery(text: str) -> str:
    if text not in DELIVERIES and not _CHANNEL.fullmatch(text):
        raise BadValueError(f"is no way to be told: write {', '.join(DELIVERIES)}, or channel:NAME of the settings")
    return text


def other_contacts(text: str) -> tuple[tuple[str, str, str | None], ...]:
    """(role, address, language or None) of `technical=noc@example.net;owner=ann@example.net/ro`, in order."""
    found = []
    for part in text.split(";"):
        role, _, rest = part.strip().partition("=")
        address, _, tongue = rest.partition("/")
        if role not in ROLES:
            raise BadValueError(f"holds {part.strip()[:80]!r}: write role=address, with a role of {', '.join(ROLES)}")
        found.append((role, contacts(address)[0], language(tongue) if tongue else None))
    return tuple(found[:CONTACTS])


def contacts(text: str) -> tuple[str, ...]:
    """Mail addresses separated by `;`, in order of trial, each once."""
    found: dict[str, None] = {}
    for part in text.split(";"):
        address = part.strip()
        local, _, domain = address.rpartition("@")
        if len(local) > 64 or not _LOCAL.fullmatch(local) or not _HOST.fullmatch(domain.lower()):
            shown = address[:80]
            raise BadValueError(f"holds {shown!r}, no mail address: write local@domain; several with ; between them")
        found[f"{local}@{domain.lower()}"] = None
    if len(found) > CONTACTS:
        raise BadValueError(f"holds {len(found)} addresses: write at most {CONTACTS}")
    return tuple(found)


def time(text: str) -> datetime:
    """ISO 8601 with its zone, as UTC."""
    try:
        value = datetime.fromisoformat(text)
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadValueError("is no time: write ISO 8601 with a zone, like 2026-01-31T00:00:00Z") from None
    raise BadValueError(f"has no zone: write {value.isoformat()}Z for UTC, or the offset, like +08:00")


def ports(first: str, last: str) -> tuple[int, int] | None:
    """Both bounds of a port block, or None for the whole address (both empty, or 0 to 65535)."""
    if not first and not last:
        return None
    for text in (first, last):
        if not _PORT.fullmatch(text) or int(text) > ALL_PORTS[1]:
            raise BadValueError("is no port block: write 0 to 65535 in port_first and port_last, or leave both empty")
    block = int(first), int(last)
    if block[0] > block[1]:
        raise BadValueError("is no port block: port_last is below port_first")
    return None if block == ALL_PORTS else block


def resource(text: str) -> tuple[str, int, int, int]:
    """(normal text, family, first, last) of a prefix, an address, a range `a-b` or a host name (family 0)."""
    text = text.strip()
    if "/" in text or ":" in text or _NUMERIC.fullmatch(text):
        return _range(text) if "-" in text else _prefix(text)
    name = text.rstrip(".").lower()
    if name.startswith("*."):
        raise BadValueError(f"is a pattern: write {name[2:]}, which stands for all names below it too")
    try:
        name = name[:254] if name.isascii() else name[:254].encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):
        raise BadValueError("is no prefix, address, range or host: write one like 192.0.2.0/24 or www.example.net")
    return name, 0, 0, 0


def _prefix(text: str) -> tuple[str, int, int, int]:
    try:
        if "%" in text:
            raise ValueError("a zone index is local to a machine")  # noqa: TRY301  # same advice as for other nonsense
        network = ip_network(text, strict=False)
        address = ip_address(text.partition("/")[0])
    except ValueError:
        raise BadValueError("is no prefix or address: write one like 192.0.2.0/24 or 2001:db8::/48") from None
    if isinstance(network, IPv6Network) and (inside := network.network_address.ipv4_mapped):
        plain_v4 = IPv4Network((inside, max(network.prefixlen - 96, 0)), strict=False)
        raise BadValueError(f"is IPv4 written as IPv6: write {plain_v4}")
    if address != network.network_address:
        raise BadValueError(f"has bits set behind the prefix length: write {network} or {address}")
    whole = network.prefixlen == network.max_prefixlen
    shown = str(network.network_address if whole else network)
    return shown, network.version, int(network.network_address), int(network.broadcast_address)


def _range(text: str) -> tuple[str, int, int, int]:
    try:
        first, last = (ip_address(part.strip()) for part in text.split("-"))
    except ValueError:
        raise BadValueError("is no range: write first-last, like 192.0.2.10-192.0.2.20") from None
    if first.version != last.version or int(first) > int(last):
        raise BadValueError("is no range: first and last must be of one family and in order")
    if first == last:
        return _prefix(str(first))
    return f"{first}-{last}", first.version, int(first), int(last)
