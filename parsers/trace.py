"""Received fields -> hops, and the hop that handed the mail over to the reporter's own network.

Shapes by standards.md RCV-1..7: never the first address of a line, never a HELO, since both
are the peer's own words. Must never believe a line because of what stands in a lower one,
and never decide whose address it is: that is attribution's.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

from parsers import fields
from parsers.report import Hop

HOPS = 100  # RFC 5321 section 6.3 calls more than that a loop
LINE_CHARS = 2_000

_COMMENT = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
# With the port inside the brackets or after them. IPv6 addresses have no port inside: it would be ambiguous.
_BRACKETED = re.compile(
    r"\[((?:\d{1,3}\.){3}\d{1,3}|(?:IPv6:)?[0-9A-F:.]{2,45}(?:%\w{1,20})?)(?::(\d{1,5}))?\](?::(\d{1,5}))?",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?<![\w.:=\[-])((?:\d{1,3}\.){3}\d{1,3}|(?:IPv6:)?[0-9A-F]{0,4}(?::[0-9A-F.]{0,15}){2,8})(?![\w.-])",
    re.IGNORECASE,
)
# What Postfix, Sendmail and Gmail write; with a login in it, or anything else, it is read piece by piece.
_USUAL = re.compile(
    r"\s?from ([A-Za-z][\w.-]{0,252})\s+\((?:([A-Za-z][\w.-]{0,252}) )?\[((?:IPv6:)?[0-9A-Fa-f:.]{2,45})\]\)"
    r"\s+by ([A-Za-z](?:[\w.-]{0,251}\w)?)(?=\s|\Z)",
    re.ASCII,
)
_PORT = re.compile(r"\bport[= ](\d{1,5})\b")
_CLAIMED = re.compile(r"\b(?:helo|ehlo|ident)=\S{0,255}", re.IGNORECASE)
_INTERNAL = re.compile(r"\s*(?:\([^()]{0,100}\)\s*)?with (?:HTTPS|mapi)\b")
_HELO_GROUP = re.compile(r"(?:helo|ehlo)\b[ =]?", re.IGNORECASE)
_NOT_THE_PEER = re.compile(
    r"(?:authenticated|using|envelope-from|version=|no client|verified|cipher|sender|return-path)", re.IGNORECASE
)
_BY = re.compile(r"(?:^|\s)by\s+(\S{1,255})")
_FROM = re.compile(r"\s*from\s+(\S{1,255})")
_LOGIN = re.compile(
    r"(?:authenticated[ _-]?(?:sender|user|id)|smtp\.auth|\bauth(?:[ _-]?(?:user|id|login))?)"
    r"\s?[:=]\s?<?([^\s<>();,]{1,200})",
    re.IGNORECASE,
)
_LOGIN_AT = re.compile(r"([^\s@()]{1,100}(?:@[^\s@()]{1,200})?)@\[?(?:\d{1,3}\.){3}\d{1,3}\]?\Z")
_AUTHENTICATED = re.compile(r"\bwith (?:E?SMTP|LMTP)S?A\b")  # RFC 3848
# From here on a comment holds what the peer chose: its return path, certificate, HELO, or what its ident server said.
_PEERS_WORDS = re.compile(r"\b(?:helo|ehlo|ident|envelope-from|return-path|client cn|issuer|subject)\b", re.IGNORECASE)
_ADDRESS_BEGINS = frozenset("0123456789( ")  # one without colons
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}\Z")


def hop(line: str) -> Hop:
    """One unfolded Received value. What is not there or cannot be read is None."""
    text, semicolon, date = line[:LINE_CHARS].rpartition(";")
    time, zoned = (fields.time(date) if semicolon else None) or (None, True)
    if not semicolon:
        text = date
    if (usual := _USUAL.match(text)) and "uth" not in text:
        helo, looked_up, written, by_name = usual.groups()
        if address := fields.ip(written):
            rdns = looked_up.rstrip(".").lower() if looked_up and "." in looked_up else None
            return Hop(address, None, time, by_name.lower(), None, helo.rstrip(".").lower(), rdns, zoned=zoned)
    outside = _COMMENT.sub(lambda hit: " " * len(hit[0]), text)  # same length: places stay the same
    by = _BY.search(outside)
    given = _FROM.match(outside)
    by_host = _host(by[1]) if by else None
    if given is None:
        login, ident = _login(text)
        return Hop(None, None, time, by_host, login, ident=ident, zoned=zoned)
    peer = text[: by.start()] if by else text
    helo = given[1]
    comments = [hit[1].strip() for hit in _COMMENT.finditer(peer)]
    ip, port = _peer(helo, comments)
    rdns = _rdns(helo, comments, ip)
    if ip and rdns is None and by and _own_host(ip, text[by.end() :]):
        rdns = _host(helo)
    login, ident = _login(text)
    return Hop(ip, port, time, by_host, login, _host(helo), rdns, ident, zoned)


def hops(lines: tuple[str, ...]) -> tuple[Hop, ...]:
    return tuple([hop(line) for line in lines[:HOPS]])


def handover(trace: tuple[Hop, ...]) -> int | None:
    """The first hop from the top whose global address lies outside the registrable domain of its `by` host.

    That one the reporter's border wrote about a stranger; everything below may be invented.
    Only the looked-up name counts as inside: a HELO is the stranger's own choice.
    """
    for index, one in enumerate(trace):
        if one.ip is None or fields.scope(one.ip) != "global":
            continue
        if one.rdns and one.by and fields.same_organisation(one.rdns, one.by):
            continue
        return index
    return None


def _peer(helo: str, comments: list[str]) -> tuple[str | None, int | None]:
    """The connecting address: bracketed in the last comment that has one, bare in a comment, else `from [address]`."""
    groups = [_CLAIMED.sub(" ", one) for one in comments if not _NOT_THE_PEER.match(one) and not _HELO_GROUP.match(one)]
    for group in reversed(groups):
        if found := _BRACKETED.search(group):
            return fields.ip(found[1]), _port(found[2] or found[3], comments)
    for group in reversed(groups):
        if found := _BARE.search(group.rpartition("@")[2]):
            return fields.ip(found[1]), _port(None, comments)
    if found := _BRACKETED.match(helo):
        return fields.ip(found[1]), _port(found[2] or found[3], comments)
    if not groups:
        return fields.ip(helo), _port(None, comments)
    return None, None


def _port(digits: str | None, comments: list[str]) -> int | None:
    if digits is None:
        found = next((hit for one in comments if (hit := _PORT.search(one))), None)
        digits = found[1] if found else None
    return fields.number(digits, 65535) if digits else None


def _rdns(helo: str, comments: list[str], ip: str | None) -> str | None:
    """The looked-up name: `helo (NAME [ip])`. Exim and qmail put it first and name the HELO beside it."""
    if ip is None:
        return None
    for one in comments:
        if "may be forged" in one:  # Sendmail's word for a name that does not lead back to the address
            continue
        word = one.partition(" ")[0].rstrip(".")
        if "[" in one and _NAME.match(word) and "." in word and fields.ip(word) is None:
            return word.lower()
    named_beside = any(_HELO_GROUP.match(one) or "helo=" in one.lower() for one in comments)
    return _host(helo) if named_beside and "." in helo and fields.ip(helo) is None else None


def _own_host(ip: str, after_by: str) -> bool:
    """Does the `by` host itself show that the peer is its neighbour? Then the name in the line is no stranger's HELO.

    Exchange names no looked-up host, but gives its own address: one in the same /16 (IPv6: /32) is
    its own network. HTTPS and MAPI are its own stores handing over; no stranger speaks them to port 25.
    """
    if _INTERNAL.match(after_by):
        return True
    own = _COMMENT.match(after_by.lstrip())
    own_ip = fields.ip(own[1]) if own else None
    if own_ip is None or (":" in own_ip) != (":" in ip):
        return False
    bits = 32 if ":" in ip else 16
    return ip_address(own_ip) in ip_network((ip, bits), strict=False)


def _login(text: str) -> tuple[str | None, bool]:
    """Who logged in, in the words of the host that wrote the line; and whether it may be an ident server's word."""
    for comment in _COMMENT.finditer(text):
        inside = comment[1].strip()
        # beside an address stands what the peer is called, and an ident server may have put anything there
        found = None if "[" in inside else _LOGIN.search(_PEERS_WORDS.split(inside, maxsplit=1)[0])
        ident = False
        if found is None and (found := _LOGIN_AT.match(inside)):
            ident = not _AUTHENTICATED.search(_COMMENT.sub(" ", text))
        if found and not found[1].isdigit():
            return found[1], ident
    return None, False


def _host(word: str) -> str | None:
    word = word.strip("[]<>;,").rstrip(".").lower()
    if (":" in word or word[:1] in _ADDRESS_BEGINS) and (address := fields.ip(word)) is not None:
        return address
    return word if _NAME.match(word) else None
