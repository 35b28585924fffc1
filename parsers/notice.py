"""What machines write in plain words when they complain: labelled lines, addresses, the words that name the conduct.

Shared by the formats that read notices. Must never decide whose fault it is: it finds words, the
format decides which of them count. Linear, and over a bounded piece of the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from parsers import envelope, fields
from parsers.message import Message
from parsers.moments import Reading, stated_zone
from parsers.report import Category

LINES = 2_000
LINE_CHARS = 1_000
ATTACHED = 5  # text attachments looked into, such as log files
ATTACHED_CHARS = 20_000
LOOKED_INTO = 20  # text parts, whether they say something or not

_LABELLED = re.compile(r"[\s>*#•|-]{0,12}([^\s:=|*>][^:=|\n]{0,48}?)\**\s{0,24}(?:[:=：]|\s\|)\**\s{0,24}(.*)\Z")
_HINT = re.compile(r"\(([^()]{1,30})\)\s{0,3}\Z")
_V4 = re.compile(r"(?<![\d.])(?:\d{1,3}(?:\.|\[\.\]|\(\.\))){3}\d{1,3}(?!\d|\.\d|/\d)")
_V6 = re.compile(
    r"(?<![0-9A-Za-z:.])(?:[0-9A-F]{0,4}:){2,7}(?:[0-9A-F]{1,4}|(?:\d{1,3}\.){3}\d{1,3}|(?<=::))(?![\w:/])",
    re.IGNORECASE,
)
# A ticket system tells what it did with a mail, above the mail.
_TICKET_BEGINS = re.compile(r"^.{0,80}\bRequest \d{1,12} was acted upon\.?\s{0,3}$", re.MULTILINE)
_TICKET_ENDS = re.compile(r"^\s{0,4}Ticket <URL: [^\n]{1,300}$", re.MULTILINE)
# In this order: the first whose words occur in the subject, else the one whose words occur most in the text.
_WORDS: tuple[tuple[Category, str], ...] = (
    (Category.COPYRIGHT, r"copyright|infring(?:ement|ing)|dmca|bittorrent|piracy"),
    (Category.PHISHING, r"phish(?:ing)?|fishing site|credential harvest"),
    (
        Category.LOGIN_ATTACK,
        (
            r"brute[ -]?forc\w{0,4}|fail2ban|failed (?:login|password|auth)\w{0,14}|login[ -]attack"
            r"|log[ -]?in attempts?|rdp"
            r"|authentication fail\w{0,5}|invalid user|sshd?\b|wp-login|xmlrpc|sasl login|auth(?:entication)? attack"
            r"|credential stuffing|unauthori[sz]ed (?:login|access)|imap-login"
        ),
    ),
    (
        Category.DDOS,
        r"d?dos\b|denial[ -]of[ -]service|amplification|reflect(?:ion|or)|(?:syn|udp|http|icmp) ?flood\w{0,4}|flooding",
    ),
    (
        Category.PORT_SCAN,
        r"port[ -]?scan\w{0,5}|scann(?:er|ing)|netscan|network scan|darknet|probes?\b|probing|portscan\w{0,4}",
    ),
    (
        Category.LISTING,
        (
            r"black ?list(?:ed|ing)?|block ?list(?:ed|ing)?|dnsbl|rbl\b|spamhaus|sbl\b|uceprotect|delist\w{0,4}"
            r"|listed (?:in|on|at)"
        ),
    ),
    (
        Category.INFECTED_HOST,
        r"bot ?net|infect(?:ed|ion)|malware-c2|c2[- ]server|c&c|command and control|trojan|zombie|sinkhole|http-botnet",
    ),
    (Category.MALWARE, r"malware|virus(?:es)?\b|ransomware|drive-by"),
    (
        Category.VULNERABILITY,
        (
            r"vulnerab\w{0,8}|open (?:\w{2,12} ){0,2}(?:resolver|server|service|relay|prox)|exploitable"
            r"|misconfigur\w{0,5}|security issue|exposed|unwanted[- ]accessible|cve-\d{4}"
        ),
    ),
    (
        Category.INTRUSION,
        (
            r"hack(?:ed|ing|er)?s?\b|intrusion|exploit\w{0,6}|sql[ -]?injection|web ?attack\w{0,4}|bad ?bot|compromised"
            r"|defac\w{0,6}|shell ?upload|attack(?:ed|er|ing|s)?\b|log lines? (?:for|of|follow)"
            r"|lines containing failures"
        ),
    ),
    (Category.DATA_HARVESTING, r"harvest\w{0,5}|scrap(?:ing|er)s?\b"),
    (Category.SPAM, r"spam\w{0,6}|unsolicited|junk ?mail|honey ?pot|spam ?trap"),
    (Category.FRAUD, r"fraud\w{0,6}|scam\w{0,4}"),
)
_CATEGORIES = tuple((category, re.compile(rf"(?<![A-Za-z])(?:{words})", re.IGNORECASE)) for category, words in _WORDS)
_ACCUSES = re.compile(
    r"abus(?:e|ive|ing)|attack|malicious|brute|unauthori[sz]ed|hack|intrusion|exploit|scann?ing|port ?scan|spam|phish"
    r"|infring|copyright|black ?list|block ?list|botnet|infected|malware|flood|d?dos\b|vulnerab|fraud"
    r"|complain|suspicious"
    r"|angriff|missbrauch|attaque|ataque|zneu[žz]it|攻击|滥用|垃圾",
    re.IGNORECASE,
)
_AUTOMATIC = re.compile(
    r"automat(?:ic|ed|isch|ique)|auto-?generated|generated (?:by|at|on)|do not reply|no-?reply"
    r"|has been (?:registered|banned)"
    r"|monitoring report|honey ?pot|sensor|fail2ban|csirt|\bcert\b|detected|security issue|abuse report"
    r"|feedback report",
    re.IGNORECASE,
)
# Said to the holder of an address, not to the owner of an account.
_TO_HOLDER = re.compile(
    r"abus(?:e|ive)|your (?:network|ip\b|server|customer|range|netblock|host|infrastructure|client)"
    r"|network operator"
    r"|complain|\bc(?:si|e)rt\b|from your|take ?down|blacklist|attack source|security issue|missbrauch|zneu[žz]it"
    r"|贵方|贵司",
    re.IGNORECASE,
)
_URL = re.compile(r"(?:h(?:tt|xx)ps?)://\S{1,2000}", re.IGNORECASE)
_QUOTED_RECEIVED = re.compile(r"^[\s>|]{0,12}Received:\s{1,3}(?:from|by|\()", re.MULTILINE | re.IGNORECASE)
_QUOTED_FROM = re.compile(r"^[\s>|*]{0,12}From:\**\s{1,3}\S[^\n]{0,200}@", re.MULTILINE | re.IGNORECASE)
_QUOTED_SUBJECT = re.compile(r"^[\s>|*]{0,12}Subject:\**\s{1,3}\S", re.MULTILINE | re.IGNORECASE)
_ANSWER = re.compile(
    r"\s{0,4}(?:\[[^\[\]]{1,60}\]\s{0,2}){0,2}(?:re|aw|sv|vs|antw|odp|回复|答复|回覆)\s?[:：]", re.IGNORECASE
)
_FORWARD = re.compile(
    r"\s{0,4}(?:\[[^\[\]]{1,60}\]\s{0,2}){0,2}(?:fwd?|wg|tr|rv|enc|i|转发|轉寄)\s?[:：]", re.IGNORECASE
)
_TICKET_FIELDS = (
    b"x-rt-originator",
    b"x-rt-ticket",
    b"rt-ticket",
    b"x-otrs-ticket",
    b"x-zammad-ticket",
    b"x-redmine-host",
)
_VAGUE = (Category.INTRUSION, Category.SPAM)


class Label(NamedTuple):
    """`name: value` as a line has it. `name` lower-case words without signs; a zone in brackets goes to the value."""

    name: str
    value: str


def words(message: Message) -> str:
    """The text of the mail and of its text attachments (logs, quoted notices), without a ticket system's own words."""
    if message.words is None:
        message.words = _words(message)
    return message.words


