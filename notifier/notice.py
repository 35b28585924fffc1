"""What is to be said and what came of saying it: the values that pass through the notifier.

A Notice is complete: whoever composes or sends it asks nobody else. Must never know a
database, a mailbox or how a report was parsed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal


class NoticeKind(StrEnum):
    """Each has one template, `templates/LOCALE/KIND.txt`."""

    COMPLAINT = "complaint"  # to the customer; starts a clock
    REMINDER = "reminder"  # to the customer, at half time
    OVERDUE = "overdue"  # to the customer: the time is up, what follows
    FIRST_WARNING = "first-warning"  # to the customer: a strike (PAG-6)
    SECOND_WARNING = "second-warning"
    FINAL_WARNING = "final-warning"
    ENFORCED = "enforced"  # to the customer: what was carried out, once it was
    CUSTOMER_COPY = "customer-copy"  # to a customer above: what its customer was told (SES-2)
    POLICY_CHANGE = "policy-change"  # to the customer: a new version holds (MED-5)
    ANSWER_REJECTED = "answer-rejected"  # to the customer: the answer does not do, the time runs on
    CONSENT_ASKED = "consent-asked"  # to the customer: the proof of permission for a campaign
    APPEAL_DECIDED = "appeal-decided"  # to the customer: what came of asking for a review
    POSTMASTER_CHECK = "postmaster-check"  # to the postmaster of a customer's domain: who reads this?
    ACTION_PLANNED = "action-planned"  # to the customer: what is going to be done
    LIFTED = "lifted"  # to the customer: an action was undone
    ANSWER_RECEIVED = "answer-received"  # to the customer: the clock stands still
    RESOLVED = "resolved"  # to the customer
    REOPENED = "reopened"  # to the customer: it went on after it was called resolved
    WHOIS_CONTACT = "whois-contact"  # to a contact of a foreign network or site
    RELAY_POSTMASTER = "relay-postmaster"  # to the postmaster of a relay in the trace (SES-10)
    UPSTREAM = "upstream"  # to a provider above the source network (SES-10)
    DIGEST = "digest"  # to a contact: what came beyond the first reports of the day (SEC-8)
    CUSTOMER_DIGEST = "customer-digest"  # to a customer who wants it: what was counted on a day
    OUTCOME = "outcome"  # to a complainant who asked: in general words what came of it
    INCOMPLETE = "incomplete"  # reply to a complainant: what is missing, and how to send it
    ACKNOWLEDGEMENT = "acknowledgement"  # reply to a complainant: accepted, under this number
    CONFIRM_REPORT = "confirm-report"  # to the address that came with a form: was it you?
    PORTAL_LINK = "portal-link"  # to the customer, who asked for a new link to the case
    LEGAL_ALARM = "legal-alarm"  # to named staff: a matter waits; nothing of it
    STAFF_ALARM = "staff-alarm"  # to staff: something needs a person
    FEED_ADMIN = "feed-admin"  # to staff: what a feed asks of us
    SELF_TEST = "self-test"  # `arfgate check`, to our own notice address


TO_OTHERS = frozenset(
    {NoticeKind.WHOIS_CONTACT, NoticeKind.RELAY_POSTMASTER, NoticeKind.UPSTREAM, NoticeKind.DIGEST}
)  # to people who never asked: with a way to opt out (OUT-3)
TO_STAFF = frozenset({NoticeKind.LEGAL_ALARM, NoticeKind.STAFF_ALARM, NoticeKind.FEED_ADMIN})  # in English only
# To people who complained, by the rules of RFC 3834 section 3: nobody is to bounce or answer by itself.
REPLIES = frozenset({NoticeKind.INCOMPLETE, NoticeKind.ACKNOWLEDGEMENT, NoticeKind.OUTCOME, NoticeKind.CONFIRM_REPORT})
# To the customer's contact and not to whoever wrote; but a program says them because a mail came (RFC 3834 section 5).
RESPONSES = frozenset({NoticeKind.ANSWER_RECEIVED})
STARTS = frozenset({NoticeKind.COMPLAINT, NoticeKind.REOPENED})  # from their arrival on a clock runs


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment, already decoded. `subtype` such as `feedback-report`."""

    content_type: str
    content: bytes
    filename: str | None = None
    disposition: Literal["inline", "attachment"] = "attachment"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The report as it may leave the house: facts and headers that were redacted before.

    `headers` are decoded (name, value) pairs in order, already allow-listed and redacted.
    Times are aware UTC.
    """

    feedback_type: str
    source_ip: str | None
    source_port: int | None
    arrival_date: datetime | None
    incidents: int
    reporting_mta: str | None
    reported_domain: tuple[str, ...] = ()
    reported_uri: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: tuple[str, ...] = ()  # redacted texts of the reported mail, for those who may see them
    attachments: tuple[str, ...] = ()  # one line for each that was taken out: name, type, size, digest
    category: str | None = None  # a value of parsers.report.Category


@dataclass(frozen=True, slots=True)
class XarfParty:
    """Who reports, in XARF's words."""

    organisation: str
    contact: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One mail to one address.

    `key` is the idempotency key: the Message-ID is made from it, so that a second copy of
    the same notice is recognised as such. `address` is the bounce-visible notice address
    (Reply-To and return path). `facts` are the template's variables: plain values only.
    A reply (kinds in REPLIES) names the mail that it answers in `in_reply_to` and has the null return path.
    """

    kind: NoticeKind
    key: str
    to: str
    language: str
    address: str
    sender: str  # the From address, e.g. abuse@isp.example
    sender_name: str
    date: datetime
    facts: dict[str, object] = field(default_factory=dict)
    evidence: Evidence | None = None
    parts: tuple[Part, ...] = ()
    in_reply_to: str | None = None  # a Message-ID with its <>, as the mail had it
    html: bool = False  # the same words also as HTML
    xarf: XarfParty | None = None  # the evidence as XARF instead of ARF, where that can say it


class Why(StrEnum):
    """Closed list: why a mail was not accepted. Also a metric label."""

    CONNECTION = "connection"  # no connection, or it broke
    TIMEOUT = "timeout"
    TLS = "tls"
    AUTHENTICATION = "authentication"  # our login was refused
    RECIPIENT = "recipient"  # this address, for good or for now
    SENDER = "sender"
    CONTENT = "content"
    RATE = "rate"
    SERVER = "server"  # any other answer of the server
    NO_MAIL_SERVER = "no-mail-server"  # the domain does not exist or takes no mail
    ADDRESS = "address"  # the address cannot be written to at all
    COMPOSE = "compose"  # the notice could not be composed: a bug or a broken template


# A refusal that says nothing about the contact: it is our sender, our login or our text that is wrong.
OUR_FAULT = frozenset({Why.SENDER, Why.COMPOSE, Why.AUTHENTICATION, Why.TLS})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The last server we reach accepted the mail. `answer` is its words, for staff."""

    answer: str
    server: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now: worth another attempt. `answer` is private: for staff, never for customers. `may_have_it`: the server
    was already taking the mail when it broke, so whoever tries elsewhere may send it twice. `wait`: nobody was asked,
    by a limit of ours that ends then; it counts as no attempt."""

    why: Why
    answer: str
    may_have_it: bool = False
    wait: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not ever: trying again would be rude."""

    why: Why
    answer: str


Outcome = Delivered | Deferred | Refused
