"""What a message says: the values that every parser returns and nothing else.

Frozen, and free of behaviour beyond turning themselves into the documented JSON
(`arfgate parse --jsonl`). They hold what the message *claims*; whether that may be
believed is screening's business, and whose address it is attribution's. Must never
import a format, a database, a clock or the network.

All datetimes are aware UTC. Addresses are without `<>`, domains lower-case, IPv6
compressed and v4-mapped unwrapped, as the `fields` module writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from parsers.frozen import quickly_made

if TYPE_CHECKING:
    from parsers.scan import Part


class Kind(StrEnum):
    """What the message is. Screening reads it and never changes it."""

    REPORT = "report"
    BOUNCE = "bounce"
    REPLY = "reply"
    AUTO_REPLY = "auto-reply"
    OPT_OUT = "opt-out"
    DISPOSITION = "disposition"
    AGGREGATE = "aggregate"
    ADMIN = "admin"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


class Category(StrEnum):
    """What is said to have happened: one closed vocabulary over policies and XARF."""

    SPAM = "spam"  # unsolicited bulk or commercial mail (PAG-3, XARF messaging)
    PHISHING = "phishing"
    FRAUD = "fraud"
    MALWARE = "malware"  # harmful attachments too: PAG-3's letter bombing
    MAIL_BOMBING = "mail-bombing"
    HARASSMENT = "harassment"
    LIST_VIOLATION = "list-violation"
    NEWSGROUP_SPAM = "newsgroup-spam"
    SPAMVERTISING = "spamvertising"  # the advertised site, not the source
    RESPONSE_COLLECTION = "response-collection"
    DATA_HARVESTING = "data-harvesting"  # MED-6
    INTERFERENCE = "interference"  # MED-6
    LOGIN_ATTACK = "login-attack"
    PORT_SCAN = "port-scan"
    DDOS = "ddos"
    INTRUSION = "intrusion"
    INFECTED_HOST = "infected-host"
    VULNERABILITY = "vulnerability"
    LISTING = "listing"  # a block list's notice
    COPYRIGHT = "copyright"
    ILLEGAL_CONTENT = "illegal-content"  # CON-10, NET-6: set by a person
    CHILD_ABUSE = "child-abuse"  # legal lane only
    AUTHENTICATION = "authentication"  # auth-failure: a diagnostic, not a complaint
    NOT_SPAM = "not-spam"
    OTHER = "other"


class ResourceKind(StrEnum):
    IP = "ip"
    HOST = "host"
    MAILBOX = "mailbox"
    DOMAIN = "domain"
    PHONE = "phone"
    URL = "url"


class Role(StrEnum):
    """What the resource did in the report."""

    SOURCE = "source"
    ADVERTISED = "advertised"
    DROP_BOX = "drop-box"
    RELAY = "relay"


@quickly_made
@dataclass(frozen=True, slots=True)
class Resource:
    """Something that a customer may hold and that a report is about."""

    kind: ResourceKind
    role: Role
    value: str


@quickly_made
@dataclass(frozen=True, slots=True)
class Hop:
    """One Received line that could be read. `ip` is the peer that `by` talked to.

    `rdns` is the name that `by` looked up for it, `helo` the one the peer gave itself; `ident`: the login may be what
    the peer's ident server said; `zoned` is False where the time's zone is unknown and UTC was taken. None of these is
    in the JSON.
    """

    ip: str | None
    port: int | None
    time: datetime | None
    by: str | None
    login: str | None = None
    helo: str | None = None
    rdns: str | None = None
    ident: bool = False
    zoned: bool = True


@quickly_made
@dataclass(frozen=True, slots=True)
class Candidate:
    """A value found with low confidence (0..1). Never copied into a field."""

    kind: str
    value: str
    confidence: float


@quickly_made
@dataclass(frozen=True, slots=True)
class Finding:
    """A checked fact about the reported mail, with the text that shows it."""

    code: str
    evidence: str


@quickly_made
@dataclass(frozen=True, slots=True)
class Identifiers:
    """Opaque tokens of the reported mail that may name an account."""

    feedback_id: str | None = None
    list_id: str | None = None
    verp: str | None = None
    auth_login: str | None = None


@quickly_made
@dataclass(frozen=True, slots=True)
class Original:
    """The mail that is complained about.

    `header_block` is its header as raw bytes as they stood in the report (no body; the
    evidence for redaction and fingerprints); it is not part of the JSON. `body_digest` is
    the SHA-256 hex of the raw body bytes, None where only headers were sent. `mail` is the
    whole of it, for the findings alone: `parse()` takes it out when they are made.
    """

    message_id: str | None = None
    from_: str | None = None
    subject: str | None = None
    date: datetime | None = None
    headers_only: bool = False
    header_block: bytes = field(default=b"", repr=False)
    body_digest: str | None = None
    mail: Part | None = field(default=None, repr=False, compare=False)


@quickly_made
@dataclass(frozen=True, slots=True)
class Report:
    """One thing said to have happened (RFC 5965 section 2e: one report, one message)."""

    feedback_type: str | None = None
    category: Category = Category.OTHER
    version: str | None = None
    user_agent: str | None = None
    source_ip: str | None = None
    source_port: int | None = None
    arrival_date: datetime | None = None
    incidents: int = 1
    original_mail_from: str | None = None
    original_rcpt_to: tuple[str, ...] = ()
    original_envelope_id: str | None = None
    reporting_mta: str | None = None
    reported_domain: tuple[str, ...] = ()
    reported_uri: tuple[str, ...] = ()
    authentication_results: tuple[str, ...] = ()
    auth_failure: str | None = None
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()  # fields without an attribute here, as spelt first
    resources: tuple[Resource, ...] = ()
    original: Original | None = None
    trace: tuple[Hop, ...] = ()
    identifiers: Identifiers = Identifiers()
    candidates: tuple[Candidate, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()  # derived field -> where it came from
    findings: tuple[Finding, ...] = ()
    defects: tuple[str, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True)
class Bounce:
    """One recipient of a delivery report (RFC 3464 section 2.3), or what a free-text bounce tells of it."""

    recipient: str
    action: str  # failed | delayed | delivered | relayed | expanded
    status: str | None = None
    message_id: str | None = None  # of the mail that bounced, where it is shown
    diagnostic: str | None = None
    in_reply_to: str | None = None  # of the mail that bounced; like `diagnostic` not in the JSON


@quickly_made
@dataclass(frozen=True, slots=True)
class Envelope:
    """Header facts of the outer message. Claims, until screening says otherwise.

    `authentication_results` and `received` are the raw field values, unfolded, topmost first.
    """

    from_: str | None = None
    from_name: str | None = None
    from_count: int = 0  # addresses over all From fields; anything but 1 is never authenticated
    return_path: str | None = None  # "" is the null path, None is no such field
    reply_to: str | None = None
    to: tuple[str, ...] = ()  # To, Cc, Delivered-To, X-Original-To, in that order, without repeats
    subject: str | None = None
    message_id: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    date: datetime | None = None
    auto_submitted: str | None = None
    precedence: str | None = None
    robot_fields: tuple[str, ...] = ()  # names of fields by which lists and programs ask for no answer; not in the JSON
    loop_tokens: tuple[str, ...] = ()  # values of X-Arfgate-Loop and X-Loop
    authentication_results: tuple[str, ...] = ()
    received: tuple[str, ...] = ()


@quickly_made
@dataclass(frozen=True, slots=True)
class Parsed:
    """All that `parse()` says of one message. `text` is the readable body (bounded, decoded)
    of replies, free text and the human part of a report: for people, never for decisions.
    """

    kind: Kind
    format: str | None
    envelope: Envelope
    reports: tuple[Report, ...] = ()
    bounces: tuple[Bounce, ...] = ()
    defects: tuple[str, ...] = ()
    error: str | None = None
    text: str = field(default="", repr=False)
    returned: Report | None = None  # of a bounce: the mail that came back, read like a forwarded one; not in the JSON


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that hold before anything is decoded (SEC-1). Sizes in bytes."""

    message_bytes: int = 25 * 1024 * 1024
    header_bytes: int = 256 * 1024
    header_line_bytes: int = 64 * 1024
    parts: int = 500
    depth: int = 20
    evidence_messages: int = 20
    text_chars: int = 20_000
