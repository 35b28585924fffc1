"""Delivery reports: RFC 3464 and 6533, X-Failed-Recipients (Exim), Amazon SES, and free text from a mail system.

They tell which of our notices never arrived, so the Message-ID of the returned mail matters
most. Must never be taken for a complaint, whatever the returned mail holds: our own notices
carry an ARF part, and come back with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from parsers import bounce_text, delivery_fields, envelope, evidence, ses_bounce, smtp_codes
from parsers.delivery_fields import Group
from parsers.errors import ParserError
from parsers.message import HEADERS_ONLY, Message, message_id
from parsers.report import Bounce, Kind, Parsed, Report
from parsers.scan import Headers, Part

DIALECT_OF = ("arf", "forwarded", "inline", "reply", "xarf", "xarf_flat")
NOT_IN_FEEDBACK_REPORTS = True
RECIPIENTS = 200
FIELDS_BYTES = 64 * 1024
PARTS_SEARCHED = 10
_RETURNED_ID = re.compile(r"^[> \t]{0,8}Message-ID:\s{0,4}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_RETURNED_REPLY = re.compile(r"^[> \t]{0,8}In-Reply-To:\s{0,4}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)


def recognises(message: Message) -> bool:
    if message.report_type == b"feedback-report":
        return False
    if message.delivery_parts:
        return True
    if message.report_type == b"delivery-status":
        return not message.feedback_parts  # the label is wrong, the part is there
    if message.root.content_type == b"multipart/report" and message.report_type:
        return False
    return b"x-failed-recipients" in message.root.headers or _in_words(message) or ses_bounce.is_one(message.text)


def read(message: Message) -> Parsed:
    identifier, reply_to = _returned(message)
    words = bounce_text.above(message.text)
    defects: list[str] = []
    found: dict[str, Bounce] = {}
    for group in _groups(message, defects):
        bounce = _bounce(group, words, (identifier, reply_to), defects)
        if bounce:
            found.setdefault(bounce.recipient, bounce)
    if not found and ses_bounce.is_one(message.text):
        found = {bounce.recipient: bounce for bounce in ses_bounce.read(message.text)}
    if not found:
        found = {bounce.recipient: bounce for bounce in _told(message, words, (identifier, reply_to), defects)}
    if not found and (addressed := _addressed(message)):
        defects.append("recipient-from-returned-mail")
        action = bounce_text.action(message.envelope.subject or "", words)
        found[addressed] = Bounce(addressed, action, smtp_codes.spoken(words), identifier, None, reply_to)
    if not found:
        defects.append("no-recipient")
    elif len(found) > RECIPIENTS:
        defects.append("more-recipients-than-read")
    parsed = message.parsed(Kind.BOUNCE, bounces=tuple(found.values())[:RECIPIENTS], defects=tuple(defects))
    return replace(parsed, returned=_returned_mail(message))


def _returned_mail(message: Message) -> Report | None:
    """Whose mail came back: its trace says from where it was sent."""
    try:
        part = next(iter(message.evidence_parts), None)
        return None if part is None else evidence.forwarded_spam(part)
    except ParserError:  # the delivery report itself was read, and that is what counts
        return None


def _in_words(message: Message) -> bool:
    """A mail system says in words that a mail did not arrive."""
    outer = message.envelope
    if message.feedback_parts or (outer.from_count == 0 and outer.return_path != ""):
        return False
    if not bounce_text.by_system(outer.from_, outer.from_name, outer.return_path):
        return False
    subject = outer.subject or ""
    if not bounce_text.by_daemon(outer.from_, outer.return_path):
        return bounce_text.says_so(subject) and not bounce_text.complains(subject)
    return bounce_text.says_so(subject) or (_unasked(message) and bounce_text.told(message.text))


def _unasked(message: Message) -> bool:
    """No answer to a notice of ours: those that a machine writes are `reply`'s."""
    return not message.answers_notice or bounce_text.by_daemon(message.envelope.from_, None)


def _groups(message: Message, defects: list[str]) -> Iterator[Group]:
    """The fields of each recipient: in their own part, else in a text, else in a report within the report."""
    found = [delivery_fields.read(part) for part in message.delivery_parts]
    if not any(one.recipients for one in found):
        found += _fields_in_text(message, defects)
    if not any(one.recipients for one in found) and _names_nobody(message):
        inner = [part for inside in message.inner_messages for part in inside.delivery_parts]
        found += [delivery_fields.read(part) for part in inner]
        defects += ["nested-delivery-report"] if inner else []
    for status in found:
        defects += status.defects
        yield from status.recipients