def _words(message: Message) -> str:
    pieces = [without_ticket(message.text)]
    readable = [part for part in message.parts if part.content_type in (b"text/plain", b"text/x-log")]
    for part in readable[:LOOKED_INTO]:
        said = envelope.text(part, ATTACHED_CHARS)
        if said.strip() and said[: len(message.text)] != message.text:
            pieces.append(without_ticket(said))
    return "\n".join(pieces[: ATTACHED + 1])


def without_ticket(text: str) -> str:
    begins = _TICKET_BEGINS.search(text, 0, 2_000)
    ends = _TICKET_ENDS.search(text, begins.end(), begins.end() + 2_000) if begins else None
    return text[: begins.start()] + text[ends.end() :] if begins and ends else text


def labels(text: str) -> list[Label]:
    """Labelled lines in order: `Source IP: x`, `| Host | x |`, `Source = x`; the value may be on the next line."""
    found: list[Label] = []
    empty: str | None = None
    for line in text.split("\n", LINES)[:LINES]:
        hit = _LABELLED.match(line[:LINE_CHARS])
        if line.lstrip(" >").startswith("|") and line.strip(" >|").count("|") != 1:
            continue  # a row of a table
        if hit is None or (empty and not hit[1][0].isalpha()):
            if empty and line.strip():
                found.append(Label(empty, line.strip()[:LINE_CHARS]))
            empty = None if line.strip() else empty
            continue
        name, value = hit[1], hit[2].strip().strip("|").strip()
        if hint := _HINT.search(name):
            name = name[: hint.start()]
            value = f"{value} {hint[1]}" if stated_zone(f"times {hint[1]}") is not None else value
        name = re.sub(r"[\s_*\".-]+", " ", name.replace("'", "").replace("\u2019", "")).strip().lower()
        if value.startswith("//"):
            continue  # a URL
        if value:
            found.append(Label(name, value))
            empty = None
        else:
            empty = name
    return found


