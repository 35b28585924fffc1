"""Single values of a report, each rule once: address, time, host, URL, number. Pure text in, normal form out.

Must never guess: what does not read as the value it should be is None, and the caller
notes a defect.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal, NamedTuple

from publicsuffixlist import PublicSuffixList

from parsers import odd_dates
from parsers.report import ResourceKind

Scope = Literal["global", "private", "loopback", "multicast", "reserved"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Ordinary here although `ipaddress` calls them private: an operator's examples and tests use them.
DOCUMENTATION = tuple(
    ipaddress.ip_network(net)
    for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
SHARED = ipaddress.IPv4Network("100.64.0.0/10")  # RFC 6598: inside a provider's network

_V4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!\Z)|\Z)){4}\Z", re.ASCII)
_ADDRESS = re.compile(r"(?:IPv6:)?([0-9A-Fa-f:.]{2,45})(?:%[\w.-]{1,20})?", re.IGNORECASE)
_DATE = re.compile(
    r"(?:[A-Za-z]{3},?\s{0,4})?(\d{1,2})\s{1,4}([A-Za-z]{3})\s{1,4}(\d{4})\s{1,4}(\d{1,2}):(\d{2})(?::(\d{2}))?"
    r"(?:\s{0,4}([+-]\d{4})|\s{1,4}(?:GMT|UTC?|Z)\b)"
)
# `Fri, 20 Nov 2026 03:00:00 +0000`, in which everything has its place.
_USUAL_DATE = re.compile(r"..., (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) ([+-]\d{4})\Z", re.ASCII)
_USUAL_MONTHS = MappingProxyType(
    {name: f"-{number:02}-" for number, name in enumerate(("Jan", "Feb", "Mar", "Apr", "May", "Jun"), start=1)}
    | {name: f"-{number:02}-" for number, name in enumerate(("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=7)}
)
_UTC = frozenset(("0", "+0000", "-0000"))  # "0": a zone by name, which the pattern allows for UTC only
# Those that `email` knows; for others it takes UTC, as it does where there is none. `-0000` is UTC, and enough. CST is
# read as RFC 5322 has it, but half of those who write it mean China's.
_ZONE = re.compile(r"[+-]\d{4}\b|\b(?:UTC?|GMT|Z|[EMPA][SD]T|CDT)\b", re.IGNORECASE)
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_PLAIN_ADDRESS = re.compile(r"<?([\w.+=-]{1,64})@([A-Za-z0-9.-]{0,253}[A-Za-z0-9])>?\Z", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)+[a-z0-9-]{2,63}\Z")
_URL = re.compile(r"[a-z][a-z0-9+-]{1,15}://([^/?#\\\s]{1,500})", re.IGNORECASE)
# One that needs no second look: a name in lower case, and behind it its path or nothing.
_PLAIN_URL = re.compile(r"https?://((?:[a-z0-9][a-z0-9-]{0,61}+\.){1,3}+[a-z]{2,20}+)(?=[/?#]|\Z)")
_HOST_KIND = ResourceKind.HOST
_MASKED = re.compile(r"(?:[\d.:]{1,15}[.:])?[x*?]{1,4}(?:[.:][x*?]{1,4}){0,6}", re.IGNORECASE)
_PHONE = re.compile(r"\+?\d[\d ()./-]{5,20}\d", re.ASCII)
_DEFANGED = re.compile(r"\[(\.|:)\]|\((\.)\)|\[(at)\]|\{(\.)\}", re.IGNORECASE)


def ip(text: str) -> str | None:
    """An address in any spelling that mail knows: `[IPv6:2001:DB8::1]`, `::ffff:192.0.2.1`, `192.0.2.1 (comment)`."""
    if _V4.match(text):
        return text
    text = text.lstrip(" \t[<(")
    found = _ADDRESS.match(text)
    if not found:
        return None
    after = text[found.end() : found.end() + 1]
    if after and after not in " \t]>);/":
        return None
    return _compressed(found[1].rstrip("."))


@lru_cache(maxsize=4096)
def _compressed(text: str) -> str | None:
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@lru_cache(maxsize=4096)
def scope(address: str) -> Scope:
    """Where an address of `ip()` may live. NAT64 and 6to4 count as the address inside."""
    value: Address = ipaddress.ip_address(address)
    if isinstance(value, ipaddress.IPv6Address):
        if value in NAT64:
            value = ipaddress.IPv4Address(int(value) & 0xFFFFFFFF)
        elif value.sixtofour is not None:
            value = value.sixtofour
    if value.is_multicast:
        return "multicast"
    if value.is_loopback or value.is_unspecified:
        return "loopback"
    if not value.is_private and not (value.version == 4 and value in SHARED):
        return "reserved" if value.is_reserved else "global"
    if any(value.version == net.version and value in net for net in DOCUMENTATION):
        return "global"
    return "reserved" if value.is_reserved and value.version == 4 else "private"


class Time(NamedTuple):
    """`value` is aware UTC. `zoned` is False where the text named no zone that is known, and UTC was taken."""

    value: datetime
    zoned: bool


def instant(text: str) -> datetime | None:
    """The time alone, of a date that is nearly always written as RFC 5322 has it."""
    value = _usual_time(text.strip())
    if value is None and (read := time(text)) is not None:
        return read.value
    return value


def time(text: str) -> Time | None:
    """RFC 5322 dates, what senders make of them, and ISO 8601."""
    text = text.strip()[:100]
    if (value := _usual_time(text)) is not None:
        return Time(value, zoned=True)
    found = _DATE.match(text)
    if found and (month := _MONTHS.get(found[2].lower())):
        day, _, year, hour, minute, second, offset = found.groups("0")
        try:
            value = datetime(int(year), month, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC)
            return Time(value if offset in _UTC else value - _offset(offset), zoned=True)
        except (ValueError, OverflowError):
            return None
    return _unusual_time(text)


@lru_cache(maxsize=16)  # one mail says the same few times again and again
def _usual_time(text: str) -> datetime | None:
    """The one shape that nearly all mail has, by its places. None for every other, and for what is no date."""
    if (usual := _USUAL_DATE.match(text)) is None:
        return None
    day, name, year, clock, zone = usual.groups()
    try:
        value = datetime.fromisoformat(f"{year}{_USUAL_MONTHS[name]}{day}T{clock}{zone}")
        return value if value.tzinfo is UTC else value.astimezone(UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def is_usual(text: str) -> bool:
    """Is a date written as RFC 5322 has it?"""
    return _USUAL_DATE.match(text) is not None or _DATE.match(text.strip()[:100]) is not None


def _offset(text: str) -> timedelta:
    if text[0] not in "+-":
        raise ValueError(f"{text} is no offset")
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    if minutes >= 24 * 60:
        raise ValueError(f"{text} is no offset")
    return timedelta(minutes=-minutes if text[0] == "-" else minutes)


def _unusual_time(text: str) -> Time | None:
    try:
        iso = datetime.fromisoformat(text)
        return Time(iso.astimezone(UTC), zoned=True) if iso.tzinfo else Time(iso.replace(tzinfo=UTC), zoned=False)
    except (ValueError, OverflowError):
        pass
    text = odd_dates.plain(text)
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        zone = timezone(timedelta(seconds=fields[9] or 0))
        value = datetime(*fields[:5], min(fields[5], 59), tzinfo=zone).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return Time(value, zoned=bool(_ZONE.search(text)))


def address(text: str) -> str | None:
    """`local@domain` with the domain in lower case, "" for the null path `<>`, None for neither."""
    if found := _PLAIN_ADDRESS.match(text):
        return f"{found[1]}@{found[2].lower()}"
    text = text.strip()
    opened = text.rfind("<")
    if opened >= 0:
        text = text[opened + 1 :].partition(">")[0].strip()
        if not text:
            return ""
    if text[:7].lower() == "rfc822;" or text[:6].lower() == "utf-8;":
        text = text.partition(";")[2].strip()
    text = text.partition(" ")[0].rstrip(",;")
    if text.startswith("@") and ":" in text:  # a source route, RFC 5321 appendix C
        text = text.partition(":")[2]
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or len(text) > 512:
        return None
    return f"{local}@{domain.lower().rstrip('.')}"


def host(text: str) -> str | None:
    """A host name in lower case, as A-labels where it was written in another script."""
    if _HOST.match(text):
        return text
    name = undefang(text).strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name[:253].encode("idna").decode("ascii")
        except (UnicodeError, ValueError):
            return None
    return name if _HOST.match(name) else None


def undefang(text: str) -> str:
    """`hxxp://www[.]example[.]net` as it was before somebody made it harmless."""
    if "[" in text or "(" in text or "{" in text:
        text = _DEFANGED.sub(lambda hit: "@" if hit[3] else hit[1] or hit[2] or hit[4], text)
    if text[:1] not in "hHmM":
        return text
    for broken, whole in (("hxxps", "https"), ("hxxp", "http"), ("meow://", "http://")):
        if text[: len(broken)].lower() == broken:
            return whole + text[len(broken) :]
    return text


def place(url: str) -> tuple[ResourceKind, str] | None:
    """Where a URL points: (ip, address) or (host, name). Nothing is looked up or fetched."""
    if plain := _PLAIN_URL.match(url):
        return _HOST_KIND, plain[1]
    found = _URL.match(undefang(url.strip()))
    if not found:
        return None
    authority = found[1].rpartition("@")[2]
    if authority.startswith("["):
        inside = ip(authority.partition("]")[0])
        return (ResourceKind.IP, inside) if inside else None
    name = authority.partition(":")[0]
    if not name[-1:].isalpha() and (literal := ip(name)) is not None:
        return ResourceKind.IP, literal
    named = host(name)
    return (ResourceKind.HOST, named) if named else None


def resource(text: str) -> tuple[ResourceKind, str] | None:
    """What an identifier of unstated kind is, with its normal form: address, URL, host, mailbox or telephone number.

    A prefix is None, and so is an address with digits hidden: they name no one.
    """
    said = undefang(text.strip())
    if (literal := ip(said)) is not None:
        return (ResourceKind.IP, literal) if said.endswith(("/32", "/128")) or "/" not in said else None
    if _MASKED.fullmatch(said):
        return None
    if place(said):
        return ResourceKind.URL, said
    if name := host(said):
        return ResourceKind.HOST, name
    if "@" in said and (box := address(said)):
        return ResourceKind.MAILBOX, box
    if _PHONE.fullmatch(said):
        return ResourceKind.PHONE, re.sub(r"[^+\d]", "", said)
    return None


def number(text: str, most: int) -> int | None:
    """A decimal number in 0..most."""
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        return None
    value = int(digits)
    return value if value <= most else None


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=4096)
def registrable(name: str) -> str | None:
    """The domain that somebody registered: `example.co.uk` of `mx.example.co.uk` (bundled Public Suffix List)."""
    found: str | None = _suffixes().privatesuffix(name.lower().rstrip("."))
    return found


def same_organisation(one: str, other: str) -> bool:
    """Do two host names share their registrable domain? Names that differ in the last two labels cannot."""
    if one.rsplit(".", 2)[-2:] != other.rsplit(".", 2)[-2:]:
        return False
    domain = registrable(one)
    return domain is not None and domain == registrable(other)


def distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    """In order, each once, without what could not be read."""
    return tuple(dict.fromkeys(filter(None, values)))