def _fields_in_text(message: Message, defects: list[str]) -> list[delivery_fields.Status]:
    """The part is not labelled as what it is, or its boundary is broken, so that it stands inside another."""
    texts = [part for part in message.parts if part.content_type not in HEADERS_ONLY and not part.children]
    for part in texts[:PARTS_SEARCHED]:
        if part.content_type.startswith(b"message/rfc822"):
            continue
        found = delivery_fields.in_text(envelope.decoded_body(part, FIELDS_BYTES))
        if found and any(group.recipient for group in found.recipients):
            defects.append("delivery-status-in-text")
            return [found]
    return []


def _names_nobody(message: Message) -> bool:
    words = bounce_text.above(message.text)
    return not bounce_text.recipients(words, frozenset()) and b"x-failed-recipients" not in message.root.headers


def _bounce(group: Group, words: str, returned: tuple[str | None, str | None], defects: list[str]) -> Bounce | None:
    recipient = group.recipient
    if recipient is None:
        return None
    if recipient[0] in "|/":  # a program or a file that the mail was handed to: the words name whose it was
        named = bounce_text.recipients(words, frozenset())
        recipient = named[0].recipient if len(named) == 1 else recipient
    diagnostic = group.values.get("diagnostic-code")
    action = group.action
    stated = smtp_codes.stated(group.values.get("status"))
    if action in ("delivered", "relayed", "expanded"):
        return Bounce(recipient, action, stated, returned[0], diagnostic, returned[1])
    said = smtp_codes.most_telling((smtp_codes.spoken(diagnostic), stated))
    if said is None or said.endswith(".0.0") or said == smtp_codes.EXPIRED:
        said = smtp_codes.most_telling((said, bounce_text.reason(words, recipient)))
    if said is None and (said := smtp_codes.replied(diagnostic)):
        defects.append("status-from-reply-code")
    elif stated is None and said:
        defects.append("no-status-field")
    if action is None:
        defects.append("no-action")
        action = {"4": "delayed", "2": "delivered"}.get((stated or said or "5")[0], "failed")
    return Bounce(recipient, action, said, returned[0], diagnostic, returned[1])


def _told(
    message: Message, words: str, returned: tuple[str | None, str | None], defects: list[str]
) -> Iterator[Bounce]:
    """Recipients without fields of their own: X-Failed-Recipients, else the addresses that the words name."""
    outer = message.envelope
    action = bounce_text.action(outer.subject or "", words)
    own = frozenset(one.lower() for one in (outer.from_ or "", *outer.to))
    listed = [box.address for box in envelope.mailboxes(message.root.headers.all(b"x-failed-recipients"))]
    named = bounce_text.recipients(words, own) or bounce_text.recipients(words, frozenset({outer.from_ or ""}))
    if listed:
        said = {one.recipient: one.about for one in named}
        named = [bounce_text.Said(one, said.get(one, words)) for one in dict.fromkeys(listed)]
    for recipient, about in named:
        status = smtp_codes.spoken(about) or (bounce_text.reason(words, recipient) if len(named) == 1 else None)
        if status is None and (status := smtp_codes.replied(about)):
            defects.append("status-from-reply-code")
        if status and status[0] == "2":
            status = None
        yield Bounce(recipient, action, status, returned[0], None, returned[1])


def _returned(message: Message) -> tuple[str | None, str | None]:
    """(Message-ID, In-Reply-To) of the mail that came back: attached, pasted, or named by the report's own header."""
    for part in message.evidence_parts:
        headers = envelope.embedded(part).headers if part.content_type not in HEADERS_ONLY else _block(part)
        if identifier := message_id(envelope.first(headers, "message-id")):
            return identifier, message_id(envelope.first(headers, "in-reply-to"))
    for part in message.delivery_parts:
        of_message = delivery_fields.read(part).message.values
        if named := of_message.get("x-original-message-id") or of_message.get("original-message-id"):
            return message_id(named), None
    pasted = _RETURNED_ID.search(message.text)
    if pasted:
        reply = _RETURNED_REPLY.search(message.text)
        return pasted[1], reply[1] if reply else None
    return message.envelope.in_reply_to, None


def _addressed(message: Message) -> str | None:
    """To whom the returned mail went, where that was one address only and nothing else says it."""
    for part in message.evidence_parts[:1]:
        headers = envelope.embedded(part).headers if part.content_type not in HEADERS_ONLY else _block(part)
        to = envelope.mailboxes([*headers.all(b"to"), *headers.all(b"cc")])
        return to[0].address if len(to) == 1 else None
    return None


def _block(part: Part) -> Headers:
    return Headers(envelope.decoded_body(part, part.budget.limits.header_bytes), part.budget.limits.header_bytes)
