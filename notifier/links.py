"""Links that leave the house: nobody can click them, and what is unique in them tells nobody who got the mail.

Pure and linear. The path and query of a link are often made for one recipient, and so is a long host label: both
become tokens. Must never fetch anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LINK = re.compile(r"\b(h)(?:tt|xx)(ps?)(://|%3a%2f%2f)([^\s/?#<>\"'\\]*)|\b(www\.[^\s/?#<>\"'\\]+)", re.IGNORECASE)
# The bracket of an IPv6 literal or of a dot that was taken out belongs to the host; the one that closes our own
# remark around a link does not.
_LINK_TAIL = re.compile(r"((?:hxxps?://|\bwww\[\.\])[^\s/?#<>\"'\\]*)([/?#][^\s<>\"']*)?", re.IGNORECASE)
_LINK_MARKS = ("://", "www.", "%3a%2f%2f")
_FTP = re.compile(r"\bf(?:t|x)(ps?://)", re.IGNORECASE)
_MADE_FOR_ONE = re.compile(r"(?=[\w-]*\d)[\w-]{16,}|[0-9a-f]{10,}", re.IGNORECASE)  # a host label like this


def defang(text: str) -> str:
    """Links that nobody can click: `hxxp://shop[.]example/`. Linear, and the same when done twice."""

    def dead(match: re.Match[str]) -> str:
        if match[5]:
            return _dots(match[5])
        return f"{match[1]}xx{match[2]}{match[3]}{_dots(match[4])}"

    lowered = text.lower()
    if not any(mark in lowered for mark in _LINK_MARKS):  # nearly everything
        return text
    return _FTP.sub(r"fx\1", _LINK.sub(dead, text))


def dead_host(host: str) -> str:
    """A host name that no mail program turns into a link: `shop[.]example`."""
    return _dots(host)


def dead_scheme(uri: str) -> str:
    """A URI that stays one (RFC 3986) and opens nothing: only the scheme is changed."""
    return re.sub(r"^\s*(h)tt(ps?:)", r"\1xx\2", uri, count=1, flags=re.IGNORECASE)


def without_marks(text: str, token: Callable[[str], str]) -> str:
    """Defanged text in whose links `token` stands for what may be made for one recipient: path, query and fragment
    (a bare `/` stays), user and password before the host, and long labels of the host."""

    def shown(match: re.Match[str]) -> str:
        tail = match[2] or ""
        if tail.strip("/?#"):
            tail = f"/{token(tail)}"
        return _host(match[1], token) + tail

    return _LINK_TAIL.sub(shown, text)


def _host(link: str, token: Callable[[str], str]) -> str:
    scheme, slashes, place = link.rpartition("://")
    login, at, host = place.rpartition("@")
    labels = host.split("[.]")
    # The last two are the registered name, which is evidence and nobody's secret.
    labels[:-2] = [token(one) if _MADE_FOR_ONE.fullmatch(one) else one for one in labels[:-2]]
    return f"{scheme}{slashes}{token(login) + at if at else ''}{'[.]'.join(labels)}"


def _dots(host: str) -> str:
    return host.replace("[.]", ".").replace(".", "[.]")
