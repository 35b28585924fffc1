"""A Notice becomes the bytes of one mail: text, ARF report, headers.

Assembled as bytes, without the standard library's message objects (they cost more than the
sending). With evidence it is an RFC 5965 report whose facts all stand in its text too
(OUT-5); without, plain text. The same notice always gives the same Message-ID. Must never
take a header or a line of text from a report but through `headers`, `redact` and `texts`.

What a template may use: everything in `notice.facts`, and `notice_kind`, `to`, `sender`,
`sender_name`, `address` (the notice address), `evidence` (None, or as in notice.py). The
packaged templates know these facts, each of which may be missing (facts that end with `_at` are
aware datetimes, or ISO 8601 text as a database keeps it):

  case          case number, AG-2026-000123
  customer      whom we write to, as a name
  resource      what it is about: an address, host or mailbox
  category      a value of parsers.report.Category; shown in words
  received_at   when the report reached us (aware UTC)
  reporter      who says so, as far as it may be told ("a registered feedback loop")
  reports       how many reports the case holds
  hours         the full time to answer, in hours
  notified_at   when the clock of `resource` started; due_at when it ends
  time_left     timedelta or seconds until due_at
  action        what follows (a value of ActionKind: "block-address"); action_approval true: staff decide first
  policy        name and version of the policy; effective_at since when it holds, changes what changed (policy-change)
  complaints    how many complaints made a strike, first_at to last_at; cases their numbers (warnings, enforced)
  next_action   what the next strike brings, next_approval true: staff decide first (final-warning)
  done_at       when `action` was carried out, reason why (enforced)
  findings      list of sentences about the reported mail
  role          "source" or "advertised": what `resource` did (whois-contact)
  registration  the range or domain that the contact is registered for, contact_source: where that was found
  opt_out       our own address that ends these mails (whois-contact); opt_out_url the page for it, if there is one
  resolved_at   since when it counted as solved (resolved, reopened); dismissed true: it never was the customer's
  planned_at    when `action` is to be done (action-planned); cancelled true: it will not be (lifted)
  needs_statement, needs_prevention  what the answer does not say (answer-received)
  may_ask       true: a reply asks for the outcome (acknowledgement); result of it: "solved", "unfounded" (outcome)
  page          address of the case's page for the customer, if there is one
  organisation  our name in the last line (default: sender_name)
  timezone      IANA name of the reader's zone
  nonce         what `arfgate check` looks for (self-test)
  number        the report's number, as its complainant is told it (incomplete, acknowledgement)
  missing       what an incomplete complaint lacks: values of screening.replies.Missing
  days          how long it waits
  matter, legal_kind, what, why, command, lines ...: see the templates for staff
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from jinja2 import TemplateError

from notifier import arf, xarf
from notifier.entities import attachment, multipart, text_entity
from notifier.headers import ascii_address, header, mailbox
from notifier.notice import REPLIES, RESPONSES, Evidence, Notice, NoticeKind, Why
from notifier.plain_html import from_text
from notifier.texts import Texts, packaged

LOOP_HEADER = "X-Arfgate-Loop"
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>\Z")


class CannotComposeError(Exception):
    """The notice cannot become a mail; `why` is ADDRESS (somebody's data) or COMPOSE (ours)."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail with its envelope; an empty `envelope_from` is the null return path. `message` has CRLF line ends and
    only ASCII; `message_id` has its `<>`."""

    message: bytes
    message_id: str
    envelope_from: str
    envelope_to: str


def message_id_for(key: str, domain: str) -> str:
    """`<digest@domain>`: the same for every copy of the notice with this idempotency key."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain.lower()}>"


def loop_token(domain: str) -> str:
    """What our mail from this domain carries in X-Arfgate-Loop; screening drops what brings it back (AR-7)."""
    return "arfgate-" + hashlib.sha256(b"arfgate loop\0" + domain.lower().encode()).hexdigest()[:24]


def compose(notice: Notice, texts: Texts | None = None) -> Composed:
    """The whole mail. `texts`: other templates than the packaged ones. Raises CannotComposeError."""
    subject, text = subject_and_text(notice, texts or packaged())
    return assembled(notice, subject, text)


def assembled(notice: Notice, subject: str, text: str) -> Composed:
    """The mail around finished words (lines of `text` end with LF). Raises CannotComposeError."""
    addresses = _addresses(notice)
    domain = addresses["sender"].rpartition("@")[2]
    message_id = message_id_for(notice.key, domain)
    if notice.date.tzinfo is None:
        raise CannotComposeError(Why.COMPOSE, f"the notice {notice.key} has a date without zone: {notice.date}")
    head = b"".join(
        (
            mailbox("From", addresses["sender"], notice.sender_name),
            mailbox("To", addresses["to"]),
            mailbox("Reply-To", addresses["address"]),
            header("Subject", subject, 200),
            f"Date: {format_datetime(notice.date)}\r\nMessage-ID: {message_id}\r\n".encode("ascii"),
            *_standing(notice),
            header(LOOP_HEADER, loop_token(domain)),
            b"MIME-Version: 1.0\r\n",
        )
    )
    body = _body(notice, text)
    returned = "" if notice.kind in REPLIES else addresses["address"]
    return Composed(head + body, message_id, envelope_from=returned, envelope_to=addresses["to"])


def _standing(notice: Notice) -> list[bytes]:
    """What other programs go by. A notice is nobody's reply (AR-5); a reply says what it answers (AR-4)."""
    if notice.kind not in REPLIES | RESPONSES:
        return [b"Auto-Submitted: auto-generated\r\n"]
    answered = notice.in_reply_to or ""
    known = [header("In-Reply-To", answered), header("References", answered)] if _MESSAGE_ID.match(answered) else []
    return [b"Auto-Submitted: auto-replied\r\n", *known]


def _addresses(notice: Notice) -> dict[str, str]:
    checked = {}
    for field in ("sender", "to", "address"):
        try:
            checked[field] = ascii_address(getattr(notice, field))
        except ValueError as error:
            raise CannotComposeError(Why.ADDRESS, f"notice {notice.key}, field {field}: {error}") from error
    return checked


def subject_and_text(notice: Notice, texts: Texts) -> tuple[str, str]:
    """The words of a notice. Raises CannotComposeError."""
    try:
        times = {
            name: datetime.fromisoformat(value)
            for name, value in notice.facts.items()
            if name.endswith("_at") and isinstance(value, str)
        }
    except ValueError as error:
        raise CannotComposeError(Why.COMPOSE, f"notice {notice.key}, a time among its facts: {error}") from error
    facts = {
        **notice.facts,
        **times,
        "notice_kind": notice.kind.value,
        "to": notice.to,
        "sender": notice.sender,
        "sender_name": notice.sender_name,
        "address": notice.address,
        # Plain data: a template can read it and nothing else, and the sandbox need not watch.
        "evidence": {name: getattr(notice.evidence, name) for name in Evidence.__slots__} if notice.evidence else None,
    }
    try:
        return texts.render(notice.kind.value, notice.language, facts)
    except (TemplateError, ValueError, TypeError, ArithmeticError, LookupError) as error:
        message = f"notice {notice.key}: the template {notice.kind.value} for '{notice.language}': {error}"
        raise CannotComposeError(Why.COMPOSE, message) from error


def _body(notice: Notice, text: str) -> bytes:
    """The content headers of the mail, the empty line, and what follows."""
    bare = notice.evidence is None and (
        not notice.parts or notice.kind is NoticeKind.OUTCOME
    )  # that may be a program's
    if notice.kind in REPLIES and not bare:
        raise CannotComposeError(Why.COMPOSE, f"reply {notice.key}: it carries no evidence and no attachment (AR-4)")
    main = text_entity(text)
    if notice.html:
        page = text_entity(from_text(text, notice.language), b"html")
        main = multipart("alternative", (main, page), notice.key)
    if notice.evidence is not None:
        report = arf.entities(notice.evidence, main, notice.key)
        if (
            notice.xarf is not None
            and (document := xarf.document(notice.evidence, notice.xarf, notice.key)) is not None
        ):
            report = xarf.entities(document, main)
        main = multipart("report; report-type=feedback-report", report, notice.key)
    if notice.parts:
        try:
            main = multipart("mixed", (main, *(attachment(part) for part in notice.parts)), notice.key)
        except ValueError as error:
            raise CannotComposeError(Why.COMPOSE, f"notice {notice.key}: {error}") from error
    return main
