"""The reported mail as the findings look at it: read once, lazily, in bounded pieces.

Must never be kept: it holds the bytes of the whole message. And what is quoted from it must
not tell who received it, since findings are told to the customer: see `quote`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sized
from dataclasses import replace
from functools import lru_cache

from parsers import envelope, fields, links
from parsers.errors import LimitError
from parsers.lazy import Lazy
from parsers.links import Link, Text
from parsers.report import Limits, Report
from parsers.scan import Budget, Part

PARTS = 100
TEXTS = 6
TEXT_BYTES = 64 * 1024  # of one part, transfer-encoded
ATTACHMENTS = 50
QUOTED_CHARS = 100
# Characters of a text in which names and numbers are looked for; of HTML, before its markup is taken out.
HEAD, TAIL = 500, 3_000
MARKUP_HEAD, MARKUP_TAIL = 4_000, 16_000

_READABLE = frozenset((b"text/plain", b"text/html"))
_RECIPIENT_FIELDS = frozenset(("to", "cc", "delivered-to", "x-original-to", "envelope-to", "apparently-to"))
_DKIM_DOMAIN = re.compile(r"(?:^|;)\s*d\s*=\s*([^\s;]{1,253})")
# Codecs of mail. Python knows others, some of them slow on what a stranger wrote.
_CHARSET = re.compile(
    r"(?:utf-?(?:8|16)|iso-?8859-?\d+|(?:windows-|cp)\d+|koi8-[rtu]|gb\w+|big5\w*|euc-\w+|shift_?jis|iso-2022-\w+|hz)\b"
)
_CHINESE = re.compile(r"gb2312|x?-?gbk|cp936")
_STEADY = ("utf-8", "us-ascii", "")
_SHIFTING = re.compile(r"iso-2022|hz|utf-?7|utf-?16")
_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"[^\W_]{3,}")
_LONG_WORD = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}|[^\W_]{3,}")
_REDACTED = re.compile(
    r"[\s\W]{0,20}(?:redacted|removed|body removed|content removed|omitted|x{3,20})[\s\W]{0,20}\Z", re.IGNORECASE
)
_LOWER_ASCII = {code: code + 32 for code in range(65, 91)}


class ReportedMail:
    """`report` is what is said about the mail, `part` the mail itself."""

    def __init__(self, report: Report, part: Part) -> None:
        self.report = report
        self.part = part
        self.headers = part.headers
        # Of its own: what the formats looked at is not counted again, and what is odd here concerns this mail alone.
        part.budget = Budget(_fewer_parts(part.budget.limits))
        self.limited: str | None = None  # the bound that ended the search for its parts
        self._beside: list[Part] = []  # HTML that stands beside the plain text of which it is the alternative
        self._margins: dict[int, Text] = {}

    @Lazy
    def senders(self) -> list[envelope.Mailbox]:
        """The addresses of all From fields."""
        return envelope.senders(self.headers, 10)

    @Lazy
    def from_domain(self) -> str | None:
        return self.senders[0].address.rpartition("@")[2] if self.senders else None

    @Lazy
    def returned_to(self) -> str | None:
        """The domain of the return path, as the reporter or the last server states it."""
        path = self.report.original_mail_from
        if path is None:
            path = fields.address(envelope.first(self.headers, "return-path") or "")
        return path.rpartition("@")[2] or None if path else None

    @Lazy
    def signers(self) -> tuple[str, ...]:
        """The domains of its DKIM signatures; whether these are good, is not looked at."""
        if texts := self.headers.texts:
            if "dkim-signature" not in texts:
                return ()
            signed = [_DKIM_DOMAIN.search(text) for text in self.headers.all_texts("dkim-signature")[:10]]
        else:
            values = self.headers.all(b"dkim-signature")[:10]
            signed = [_DKIM_DOMAIN.search(value.decode("ascii", "replace")) for value in values]
        return fields.distinct([fields.host(hit[1]) for hit in signed if hit])

    @Lazy
    def organisations(self) -> frozenset[str]:
        """The registrable domains that the mail gives for its sender's."""
        named = {self.from_domain, self.returned_to, *self.signers}
        return frozenset([domain for name in named if name and (domain := fields.registrable(name))])

    @Lazy
    def leaves(self) -> tuple[list[Part], list[Part]]:
        """(readable parts, attachments)."""
        texts: list[Part] = []
        attached: list[Part] = []
        if self.report.original is None or self.report.original.headers_only:
            return texts, attached
        try:
            for number, part in enumerate(self.part.walk()):
                kind = part.content_type
                if number >= PARTS:
                    self.limited = f"more than {PARTS} parts"
                    break
                if kind.startswith(b"multipart/"):
                    if part is self.part and not part.children:
                        texts.append(part)  # without its boundary everything is text
                    elif kind == b"multipart/alternative" and len(part.children) == 2:
                        first, second = part.children
                        if first.content_type == b"text/plain" and second.content_type == b"text/html":
                            self._beside.append(second)
                elif kind in _READABLE and not is_attached(part):
                    texts.append(part)
                elif kind != b"message/rfc822" and len(attached) < ATTACHMENTS:
                    attached.append(part)
        except LimitError as error:
            self.limited = str(error)
        return texts, attached

    @property
    def attachments(self) -> list[Part]:
        return self.leaves[1]

    @Lazy
    def texts(self) -> tuple[Text, ...]:
        """What a reader sees, and its markup."""
        readable = self.leaves[0][:TEXTS]
        return tuple([_text(_sought(part), part.content_type != b"text/plain") for part in readable])

    @Lazy
    def margins(self) -> tuple[Text, ...]:
        """The words of each text at its beginning and its end, where senders name themselves. Without markup."""
        return tuple([self._margin(number) for number in range(len(self.texts))])

    def margins_until(self, found: Sized) -> Iterator[Text]:
        """`margins` one by one. Once something was `found`, without the HTML alternative (RFC 2046 section 5.1.4) of a
        plain text: it says the same again."""
        parts = self.leaves[0]
        for number in range(len(self.texts)):
            if not (found and number and parts[number] in self._beside):
                yield self._margin(number)

    def _margin(self, number: int) -> Text:
        if number not in self._margins:
            self._margins[number] = _margins(self.texts[number])
        return self._margins[number]

    @Lazy
    def whole(self) -> bool:
        """Is all of the body here and read? Only then something can be said to be missing in it."""
        texts, attached = self.leaves
        if self.limited or len(texts) > TEXTS or "missing-closing-boundary" in self.part.budget.defects:
            return False
        for part in texts:
            if part.end - part.body_start > TEXT_BYTES:
                return False
        shown = [text.written for text in self.texts if text.written.strip()]
        for text in shown:
            if len(text) < 80 and _REDACTED.match(text):
                return False
        return bool(shown or attached)

    @Lazy
    def links(self) -> tuple[Link, ...]:
        return links.found(self.texts)

    @Lazy
    def _recipients(self) -> str:
        """The recipients' names and addresses, as the mail and its report have them, in lower case."""
        headers = self.headers
        texts = headers.texts
        written = list(self.report.original_rcpt_to[:50])
        for name in texts.keys() & _RECIPIENT_FIELDS if texts else _RECIPIENT_FIELDS:
            written += envelope.every(headers, name, 20)
        return " ".join(written).lower()

    @Lazy
    def _recipient_words(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """Words of the recipients' names and addresses: ASCII ones, and those that may stand inside longer runs."""
        named = self._recipients
        words = frozenset(_WORD.findall(named))
        return words, () if named.isascii() else tuple([word for word in words if not word.isascii()])[:50]

    def quote(self, text: str) -> str:
        """Text of the mail for people: short, clean, and without a word that also names a recipient."""
        text = text[: QUOTED_CHARS * 4]
        shown = " ".join((text if text.isprintable() else envelope.clean(text)).split())
        if self._may_name_a_recipient(shown):
            words, inside = self._recipient_words
            looked_at = _LONG_WORD if "@" in shown else _WORD
            shown = looked_at.sub(lambda hit: "…" if "@" in hit[0] or hit[0].lower() in words else hit[0], shown)
            for word in inside:
                shown = re.sub(re.escape(word), "…", shown, flags=re.IGNORECASE)
        return shown if len(shown) <= QUOTED_CHARS else f"{shown[:QUOTED_CHARS]}…"

    def _may_name_a_recipient(self, shown: str) -> bool:
        """Quicker than to take apart what the recipients are called: most of what is quoted has none of its words."""
        named = self._recipients
        if "@" in shown or not named.isascii():
            return True
        for word in _WORD.findall(shown.lower()):  # noqa: SIM110  half the time of `any`
            if word in named:
                return True
        return False


@lru_cache(maxsize=8)
def _fewer_parts(limits: Limits) -> Limits:
    return replace(limits, parts=PARTS)


def _margins(text: Text) -> Text:
    written = text.written
    if text.html:
        if len(written) > MARKUP_HEAD + MARKUP_TAIL:
            written = f"{written[:MARKUP_HEAD]} {written[-MARKUP_TAIL:]}"
        written = _TAG.sub(" ", written)
        written = html.unescape(written) if "&" in written else written
    if len(written) > HEAD + TAIL:
        written = f"{written[:HEAD]}\n{written[-TAIL:]}"
    elif not text.html:
        return text
    return _text(written, markup=False)


def _text(written: str, markup: bool) -> Text:
    lower = written.lower()
    return Text(written, lower if len(lower) == len(written) else written.translate(_LOWER_ASCII), markup)


def _sought(part: Part) -> str:
    """The beginning of a text, to search in: uncleaned and nothing guessed. As declared, else UTF-8, else Latin-1."""
    body = envelope.decoded_body(part, TEXT_BYTES)
    label = (part.parameter(b"charset") or b"").decode("ascii", "replace").strip().lower()
    if body.isascii() and (label in _STEADY or not _SHIFTING.match(label)):
        return body.decode("ascii")
    for name in ("gb18030" if _CHINESE.match(label) else label, "utf-8"):
        if _CHARSET.match(name):
            try:
                return body.decode(name)
            except UnicodeDecodeError as error:
                if len(body) - error.start < 4:  # cut in the middle of a character
                    return body[: error.start].decode(name, "replace")
            except (LookupError, ValueError):
                continue
    return body.decode("latin-1")


def is_attached(part: Part) -> bool:
    """Is it a file rather than something to read?"""
    if not part.mentions(b"name", b"content-disposition"):
        return False
    disposition = part.headers.first(b"content-disposition")
    if disposition and disposition.lstrip()[:10].lower() == b"attachment":
        return True
    return file_name(part) != ""


def file_name(part: Part) -> str:
    """As the sender named it, decoded; empty where there is no name."""
    name = part.parameter(b"filename", b"content-disposition") or part.parameter(b"name")
    return envelope.decode(name, part.budget.guesses) if name else ""