def addresses(text: str, most: int = 200) -> list[str]:
    """Every address that the text spells out, once, in order of the text (IPv4 before IPv6). Networks are none."""
    found: dict[str, None] = {}
    for pattern in (_V4, _V6):
        for hit in pattern.finditer(text):
            if (address := fields.ip(fields.undefang(hit[0]))) is not None and address not in found:
                found[address] = None
                if len(found) >= most:
                    return list(found)
    return list(found)


def category(subject: str, text: str) -> Category | None:
    """What the words say happened: the subject's words first, else those that the text has most of.

    "Attack" and "spam" say little: they count where nothing more is said.
    """
    subject = _URL.sub(" ", subject[:LINE_CHARS])
    titled = [one for one, pattern in _CATEGORIES if pattern.search(subject)]
    if titled and titled[0] not in _VAGUE:
        return titled[0]
    piece = _URL.sub(" ", text[:ATTACHED_CHARS])
    counts = {one: sum(1 for _ in pattern.finditer(piece)) for one, pattern in _CATEGORIES}
    best = max(count for one, count in counts.items() if one not in _VAGUE)
    if best and Category.SPAM not in titled:
        return next(one for one, count in counts.items() if count == best and one not in _VAGUE)
    return titled[0] if titled else next((one for one in _VAGUE if counts[one]), None)


def reading(message: Message, text: str) -> Reading:
    """What the times of a notice leave out: the zone that it states, the year of its Date."""
    return Reading(stated_zone(text), message.envelope.date)


def accuses(subject: str, text: str) -> bool:
    """Are there words that accuse somebody, not only words of the trade?"""
    return bool(_ACCUSES.search(subject) or _ACCUSES.search(text[:ATTACHED_CHARS]))


def to_holder(subject: str, text: str) -> bool:
    """Does it speak to whoever holds an address? Warnings about sign-ins name addresses too."""
    return bool(_TO_HOLDER.search(subject) or _TO_HOLDER.search(text[:ATTACHED_CHARS]))


def automatic(subject: str, text: str) -> bool:
    """Does it say that a machine wrote or measured it?"""
    return bool(_AUTOMATIC.search(subject) or _AUTOMATIC.search(text[:ATTACHED_CHARS]))


def quotes_mail(text: str) -> bool:
    """Does it quote a mail with its header (a forward, pasted header fields)? Others read that."""
    piece = text[:ATTACHED_CHARS]
    return bool(_QUOTED_RECEIVED.search(piece)) or bool(_QUOTED_FROM.search(piece) and _QUOTED_SUBJECT.search(piece))


def answered(message: Message) -> bool:
    """Is it somebody's answer? A ticket system threads what it passes on; that is none."""
    if _ANSWER.match(message.envelope.subject or "") or _FORWARD.match(message.envelope.subject or ""):
        return True
    if (message.envelope.auto_submitted or "").strip().lower().startswith("auto-replied"):
        return True
    threaded = bool(message.envelope.in_reply_to or message.envelope.references)
    if not threaded:
        return False
    by_tickets = any(name in message.root.headers for name in _TICKET_FIELDS)
    return not by_tickets and not (message.envelope.auto_submitted or "").lower().startswith("auto-generated")


def for_others(message: Message) -> bool:
    """Is it mail that other readers are for: a reply to us, a report with a part of its own, attached mail?"""
    return bool(
        message.answers_notice
        or message.root.content_type == b"multipart/report"
        or message.feedback_parts
        or message.delivery_parts
        or message.evidence_parts
    )
