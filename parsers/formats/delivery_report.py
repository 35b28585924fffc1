"""Delivery reports: RFC 3464, X-Failed-Recipients (Exim), and free text from a mail system.

They tell which of our notices never arrived, so the Message-ID of the returned mail matters
most. Must never be taken for a complaint, whatever the returned mail holds: our own notices
carry an ARF part, and come back with it.
"""

from __future__ import annotations

import re

from parsers import envelope, fields
from parsers.message import HEADERS_ONLY, Message, message_id
from parsers.report import Bounce, Kind, Parsed
from parsers.scan import FIELD, Headers, Part

DIALECT_OF = ("arf", "forwarded", "inline", "reply")
RECIPIENTS = 200
STATUS_BYTES = 200_000
ACTIONS = frozenset(("failed", "delayed", "delivered", "relayed", "expanded"))
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_RETURNED_ID = re.compile(r"^[> ]{0,4}Message-ID:\s{0,4}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_RETURNED_REPLY = re.compile(r"^[> ]{0,4}In-Reply-To:\s{0,4}(<[^<>\s]{1,500}>)", re.IGNORECASE | re.MULTILINE)
_SYSTEM = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mail\.daemon|maildaemon)@", re.IGNORECASE)
_FAILURE = re.compile(
    r"undeliver|not delivered|delivery (?:has )?fail|delivery status|delivery notification|delivery problem"
    r"|failure notice|returned mail|mail delivery|returning message|non.?delivery|nondeliverable|bounced",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"<?([^\s<>\"'(),;:]{1,64}@[A-Za-z0-9.-]{1,253}[A-Za-z0-9])>?")
_ORIGINAL_STARTS = re.compile(
    r"^.{0,60}(?:original message|copy of the message|message headers|unsent message|returned message|message follows)",
    re.IGNORECASE | re.MULTILINE,
)


def recognises(message: Message) -> bool:
    if message.report_type == b"feedback-report":
        return False
    if message.delivery_parts:
        return True
    if message.root.content_type == b"multipart/report" and message.report_type not in (b"", b"delivery-status"):
        return False
    return b"x-failed-recipients" in message.root.headers or _free_text(message)


def read(message: Message) -> Parsed:
    identifier, reply_to = _returned(message)
    found: dict[str, Bounce] = {}
    for part in message.delivery_parts:
        for bounce in _status_groups(part, identifier, reply_to):
            found.setdefault(bounce.recipient, bounce)
    if not found:
        status = _STATUS.search(message.text)
        for recipient in _named(message):
            found[recipient] = Bounce(recipient, "failed", status[1] if status else None, identifier, None, reply_to)
    defects = () if found else ("no-recipient",)
    return message.parsed(Kind.BOUNCE, bounces=tuple(found.values())[:RECIPIENTS], defects=defects)


def _free_text(message: Message) -> bool:
    """A mail system says in words that a mail did not arrive."""
    outer = message.envelope
    by_system = outer.return_path == "" or bool(_SYSTEM.match(outer.from_ or "")) or "@" not in (outer.from_ or "")
    if not by_system or message.feedback_parts or (outer.from_count == 0 and outer.return_path != ""):
        return False
    return bool(_FAILURE.search(outer.subject or ""))


def _status_groups(part: Part, identifier: str | None, reply_to: str | None) -> list[Bounce]:
    """One Bounce for each group of fields that names a recipient (RFC 3464 section 2.3)."""
    body = envelope.decoded_body(part, STATUS_BYTES).replace(b"\r\n", b"\n")
    found: list[Bounce] = []
    for group in body.split(b"\n\n")[: RECIPIENTS * 2]:
        if not FIELD.search(group):
            continue
        headers = Headers(group, STATUS_BYTES)
        stated = envelope.first(headers, b"final-recipient") or envelope.first(headers, b"original-recipient")
        action = (envelope.first(headers, b"action") or "").partition(" ")[0].lower()
        diagnostic = envelope.first(headers, b"diagnostic-code")
        status = _status(envelope.first(headers, b"status"), diagnostic)
        recipient = _recipient(stated) if stated else None
        if recipient is None:
            continue
        if action not in ACTIONS:
            action = "delayed" if status and status[0] == "4" else "failed"
        found.append(Bounce(recipient, action, status, identifier, diagnostic, reply_to))
    return found


def _status(stated: str | None, diagnostic: str | None) -> str | None:
    """The Status field; where it only names the class (`5.0.0`), the code that the other server gave."""
    found = _STATUS.search(stated or "")
    status = found[1] if found else None
    if status is None or status.endswith(".0.0"):
        given = _STATUS.search(diagnostic or "")
        if given and (status is None or given[1][0] == status[0]):
            return given[1]
    return status


def _recipient(stated: str) -> str | None:
    """`rfc822; a@example.net`; also a local part alone, as some systems report it."""
    value = stated.partition(";")[2] or stated
    return fields.address(value) or value.strip("<> \t")[:320] or None


def _returned(message: Message) -> tuple[str | None, str | None]:
    """(Message-ID, In-Reply-To) of the mail that came back: attached, pasted, or named by the report's own header."""
    for part in message.evidence_parts:
        headers = envelope.embedded(part).headers if part.content_type not in HEADERS_ONLY else _block(part)
        if identifier := message_id(envelope.first(headers, b"message-id")):
            return identifier, message_id(envelope.first(headers, b"in-reply-to"))
    pasted = _RETURNED_ID.search(message.text)
    if pasted:
        reply = _RETURNED_REPLY.search(message.text)
        return pasted[1], reply[1] if reply else None
    return message.envelope.in_reply_to, None


def _block(part: Part) -> Headers:
    return Headers(envelope.decoded_body(part, part.budget.limits.header_bytes), part.budget.limits.header_bytes)


def _named(message: Message) -> list[str]:
    """Recipients without a status part: X-Failed-Recipients, else the addresses in the text above the returned mail."""
    listed = [box.address for box in envelope.mailboxes(message.root.headers.all(b"x-failed-recipients"))]
    if listed:
        return list(dict.fromkeys(listed))
    starts = _ORIGINAL_STARTS.search(message.text, 100) if len(message.text) > 100 else None
    words = message.text[: starts.start() if starts else 4_000]
    own = {message.envelope.from_, *message.envelope.to}
    named = [fields.address(hit) for hit in _ADDRESS.findall(words)]
    return [one for one in dict.fromkeys(named) if one and one not in own and not _SYSTEM.match(one)][:5]
