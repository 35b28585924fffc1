"""A complaint in a person's own words, with no mail in it: "198.51.100.7 keeps attacking us".

Known by words of complaint in one of many languages together with something to complain about: an address in the
text, or, where the subject already complains, a URL, site or mailbox. It is a report, so that screening asks an
authenticated sender for what is missing and rejects an anonymous one, instead of laying it with the spam that
arrives here; everything else in words stays `unknown`. Must never make a fact of what the text names: addresses,
URLs, mailboxes and times are `candidates`, and the report has no source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers import fields, notice, person
from parsers.message import Message
from parsers.moments import moments
from parsers.report import Candidate, Category, Kind, Parsed, Report

GENERAL = True
NOT_IN_REPORTS = True
TEXT_CHARS = 20_000
OF_EACH = 20  # candidates of one kind

# Mailings say "report abuse" in their small print; a person writes none of these fields.
_MAILING = (b"list-unsubscribe", b"list-id", b"feedback-id", b"x-csa-complaints", b"list-post")
_BULK = frozenset(("bulk", "list", "junk"))
# Category: words that stand alone, then words of scripts without blanks between them.
_COMPLAINT = r"""
spam: spam\w{0,6}|unsolicited|unwanted (?:e-?)?mails?|junk ?mails?|unerwünscht\w{0,2}|werbemails?|pourriels?|istenmeyen
    |courriers? indésirables?|correos? no deseados?|posta indesiderata|ongewenste|niechcian\w{1,3}|nevyžádan\w{1,3}
    |спам\w{0,4}|рассылк\w{0,3} 迷惑メール|スパム|스팸|垃圾邮件|垃圾郵件|垃圾信|垃圾短信|垃圾广告|騷擾|骚扰
phishing: phish\w{0,5}|hameçonnage|oltalama|фишинг\w{0,3} フィッシング|피싱|钓鱼|釣魚|仿冒
fraud: scam(?:mers?|s)?|fraud\w{0,6}|betrug|betrüger\w{0,3}|arnaque|estafa|truffa|golpe|fraude|oplichting
    |oszust\w{1,4}|podvod\w{0,3}|dolandırıcılık|мошенни\w{1,6} 詐欺|사기|诈骗|詐騙|欺诈
intrusion: attack(?:s|ed|ing|er|ers)?|hack(?:s|ed|ing|er|ers)?|brute ?force|intrusions?|angriffe?|attaques?|ataques?
    |attacc\w{1,3}|aanval\w{0,3}|ataki?|útok\w{0,2}|saldırı|атак\w{0,3}|взлом\w{0,3} 攻撃|攻击|攻擊|入侵|공격|해킹
other: abus(?:e|es|ing|ive)|complain(?:t|ts|ing)?|beschwerde|missbrauch|plainte|signalement|abus|queja|denuncia|abuso
    |reclamo|segnalazione|denúncia|reclamação|klacht|misbruik|skarg[ai]|nadużyci\w|stížnost|zneužití|şikayet
    |жалоб\w{1,2}|злоупотреблени\w|скарг\w 苦情|通報|신고|投诉|投訴|举报|舉報|檢舉|滥用|濫用
"""


def _patterns() -> Iterator[tuple[Category, re.Pattern[str]]]:
    for entry in _COMPLAINT.replace("\n    ", "").strip().split("\n"):
        name, _, words = entry.partition(": ")
        apart, _, within = words.rpartition(" ")
        yield Category(name), re.compile(rf"(?<![^\W_])(?:{apart})(?![a-z])|{within}", re.IGNORECASE)


_WORDS = tuple(_patterns())
_URL = re.compile(r"(?<![A-Za-z0-9])(?:h(?:tt|xx)ps?|meow)://[^\s<>\"'()（），。；]{3,500}", re.IGNORECASE)
_MAILBOX = re.compile(r"(?<![\w.+-])([\w.+-]{1,64}(?:@|\[at\])[\w.\[\]-]{1,253}[A-Za-z])(?![\w@])", re.IGNORECASE)


def recognises(message: Message) -> bool:
    if not person.wrote(message) or person.replies(message):
        return False
    headers = message.root.headers
    if any(name in headers for name in _MAILING) or (message.envelope.precedence or "").lower() in _BULK:
        return False
    subject, text = message.envelope.subject or "", message.text[:TEXT_CHARS]
    titled = _complains(subject) is not None
    if not titled and _complains(text) is None:
        return False
    if notice.addresses(f"{subject}\n{text}", 1):
        return True
    return titled and any(True for _ in _named(message))


def read(message: Message) -> Parsed:
    subject, text = message.envelope.subject or "", message.text[:TEXT_CHARS]
    said = (notice.category(subject, text), _complains(subject), _complains(text))
    category = next((one for one in said if one not in (None, Category.OTHER)), None) or Category.OTHER
    report = Report(category=category, candidates=tuple(_candidates(message)), defects=("free-text",))
    return message.parsed(Kind.REPORT, (report,))


def _complains(text: str) -> Category | None:
    return next((category for category, pattern in _WORDS if pattern.search(text)), None)


def _candidates(message: Message) -> Iterator[Candidate]:
    subject, text = message.envelope.subject or "", message.text[:TEXT_CHARS]
    titled = set(notice.addresses(subject, OF_EACH))
    for address in notice.addresses(f"{subject}\n{text}", OF_EACH):
        if fields.scope(address) == "global":
            yield Candidate("source_ip", address, 0.5 if address in titled else 0.3)
    yield from _named(message)
    seen: set[str] = set()
    for moment in sorted(moments(text)):
        value = moment.value.isoformat().replace("+00:00", "Z")
        if value not in seen and len(seen) < OF_EACH:
            seen.add(value)
            yield Candidate("arrival_date", value, 0.3 if moment.zoned else 0.2)


def _named(message: Message) -> Iterator[Candidate]:
    """URLs and mailboxes, without the sender's own and ours."""
    text = f"{message.envelope.subject or ''}\n{message.text[:TEXT_CHARS]}"
    urls = dict.fromkeys(fields.undefang(hit[0]).rstrip(".,;:!?*") for hit in _URL.finditer(text))
    for url in [url for url in urls if fields.place(url)][:OF_EACH]:
        yield Candidate("url", url, 0.3)
    outer = message.envelope
    known = {one.lower() for one in (outer.from_, outer.reply_to, outer.return_path, *outer.to) if one}
    own = {one.rpartition("@")[2] for one in known}
    boxes = dict.fromkeys(fields.address(fields.undefang(hit[1])) for hit in _MAILBOX.finditer(_URL.sub(" ", text)))
    named = [box for box in boxes if box and box.rpartition("@")[2] not in own and fields.host(box.rpartition("@")[2])]
    for box in named[:OF_EACH]:
        yield Candidate("mailbox", box, 0.2)
