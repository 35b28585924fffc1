"""One message as a format sees it: its parts, its envelope, its readable text. Built once, asked lazily.

Must never know a format. What several formats need to tell themselves apart is answered here,
so that they need not know each other.
"""

from __future__ import annotations

import html
import re

from parsers import archive, attached, envelope, feedback_lines, fields
from parsers.errors import LimitError
from parsers.lazy import Lazy
from parsers.report import Bounce, Envelope, Kind, Limits, Parsed, Report
from parsers.scan import Headers, Part

# RFC 6522 and 6533 name the first and the last; the two between are seen.
HEADERS_ONLY = frozenset(
    (b"text/rfc822-headers", b"text/rfc822-header", b"message/rfc822-headers", b"message/global-headers")
)
EVIDENCE = HEADERS_ONLY | {b"message/rfc822", b"message/global", b"text/rfc822"}
FEEDBACK = b"message/feedback-report"
DELIVERY = frozenset((b"message/delivery-status", b"message/global-delivery-status"))
# local+n.TOKEN@domain: what a notice of ours carries as Reply-To and return path; with `o`, its opt-out address.
# What comes to local+h.TOKEN@domain completes a complaint and is read like one: it is no answer to a notice.
# TOKEN is a number of 1 to 13 base32 digits, a key id of 2 and 16 of HMAC.
NOTICE_ADDRESS = re.compile(r"[^@]{1,64}\+([no])\.[a-z2-7]{19,31}@", re.IGNORECASE)
_XARF = re.compile(rb"^Feedback-Type[ \t]*:\s*xarf\b", re.IGNORECASE | re.MULTILINE)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,500}>")
ENTITIES = (("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))
# Who sets one of these wants no automatic answer (RFC 3834 section 2, Microsoft's MS-OXCMAIL).
ROBOT_FIELDS = (
    *("list-id", "list-post", "list-unsubscribe", "list-help", "list-owner", "mailing-list"),
    *("x-auto-response-suppress", "x-autoreply", "x-autorespond", "feedback-id"),
)
_COPY_FIELDS = ("delivered-to", "x-original-to")
_LOOP_FIELDS = ("x-arfgate-loop", "x-loop")
# Most mail has none of these: one question instead of fifteen.
_RARE_FIELDS = frozenset((*_COPY_FIELDS, *_LOOP_FIELDS, *ROBOT_FIELDS, "reply-to"))
_SINGLE_FIELDS = (
    *("return-path", "date", "references"),
    *("subject", "message-id", "in-reply-to", "auto-submitted", "precedence"),
)
RECEIVED_KEPT = 200  # so that a loop of more than 100 hops shows
REFERENCES = 100
PARTS_READ = 100  # in which the text is looked for


class Message:
    """A message whose structure was found. `parts` holds the outer level only, not messages within."""

    spelled = False  # its text is for people's eyes: what it hides is written out

    def __init__(self, root: Part, limits: Limits) -> None:
        self.root = root
        self.limits = limits
        self.parts = root.all
        self.format: str | None = None  # the name of the one that claimed it
        self.words: str | None = None  # what `notice.words` found in it

    @Lazy
    def envelope(self) -> Envelope:
        return read_envelope(self.root.headers)

    @Lazy
    def report_type(self) -> bytes:
        """Of the outermost multipart/report: it decides what the message is. Empty where there is none."""
        if self.root.content_type != b"multipart/report":
            return b""
        return (self.root.parameter(b"report-type") or b"").strip().lower()

    @Lazy
    def feedback_parts(self) -> list[Part]:
        """message/feedback-report on the outer level; where there is none, parts of another type that are one."""
        found = [part for part in self.parts if part.content_type == FEEDBACK]
        if not found and (found := [part for part in self.parts if feedback_lines.is_feedback(part)]):
            self.root.budget.defects["feedback-part-of-another-type"] = None
        return found

    @Lazy
    def says_xarf(self) -> bool:
        """Does a feedback part say that the report is JSON beside it?"""
        for part in self.feedback_parts:
            beginning = envelope.decoded_body(part, 4_000)
            if b"xarf" in beginning.lower() and _XARF.search(beginning) is not None:
                return True
        return False

    @Lazy
    def delivery_parts(self) -> list[Part]:
        return [part for part in self.parts if part.content_type in DELIVERY]

    @Lazy
    def evidence_parts(self) -> list[Part]:
        """Messages and header blocks on the outer level, also those that Outlook packed."""
        found: list[Part] = []
        for part in self.parts:
            if part is not self.root and is_evidence(part):
                found.append(part)
            elif part.content_type[:10] != b"multipart/" and part.content_type[:5] != b"text/":
                found += attached.unpacked(part)
        if self.root.content_type in EVIDENCE:
            found.append(self.root)
        if len(found) > self.limits.evidence_messages:
            raise LimitError(f"more than {self.limits.evidence_messages} messages attached")
        return found

    @Lazy
    def sheets(self) -> archive.Sheets:
        """The tables that are attached, bare or packed."""
        return archive.sheets(self.parts)

    @property
    def feedback_holder(self) -> Message | None:
        """The message that holds a feedback part: this one, or one attached to it. Not kept: a message that held itself
        would stay, with all its bytes, until the garbage collector comes by."""
        return self if self.feedback_parts else self._inner_holder

    @Lazy
    def _inner_holder(self) -> Message | None:
        return next((inner for inner in self.inner_messages if inner.feedback_parts), None)

    @Lazy
    def inner_messages(self) -> list[Message]:
        """The attached messages, and those in them, down to the depth limit. Each costs parts of the budget, once."""
        found: list[Message] = []
        waiting = [part for part in self.evidence_parts if part.content_type not in HEADERS_ONLY]
        while waiting:
            inner = Message(envelope.embedded(waiting.pop(0)), self.limits)
            found.append(inner)
            waiting += [part for part in inner.evidence_parts if part.content_type not in HEADERS_ONLY]
        return found

    @Lazy
    def answers_notice(self) -> bool:
        """Is it addressed to a notice address of ours? Whether the token is a true one, screening knows."""
        for to in self.envelope.to:  # noqa: SIM110  asked of every message
            if "+" in to and NOTICE_ADDRESS.match(to):
                return True
        return False

    @Lazy
    def opts_out(self) -> bool:
        """Is it addressed to the opt-out address of a notice?"""
        return any(hit[1] in "oO" for to in self.envelope.to if (hit := NOTICE_ADDRESS.match(to)))

    @property
    def broken(self) -> str | None:
        """What is wrong where a multipart has no parts at all: only its raw text is there to be read."""
        if len(self.parts) > 1 or not self.root.content_type.startswith(b"multipart/"):
            return None
        return (self.root.budget.irregular or ["no part begins"])[0]

    @Lazy
    def text(self) -> str:
        """The readable body: the first text/plain part that says something, else HTML without its tags."""
        if self.broken:
            return envelope.text(self.root, self.limits.text_chars, spelled=self.spelled)
        rich = ""
        for part in self.parts[:PARTS_READ]:
            if part.content_type == b"text/plain" and not _attached(part):
                if (said := envelope.text(part, self.limits.text_chars, spelled=self.spelled)).strip():
                    return said
            elif part.content_type == b"text/html" and not rich and not _attached(part):
                rich = envelope.text(part, self.limits.text_chars * 5, spelled=self.spelled)
        return plain_of_html(rich)[: self.limits.text_chars] or self._packed_text

    @property
    def _packed_text(self) -> str:
        """What Outlook packed away, where nothing else can be read."""
        files = [part for part in self.parts[:PARTS_READ] if part.content_type.startswith(b"application/")]
        held = next((text for part in files if (text := attached.packed_text(part)) is not None), None)
        if held is None:
            return ""
        said = envelope.text(held, self.limits.text_chars, spelled=self.spelled)
        return plain_of_html(said)[: self.limits.text_chars] if held.content_type == b"text/html" else said

    def parsed(
        self,
        kind: Kind,
        reports: tuple[Report, ...] = (),
        bounces: tuple[Bounce, ...] = (),
        defects: tuple[str, ...] = (),
    ) -> Parsed:
        """What a format gives back."""
        text = self.text  # reading it may find something odd
        if not self.root.headers.block.isascii():
            self.root.budget.defects["raw-8-bit-header"] = None
        found = tuple(dict.fromkeys((*self.root.budget.defects, *defects, *self._cut(text))))
        return Parsed(kind, self.format, self.envelope, reports, bounces, found, text=text)

    def _cut(self, text: str) -> list[str]:
        """What was longer than is read, so that nothing is missed in silence."""
        reached = []
        if len(text) >= self.limits.text_chars:
            reached.append("text-cut")
        if len(self.envelope.received) >= RECEIVED_KEPT:
            reached.append("received-cut")
        if len(self.envelope.to) >= envelope.ADDRESSES:
            reached.append("addresses-cut")
        return reached


def is_evidence(part: Part) -> bool:
    """A message or header block: by its type, or a file of any declared type that is a mail."""
    return part.content_type in EVIDENCE or attached.is_mail(part)


def read_envelope(headers: Headers) -> Envelope:
    """The header facts of an outer message (or of the beginning of one that could not be read)."""
    names = headers.texts or {name.decode("ascii") for name in headers.fields}
    senders = envelope.senders(headers)
    to = [box.address for box in envelope.mailboxes(envelope.raw(headers, "to", "cc"), headers.guesses)]
    reply_to: list[envelope.Mailbox] = []
    robot_fields: list[str] = []
    loop_tokens: list[str] = []
    if not _RARE_FIELDS.isdisjoint(names):
        copies = [copy for name in _COPY_FIELDS if name in names for copy in envelope.every(headers, name)]
        to += [fields.address(copy) or "" for copy in copies]
        reply_to = envelope.mailboxes(envelope.raw(headers, "reply-to")[:1], headers.guesses)
        robot_fields = [name for name in ROBOT_FIELDS if name in names]
        loop_tokens = [one for name in _LOOP_FIELDS if name in names for one in envelope.every(headers, name, 20)]
    returned, dated, references, *rest = envelope.firsts(headers, _SINGLE_FIELDS)
    subject, identifier, in_reply_to, auto_submitted, precedence = rest
    return Envelope(
        from_=senders[0].address if senders else None,
        from_name=senders[0].name or None if senders else None,
        from_count=len(senders),
        return_path=fields.address(returned) if returned is not None else None,
        reply_to=reply_to[0].address if reply_to else None,
        to=fields.distinct(to),
        subject=subject,
        message_id=message_id(identifier),
        in_reply_to=message_id(in_reply_to),
        references=tuple(dict.fromkeys(_MESSAGE_ID.findall(references)[:REFERENCES])) if references else (),
        date=fields.instant(dated) if dated else None,
        auto_submitted=auto_submitted,
        precedence=precedence,
        robot_fields=tuple(robot_fields),
        loop_tokens=tuple(loop_tokens),
        authentication_results=envelope.every(headers, "authentication-results", 50),
        received=envelope.every(headers, "received", RECEIVED_KEPT),
    )


def message_id(value: str | None) -> str | None:
    """`<id@host>` out of a field that may hold more; as it stands where there are no brackets."""
    if not value:
        return None
    found = _MESSAGE_ID.search(value)
    return found[0] if found else value[:500]


def plain_of_html(markup: str) -> str:
    """The words of HTML, for people: blocks as lines, no tags, no scripts. Linear, and nobody's renderer."""
    for name in ("style", "script"):
        kept: list[str] = []
        rest = markup
        while (start := rest.lower().find("<" + name)) >= 0 and len(kept) < 20:
            kept.append(rest[:start])
            end = rest.lower().find("</" + name, start)
            rest = rest[end:] if end >= 0 else ""
        markup = "".join([*kept, rest])
    markup = re.sub(r"<(?:br|/p|/div|/tr|/h[1-6]|/li|/blockquote|hr)\b[^<>]*>", "\n", markup, flags=re.IGNORECASE)
    text = re.sub(r"<[^<>]*>", "", markup)
    text = envelope.clean_text(html.unescape(text)).replace("\u00a0", " ")
    return re.sub(r"\n\s*\n\s*", "\n\n", text).strip()


def _attached(part: Part) -> bool:
    if not part.mentions(b"content-disposition"):
        return False
    return (part.headers.first(b"content-disposition") or b"").lstrip()[:10].lower() == b"attachment"
