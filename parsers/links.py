"""Where the text of the reported mail points: hosts and addresses, in order, each once.

Nothing is fetched or looked up. Whether a host belongs to a large innocent domain is the
gateway's question. Must never give back a path or a query: they are often made for one
recipient, whom they would name.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from parsers import fields
from parsers.report import ResourceKind

READ = 2_000  # links looked at in one mail
PLACES = 50  # different hosts and addresses kept of them

_AUTHORITY = re.compile(r"[^\s\"'<>\\/?#,;|^`(){}\x00-\x1f]{1,300}")
_ASCII_HOST = re.compile(r"[!-~]{1,200}\.[a-z]{2,20}")
_PLAIN_HOST = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,61}+\.){1,3}+[a-z]{2,20}\Z")  # `fields.place` would say the same
_HOST = ResourceKind.HOST
_SCHEMES = ("http", "https", "ftp", "ftps")
# Names that markup is made of. They are written like links and lead nowhere.
_NAMESPACES = frozenset(
    ("www.w3.org", "schemas.microsoft.com", "schemas.openxmlformats.org", "schemas.xmlsoap.org", "purl.org", "ogp.me")
)
_FETCHED = ("src=", "url(", "background=")  # an image or a font, not a link to follow


class Text(NamedTuple):
    """A readable part: as written, and in lower case with every character in its place."""

    written: str
    lower: str
    html: bool


class Link(NamedTuple):
    """(kind, value) of the place, and whether it is followed by hand or fetched with the page."""

    kind: ResourceKind
    value: str
    followed: bool


def found(texts: Iterable[Text]) -> tuple[Link, ...]:
    """The places that the texts link to; those that a reader would follow first."""
    followed: dict[tuple[ResourceKind, str], bool] = {}
    known: dict[str, tuple[ResourceKind, str] | None] = {}
    for authority, fetched in _authorities(texts):
        if len(followed) >= PLACES:
            break
        if authority in known:
            place = known[authority]
        else:
            known[authority] = place = _place(authority)
        if place is not None:
            followed[place] = not fetched or (place in followed and followed[place])
    links = [Link(kind, value, by_hand) for (kind, value), by_hand in followed.items()]
    return tuple(sorted(links, key=_not_followed) if len(links) > 1 else links)


def _not_followed(link: Link) -> bool:
    return not link.followed


def _authorities(texts: Iterable[Text]) -> list[tuple[str, bool]]:
    """(authority, is it fetched) of the first READ links."""
    written: list[tuple[str, bool]] = []
    for _, lower, is_html in texts:
        at = lower.find("://")
        while at >= 0 and len(written) < READ:
            hit = _AUTHORITY.match(lower, at + 3)
            if hit and (start := _scheme(lower, at)) >= 0:
                written.append((hit[0], is_html and _is_fetched(lower, start)))
            at = lower.find("://", hit.end() if hit else at + 3)
        if not is_html and "www." in lower:
            written += itertools.islice(_bare(lower), READ - len(written))
    return written


def _scheme(lower: str, end: int) -> int:
    """Where the scheme begins that ends there, -1 where it is none of those that are followed."""
    if lower.startswith("https", end - 5) and end >= 5:
        return end - 5
    start = end
    while start > 0 and end - start < 5 and lower[start - 1].isalpha():
        start -= 1
    return start if lower[start:end] in _SCHEMES else -1


def _is_fetched(lower: str, start: int) -> bool:
    before = lower[max(0, start - 14) : start].rstrip("\"' \t\r\n")
    return before.endswith(_FETCHED)


def _bare(lower: str) -> Iterator[tuple[str, bool]]:
    """`www.example.com`, which mail programs turn into a link."""
    at = lower.find("www.")
    while at >= 0:
        hit = _AUTHORITY.match(lower, at)
        if hit and (at == 0 or not (lower[at - 1].isalnum() or lower[at - 1] in "/.@-_")):
            yield hit[0], False
        at = lower.find("www.", hit.end() if hit else at + 4)


def _place(authority: str) -> tuple[ResourceKind, str] | None:
    if not authority.isascii() and (plain := _ASCII_HOST.match(authority)):
        authority = plain[0]  # text without blanks goes on behind the link
    if _PLAIN_HOST.match(authority):
        return None if authority in _NAMESPACES else (_HOST, authority)
    place = fields.place(f"http://{authority.rstrip('.:!*_~]' if '[' not in authority else '.')}")
    return None if place is None or place[1] in _NAMESPACES else place
