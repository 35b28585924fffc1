"""What an RDAP answer says: whose a network or domain is, and whom it names as contact.

Pure reading of RFC 9083 objects and RFC 7095 cards, from servers that we chose but do not
trust: bounded in depth and number, every value cleaned. Must never take something for an
address that only stands where one should be ("REDACTED FOR PRIVACY").
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from notifier.headers import clean, is_address

Kind = Literal["ip", "domain"]

ABUSE = "abuse"
_DEEPEST = 8
_MOST_ENTITIES = 200
_NO_PREFERENCE = 100  # RFC 7095: 1 is first, 100 is last and the default here (RD-5)
_PLACEHOLDER = re.compile(
    r"redacted|not[ ._-]?disclosed|please[ ._-]?query|data[ ._-]?protected|privacy[ ._-]?protect|statutory[ ._-]?mask"
    r"|^removed@lacnic\.net$|\.invalid$|^(?:no-?reply|donotreply|nobody|unknown|none|null|n/?a)@",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://[!-~]{1,300}")
_NOT_FOR_US = "object truncated due to authorization"
_CUT_SHORT = frozenset({"object truncated due to excessive load", "object truncated due to unexplainable reasons"})


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as the registry names it. `roles` as in RFC 9083 section 10.2.4, lower-case."""

    address: str
    roles: tuple[str, ...]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A contact with what it was found for: `subject` is the address or domain that was asked
    about, `registration` the registered range or name around it, `source` the document's address."""

    address: str
    roles: tuple[str, ...]
    name: str | None
    kind: Kind
    subject: str
    registration: str
    source: str
    country: str | None = None  # ISO 3166 code of the registration


@dataclass(frozen=True, slots=True)
class RdapAnswer:
    """One registration. `first` and `last` bound an address range (both inclusive), else both are the domain."""

    kind: Kind
    first: str
    last: str
    handle: str | None
    name: str | None
    country: str | None
    source: str
    contacts: tuple[Person, ...] = ()
    withheld: bool = False  # the registry says that it left something out (RFC 9537)
    related: str | None = None  # a domain's record at its registrar (RD-7): an address that strangers wrote

    @property
    def registration(self) -> str:
        """For people: `198.51.100.0 - 198.51.100.255 (EXAMPLE-NET)`, or the domain."""
        held = self.first if self.first == self.last else f"{self.first} - {self.last}"
        label = self.name or self.handle
        return f"{held} ({label})" if label and self.kind == "ip" else held

    def names(self, role: str) -> bool:
        return any(role in person.roles for person in self.contacts)

    def found(self, subject: str) -> tuple[Found, ...]:
        """The contacts, as found for `subject`."""
        return tuple(
            Found(p.address, p.roles, p.name, self.kind, subject, self.registration, self.source, self.country)
            for p in self.contacts
        )


def read(kind: Kind, asked: str, data: object, source: str) -> RdapAnswer | None:
    """The registration in an RDAP document (RFC 9083), or None where it holds none about `asked`."""
    if not isinstance(data, dict) or "errorCode" in data:
        return None
    bounds = _range(data, asked) if kind == "ip" else (asked, asked)
    if bounds is None:
        return None
    return RdapAnswer(
        kind=kind,
        first=bounds[0],
        last=bounds[1],
        handle=_text(data.get("handle")),
        name=_text(data.get("name") if kind == "ip" else data.get("ldhName")),
        country=_text(data.get("country")),
        source=clean(source, 300),
        contacts=tuple(_people(data)),
        withheld=bool(data.get("redacted")) or _NOT_FOR_US in _notices(data, "type"),
        related=_related(data) if kind == "domain" else None,
    )


def is_rate_notice(data: object) -> bool:
    """A document that only says "not so fast" with status 200 (RD-3)."""
    if not isinstance(data, dict) or data.get("objectClassName"):
        return False
    return any("rate limit" in title for title in _notices(data, "title"))


def is_cut_short(data: object) -> bool:
    """A registration of which the registry left something out for now (RFC 9083 section 10.2.1)."""
    return isinstance(data, dict) and not _CUT_SHORT.isdisjoint(_notices(data, "type"))


