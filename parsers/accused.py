"""Whom a notice in plain words accuses: the address in its subject, on a labelled line, in a phrase, in its log lines.

Must never choose between two that are named with the same right, and never take the reporter's own
address (`Target`, `Our server`) or one that merely occurs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from parsers import fields, notice, table
from parsers.moments import Moment, Reading, line_time, moments
from parsers.notice import Label

ACCUSED = 10_000
LINES = 2_000

# The name of a line that holds the source, as machines of several languages write it.
_SOURCES = frozenset(
    (
        *("source ip", "source", "source address", "source ip address", "src ip", "src", "srcip", "ip source"),
        *("attacker", "attacker ip", "attacker ip address", "attacking ip", "attacking ip address", "attack source"),
        *("offending ip", "offending ip address", "offender", "offender ip", "abusive ip", "abuser ip", "abuser"),
        *("abusive ip address", "abusing ip", "infringers ip address", "infringing ip"),
        *(
            "infringer ip address",
            "malicious ip",
            "malicious host",
            "malicious ip address",
            "infected ip",
            "infected host",
        ),
        *("infected ip address", "hostile ip", "reported ip", "reported ip address", "banned ip", "blocked ip"),
        *(
            "suspicious ip",
            "bot ip",
            "spammer ip",
            "sender ip",
            "sending ip",
            "client ip",
            "client ip address",
            "remote ip",
        ),
        *("remote address", "remote host", "rhost", "your ip", "your ip address", "your server", "ip of attacker"),
        *("ip of the attacker", "listed ip", "ip/cidr", "vulnerable ip", "affected ip", "affected ip address"),
        *("affected system", "affected host", "device ip", "host ip", "source host", "from ip", "origin ip", "origin"),
        *("quell ip", "quelle", "angreifer", "angreifer ip", "ip source", "adresse ip source", "ip origen"),
        *("zdrojová ip", "zdrojova ip", "攻击源", "攻击源ip", "源ip", "源地址", "攻击ip", "发信ip", "送信元ip"),
    )
)
# Said of either side: they count where no better label is there.
_NEUTRAL = frozenset(
    (
        *("ip", "ip address", "ip addresses", "ips", "ip addr", "address", "host", "ipv4", "ipv6", "ip adresse"),
        *(
            "adresse ip",
            "ip adresa",
            "dirección ip",
            "direccion ip",
            "indirizzo ip",
            "endereço ip",
            "ip地址",
            "ip アドレス",
        ),
        *("ip adress", "ip adres", "adres ip", "ip number", "ip nummer", "server", "system"),
    )
)
_TOKEN = re.compile(
    r"\b(?:SRC|srcip|src_ip|source_ip|rhost|attackerip|remote_addr|client_ip)\s?[=:]\s?[\"'\[]?([0-9A-Fa-f.:]{3,45})"
)
_PHRASE = re.compile(
    r"(?:\bip[ -]?address(?:es)?|\baddress|\bthe ip|\bhost|\bserver|\bsource|\bfailures of|\battacks? from"
    r"|\battempts? from"
    r"|\bconnections? from|\boriginat\w{2,4} from|\bcoming from|\btraffic from|\bprobes? from|\bscans? from|\bspam from"
    r"|\babuse from|\bban(?:ned)?|\bblocked|\babout|\bip adres[asyu]{1,2}|\badresse ip|\bip-adresse)[\s:\"'(\[<]{1,4}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"(?:\d{1,3}(?:\.|\[\.\])){3}\d{1,3}(?!\d|\.\d)|(?:[0-9A-F]{0,4}:){2,7}[0-9A-F]{0,4}(?![\w:])", re.IGNORECASE
)
# Not the ticket's number in front, which may look like anything.
_TICKET = re.compile(r"\[[^\[\]]{1,80}#\d{1,15}\]")


class Accused(NamedTuple):
    """`certain` addresses are facts, from `where`; `possible` ones are named, but not alone and not clearly."""

    certain: tuple[str, ...]
    possible: tuple[str, ...]
    where: str
    labelled: bool
    titled: bool
    neutral: bool = False  # labelled, by a name that says nothing of either side


def accused(subject: str, text: str, labels: list[Label]) -> Accused:
    """Subject and labels first; then phrases, then log lines. They may repeat each other, not contradict."""
    titled = notice.addresses(_TICKET.sub(" ", subject))
    rows = [fields.ip(row.at(row.columns.ip)) for row in table.text_rows(text)]
    labelled = _labelled(labels, _SOURCES) or _tokens(text)
    if not labelled and not titled:
        labelled = list(dict.fromkeys(one for one in rows if one and one not in table.UNSPECIFIED))
    neutral = not labelled
    if not labelled and not titled:
        labelled = _labelled(labels, _NEUTRAL)
    if len(titled) == 1:
        one = titled[0]
        if labelled and one not in labelled and len(labelled) == 1:
            return Accused((), (one, labelled[0]), "", labelled=True, titled=True)
        return Accused((one,), (), "envelope:Subject", labelled=one in labelled, titled=True)
    if labelled:
        certain = tuple(labelled[:ACCUSED])
        return Accused(certain, (), "text:labelled address", labelled=True, titled=False, neutral=neutral)
    if titled:  # several in the subject: all of them, or none
        return Accused((), tuple(titled), "", labelled=False, titled=True)
    phrased = _phrased(text)
    if len(phrased) == 1:
        return Accused(tuple(phrased), (), "text:phrase", labelled=False, titled=False)
    logged = _logged(text)
    if logged:
        return Accused(tuple(logged), (), "text:log lines", labelled=False, titled=False)
    return Accused((), tuple(phrased[:20]), "", labelled=False, titled=False)


def times_by_address(text: str, reading: Reading) -> dict[str, list[Moment]]:
    """The times of the lines that name an address (log lines), for each address: of a line, the first."""
    found: dict[str, list[Moment]] = {}
    for line in text.split("\n", LINES)[:LINES]:
        here = notice.addresses(_portless(line[: notice.LINE_CHARS]), 20)
        if here and (when := line_time(line[: notice.LINE_CHARS], reading)):
            for address in here:
                found.setdefault(address, []).append(when)
    return found


def _labelled(labels: list[Label], names: frozenset[str]) -> list[str]:
    """Addresses on lines of these names, where a line holds nothing else that could be meant."""
    found: dict[str, None] = {}
    for one in labels:
        if one.name in names:
            here = notice.addresses(one.value[:500])
            if len(here) == 1 or (here and one.name.endswith(("ips", "addresses"))):
                found.update(dict.fromkeys(here))
    return list(found)


def _tokens(text: str) -> list[str]:
    return list(
        dict.fromkeys(ip for hit in _TOKEN.finditer(text) if (ip := fields.ip(hit[1].rstrip(".:"))) is not None)
    )


def _phrased(text: str) -> list[str]:
    """`from the IP address x`, `failures of x`, `attacks from x`."""
    found: dict[str, None] = {}
    for hit in _PHRASE.finditer(text):
        named = _ADDRESS.match(text, hit.end())
        if named and (address := fields.ip(fields.undefang(named[0]))):
            found[address] = None
    return list(found)


def _logged(text: str) -> list[str]:
    """Where every line with a time names just one address: all of these."""
    found: dict[str, None] = {}
    for line in text.split("\n", LINES)[:LINES]:
        here = notice.addresses(_portless(line[: notice.LINE_CHARS]))
        if not here:
            continue
        timed = next(moments(line[: notice.LINE_CHARS], Reading()), None)
        if timed is None:
            continue
        if len(here) > 1:
            return []
        found[here[0]] = None
    return list(found)


def _portless(line: str) -> str:
    """Tcpdump writes `address.port`."""
    return re.sub(r"((?<![\d.])(?:\d{1,3}\.){3}\d{1,3})\.\d{1,5}(?![\d.])", r"\1", line)
