"""Links that leave the house: nobody can click them, and what is unique in them tells nobody who got the mail.

Pure and linear. The path and query of a link are often made for one recipient, and so is a long host label: both
become tokens, whatever the scheme, and also where none is written. Must never fetch anything, nor count on a blank
before a link: Chinese has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_SLASH = r"(?:[/\\]|%2f|%5c)"
_STOPS = "，、；！？（）【】《》「」"  # what ends a link in a text that has no blanks
_ENDS = ".,;:!?)]'\""
_HOST = rf"(?:(?!%2f|%3f|%23|%5c)[^\s/?#<>\"'\\{_STOPS}])"
# A name with a path behind it opens too, in many programs; the domain of an address does not.
_BARE = r"(?<![A-Za-z0-9@._\-\]])(?:[A-Za-z0-9-]{1,63}%s)+[A-Za-z]{2,24}(?::[0-9]{1,5})?(?=[/?#])"
_BARE_DEAD = _BARE % r"\[[.]\]"
_WWW = r"(?<![A-Za-z0-9])www"
_LINK = re.compile(
    rf"(h)(?:tt|xx)(ps?)((?::|%3a){_SLASH}+)({_HOST}*)|(f)[tx](ps?)(://)({_HOST}*)|({_WWW}\.{_HOST}+|{_BARE % '[.]'})",
    re.IGNORECASE,
)
_OTHER = re.compile(r"([a-z][a-z0-9+.-]{1,20})://", re.IGNORECASE)
_OPENS_NOTHING = re.compile(r".*(?:hxxps?|fxps?)", re.IGNORECASE)
# The bracket of an IPv6 literal or of a dot that was taken out belongs to the host; the one that closes our own
# remark around a link does not.
_LINK_TAIL = re.compile(
    rf"((?:hxxps?(?::|%3a){_SLASH}+|fxps?://|:\]//|{_WWW}\[\.\]){_HOST}*|{_BARE_DEAD})"
    rf"((?:[/?#\\]|%2f|%3f|%23|%5c)[^\s<>。{_STOPS}]*)?",
    re.IGNORECASE,
)
# Nothing but what may be made for one recipient; and what is asked of a mailbox.
_NO_HOST = re.compile(
    r"\b((?:data|cid|mid|javascript|tel|sms|callto|magnet):|mailto:[^\s?<>\[\]]{0,320}\?)([^\s<>\]]+)", re.IGNORECASE
)
_RELATIVE = re.compile(r"(\[(?:link|loads): )([^\s\[\]:]+)(?=\])")  # as `markup` writes what a mail links to
_MAY_LINK = re.compile(r"://|:[/\\]|www\.|%3a|\.[a-z]{2,24}(?::[0-9]{1,5})?[/?#]", re.IGNORECASE)
_TAIL_MARKS = ("[.]", "/", "\\", ":", "%")
_MADE_FOR_ONE = re.compile(  # a host label like this
    r"(?=[\w-]*\d)[\w-]{16,}|[0-9a-f]{10,}|(?=[a-z-]*\d)(?=[\d-]*[a-z])[0-9a-z-]{8,}", re.IGNORECASE
)


def defang(text: str) -> str:
    """Links that nobody can click: `hxxp://shop[.]example/`. Linear, and the same when done twice."""
    if not _MAY_LINK.search(text):  # nearly everything
        return text
    return _OTHER.sub(_closed, _LINK.sub(_dead, text))


def _dead(match: re.Match[str]) -> str:
    if match[9]:
        return _dots(match[9])
    first, rest, slashes, host = (match[1], f"xx{match[2]}", match[3], match[4]) if match[1] else (
        match[5], f"x{match[6]}", match[7], match[8]
    )  # fmt: skip
    return f"{first}{rest}{slashes}{_dots(host)}"


def _closed(match: re.Match[str]) -> str:
    return match[0] if _OPENS_NOTHING.fullmatch(match[1]) else f"{match[1]}[:]//"


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
        tail, host = match[2] or "", _host(match[1], token)
        marked = tail.rstrip(_ENDS)  # the same link has the same token, whatever sentence it ends
        return f"{host}/{token(marked)}{tail[len(marked) :]}" if marked.strip("/?#\\") else host + tail

    if not any(mark in text for mark in _TAIL_MARKS):  # nearly everything
        return text
    text = _NO_HOST.sub(lambda match: match[1] + token(match[2]), _LINK_TAIL.sub(shown, text))
    return _RELATIVE.sub(lambda match: match[0] if "[.]" in match[2] else match[1] + token(match[2]), text)


def site(host: str, token: Callable[[str], str]) -> str:
    """A host name without the labels that may be made for one recipient."""
    labels = host.split(".")
    # The last two are the registered name, which is evidence and nobody's secret.
    labels[:-2] = [token(one) if _MADE_FOR_ONE.fullmatch(one) else one for one in labels[:-2]]
    return ".".join(labels)


def _host(link: str, token: Callable[[str], str]) -> str:
    scheme, slashes, place = link.rpartition("//")
    login, at, host = place.rpartition("@")
    named = site(host.replace("[.]", "."), token).replace(".", "[.]")
    return f"{scheme}{slashes}{token(login) + '[@]' if at else ''}{named}"


def _dots(host: str) -> str:
    return re.sub(r"\[[.]\]|[.\u3002\uff0e\uff61]", "[.]", host)