def _notices(data: Mapping[str, Any], field: str) -> set[str]:
    said = [notice.get(field) for notice in _list(data.get("notices"))[:50] if isinstance(notice, dict)]
    return {text.lower() for text in said if isinstance(text, str)}


def _related(data: Mapping[str, Any]) -> str | None:
    links = [link for link in _list(data.get("links"))[:50] if isinstance(link, dict)]
    named = (link.get("href") for link in links if link.get("rel") == "related" and "rdap" in str(link.get("type")))
    return next((href for href in named if isinstance(href, str) and _ADDRESS.fullmatch(href)), None)


def _range(data: Mapping[str, Any], asked: str) -> tuple[str, str] | None:
    """The range around `asked`; None where the document is about something else."""
    try:
        address = ipaddress.ip_address(asked)
        first = ipaddress.ip_address(str(data.get("startAddress", "")).strip())
        last = ipaddress.ip_address(str(data.get("endAddress", "")).strip())
    except ValueError:
        return None
    if not first.version == last.version == address.version or not int(first) <= int(address) <= int(last):
        return None
    return str(first), str(last)


def _people(data: Mapping[str, Any]) -> Iterator[Person]:
    """Every named address once, with all roles it was seen in (RD-4)."""
    roles: dict[str, list[str]] = {}
    names: dict[str, str | None] = {}
    for entity in _entities(data):
        card = _card(entity)
        address = _address(card)
        if address is None:
            continue
        key = address.lower()
        seen = roles.setdefault(key, [])
        seen += [role for role in _roles(entity) if role not in seen]
        names.setdefault(key, next((_text(value[3]) for value in card if value[0] == "fn"), None))
    for address, held in roles.items():
        yield Person(address, tuple(held), names[address])


def _entities(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All entities, nested ones after their own, bounded in depth and number."""
    waiting: list[tuple[int, Any]] = [(1, entity) for entity in _list(data.get("entities"))]
    for count, (depth, entity) in enumerate(waiting):
        if count == _MOST_ENTITIES:
            return
        if not isinstance(entity, dict):
            continue
        yield entity
        if depth < _DEEPEST:
            # Grows while it is walked: breadth first, so that the nearest contact comes first.
            waiting += [(depth + 1, inner) for inner in _list(entity.get("entities"))]


def _card(entity: Mapping[str, Any]) -> list[list[Any]]:
    """The properties of a jCard: lists of name, parameters, type, value (RFC 7095 section 3.3)."""
    array = _list(entity.get("vcardArray"))
    properties = _list(array[1]) if len(array) > 1 else []
    return [value for value in properties[:200] if isinstance(value, list) and len(value) >= 4]


def _address(card: list[list[Any]]) -> str | None:
    """The preferred e-mail address of a card; among equals one that says abuse, then the first (RD-5)."""
    candidates: list[tuple[float, bool, int, str]] = []
    for number, (name, parameters, _, value, *_) in enumerate(card):
        address = usable(value) if name == "email" else None
        if address is not None:
            candidates.append((_preference(parameters), ABUSE not in address.lower(), number, address))
    return min(candidates)[3] if candidates else None


def usable(value: object) -> str | None:
    """The address in a value of a registry, or None: a placeholder is none."""
    if not isinstance(value, str):
        return None
    text = clean(value, 300).removeprefix("mailto:").strip("<> ")
    local, _, domain = text.rpartition("@")
    address = f"{local}@{domain.lower().rstrip('.')}"
    return None if _PLACEHOLDER.search(address) or not is_address(address) else address


def _preference(parameters: object) -> float:
    value = parameters.get("pref") if isinstance(parameters, dict) else None
    try:
        preference = float(str(value)[:10])
    except ValueError:
        return _NO_PREFERENCE
    return preference if 1 <= preference <= _NO_PREFERENCE else _NO_PREFERENCE


def _roles(entity: Mapping[str, Any]) -> list[str]:
    return [role.strip().lower()[:40] for role in _list(entity.get("roles"))[:20] if isinstance(role, str)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return (clean(value, 200) or None) if isinstance(value, str) else None
