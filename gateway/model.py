"""The values that the pure code decides on: one word per noun, no behaviour, no storage.

Screening, attribution and casework take and return these; `store` reads and writes
them; nothing here may import either, or anything outside the standard library and
`parsers.report`. All datetimes are aware UTC, all durations seconds or `timedelta`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from gateway.model_attribution import Assignment as Assignment  # noqa: PLC0414  (everybody takes it from here)
from gateway.model_attribution import Attribution as Attribution  # noqa: PLC0414  (everybody takes it from here)
from gateway.model_attribution import AttributionReason as AttributionReason  # noqa: PLC0414  (everybody takes it from here)
from gateway.model_attribution import Holder as Holder  # noqa: PLC0414  (everybody takes it from here)
from gateway.model_attribution import Use as Use  # noqa: PLC0414  (everybody takes it from here)
from parsers.report import ResourceKind, Role


class MailboxRole(StrEnum):
    """Which address a mailbox serves; the policy says how strict it is (CON-2)."""

    ABUSE = "abuse"
    POSTMASTER = "postmaster"
    ISP_DESK = "isp-desk"  # other providers' administrators


class Mode(StrEnum):
    OBSERVE = "observe"  # read, decided, shown; nothing moved, filed or sent
    LIVE = "live"


# --- screening -------------------------------------------------------------------------


class IdentityKind(StrEnum):
    FEED = "feed"  # a registered feed, authenticated
    DOMAIN = "domain"  # an authenticated sending domain, aligned with the one From address
    NOBODY = "nobody"  # nothing accountable stands behind the message
    UNCHECKED = "unchecked"  # no border is configured that could have checked


class Proof(NamedTuple):
    """One result of checking a message: `method` dkim, spf or dmarc, `domain` what it is about ("": nothing named)."""

    method: str
    result: str
    domain: str


class Checker(StrEnum):
    """Whose word the proofs of an identity are."""

    BORDER = "border"  # Authentication-Results of our own border
    OWN = "own"  # our own check over the raw bytes
    ARC = "arc"  # what a forwarder that the operator trusts saw and sealed
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sent the message, by evidence. `detail` says in words how we know, or what was ignored."""

    kind: IdentityKind
    domain: str | None = None
    address: str | None = None  # From address, only where its domain is authenticated
    method: str | None = None  # dmarc | dkim | spf | alias | arc | token | page
    feed: str | None = None
    detail: str = ""
    foreign: bool = False  # nobody's: there were only somebody else's Authentication-Results
    checked_by: Checker = Checker.NONE
    proofs: tuple[Proof, ...] = ()
    signature: str | None = None  # "s/mime" or "openpgp": present, and not verified


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    RECORDED = "recorded"
    HELD = "held"
    REJECTED = "rejected"
    ROUTED = "routed"
    REVIEW = "review"
    JUNK = "junk"
    LEGAL = "legal"


class ScreeningReason(StrEnum):
    """Closed list: why a report (or a message without one) got its verdict."""

    LEGAL = "legal"  # legal: child abuse, copyright: a restricted lane, whoever reports it
    FEED = "feed"  # accepted: a registered feed
    SIGNED = "signed"  # accepted: authenticated, named, and the reported mail with its header
    TRUSTED = "trusted"  # accepted: a reporter whom staff trust like a registered feed
    OWN_FEEDBACK_ID = "own-feedback-id"  # accepted: sent to our CFBL address, about a mail of ours that it names
    NOT_A_COMPLAINT = "not-a-complaint"  # recorded: auth-failure, not-spam
    STATISTICS = "statistics"  # recorded: aggregate and disposition mail
    COUNT_ONLY = "count-only"  # recorded: the feed opens no cases
    DUPLICATE = "duplicate"  # recorded: the twin of a report we have
    TOO_OLD = "too-old"  # recorded: incident older than the policy's limit
    RELEASED = "released"  # accepted: a person released what was held
    COMPLETED = "completed"  # recorded: held, until a later mail brought what was missing
    EVIDENCE_MISSING = "evidence-missing"  # held: authenticated, but no header of the reported mail
    UNCONFIRMED = "unconfirmed"  # held: sent on our page, and its sender has not opened the link that was mailed
    IDENTITY_UNCHECKED = "identity-unchecked"  # held: nobody could check the sender
    REPORTER_DOUBTED = "reporter-doubted"  # held: staff want to see each report of this reporter
    THROTTLED = "throttled"  # held: more in an hour than staff allow this reporter
    FLOOD = "flood"  # held: more from one place than anybody can mean
    EXPIRED = "expired"  # rejected: held, and nothing came in time
    DROPPED = "dropped"  # rejected: held, and a person said no
    ANONYMOUS = "anonymous"  # rejected: nobody accountable (PAG-2)
    REPORTER_BLOCKED = "reporter-blocked"  # rejected: staff want nothing of this reporter
    CFBL_UNSIGNED = "cfbl-unsigned"  # rejected: sent to our CFBL address without a DKIM signature of its sender
    FOREIGN_BORDER = "foreign-border"  # rejected: only somebody else's Authentication-Results
    LOOP = "loop"  # rejected: our own mail, or too many hops
    BOUNCE = "bounce"  # routed
    REPLY = "reply"
    AUTO_REPLY = "auto-reply"
    OPT_OUT = "opt-out"
    ADMINISTRATION = "administration"
    UNREADABLE = "unreadable"  # review
    NAMES_OUR_RESOURCE = "names-our-resource"  # review: unknown, but one of ours is named
    NOTHING_OF_OURS = "nothing-of-ours"  # junk


@dataclass(frozen=True, slots=True)
class Screening:
    """May we act on it; if not, why. `detail` is one sentence for staff."""

    verdict: Verdict
    reason: ScreeningReason
    identity: Identity
    detail: str = ""


class Cleared(StrEnum):
    """What staff said of a message that is worked on once more."""

    HELD = "held"  # it is held no longer, whatever was missing
    LEGAL = "legal"  # it is no matter of the legal lane


# --- casework --------------------------------------------------------------------------

CaseKey = tuple[int, str, *tuple[int, ...]]  # (account, class); (account, class, case) for one that is not the latest


class CaseState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    MERGED = "merged"


class ClockState(StrEnum):
    WAITING = "waiting"  # the notice that starts it is not yet accepted
    RUNNING = "running"
    ANSWERED = "answered"
    OVERDUE = "overdue"
    UNREACHABLE = "unreachable"
    RESOLVED = "resolved"


class Cause(StrEnum):
    """Closing needs one."""

    COMPROMISED = "compromised"
    INFECTED = "infected"
    LIST_QUALITY = "list-quality"
    WILFUL = "wilful"
    MISATTRIBUTED = "misattributed"
    FALSE = "false"


class Severity(StrEnum):
    """How much a case presses, as staff see it; a reopened one is at least high."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class ActionKind(StrEnum):
    """What we can do to a resource or an account. Each has an undo; which connector carries it out is a setting."""

    BLOCK_ADDRESS = "block-address"  # traffic of an address or prefix; the portal and our mail stay reachable
    LIMIT_OUTGOING = "limit-outgoing"  # mail of the account, to a rate
    STOP_OUTGOING = "stop-outgoing"  # mail of the account, until it is lifted
    BLOCK_PORT_25 = "block-port-25"
    PASSWORD_RESET = "password-reset"  # noqa: S105  (asked for, at the next login)
    WALLED_GARDEN = "walled-garden"
    BLOCK_SENDER = "block-sender"  # one mail address (SES-11)
    BLOCK_DOMAIN = "block-domain"  # a whole offending domain (SES-11)
    DISABLE_MAIL = "disable-mail"  # of the account, for good (PAG-6)
    SUSPEND_ACCOUNT = "suspend-account"  # all of it (PAG-7, CON-5)
    CANCEL_ACCOUNT = "cancel-account"  # for good (CON-5, MED-4)
    SUSPEND_SUPPORT_SERVICE = "suspend-support-service"  # a site, mailbox, number that supports spam (SES-7)
    CHARGE = "charge"  # a fine (SES-3)
    LIST_FOREIGN = "list-foreign"  # somebody else's address, with expiry (SES-9)


# What is done to the account as a whole; the others are done to the resource that was reported.
TO_ACCOUNT = frozenset(
    {
        ActionKind.LIMIT_OUTGOING,
        ActionKind.STOP_OUTGOING,
        ActionKind.PASSWORD_RESET,
        ActionKind.DISABLE_MAIL,
        ActionKind.SUSPEND_ACCOUNT,
        ActionKind.CANCEL_ACCOUNT,
        ActionKind.CHARGE,
    }
)


class ActionState(StrEnum):
    PROPOSED = "proposed"  # waits for approval
    ASKED = "asked"  # approved, no connector: staff carry it out by hand
    APPROVED = "approved"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Case:
    """Our duty towards one account and class. `id` None until stored."""

    account_id: int
    cls: str
    state: CaseState
    opened_at: datetime
    id: int | None = None
    resolved_at: datetime | None = None
    policy: str = ""
    cause: Cause | None = None

    @property
    def number(self) -> str:
        """`AG-2026-000123`, as people say it."""
        return f"AG-{self.opened_at.year}-{self.id or 0:06d}"


def report_number(message_id: int, received_at: datetime) -> str:
    """`R-2026-000123`: what a complainant is told. The number is the message's, which may hold several reports."""
    return f"R-{received_at.year}-{message_id:06d}"


@dataclass(frozen=True, slots=True)
class Clock:
    """One resource in a case and the time its holder has left.

    `step` counts the steps that time alone brought in this round (reminders, then overdue), `contact` the index
    of the contact that is being told,
    `starts_at` when the accepted notice counts as received (relay: acceptance plus bounce grace),
    `answer_used`: an answer was rejected in this round, later ones stop nothing by themselves.
    `next_at` is when the clock next needs a look (None: never by itself); ticks select on it.
    `resolution` and `prevention` are what was said to have been done, and what keeps it from coming back.
    """

    case_key: CaseKey  # stable before the case has an id
    kind: ResourceKind
    role: Role
    value: str
    policy: str = ""  # the version that its case runs under
    state: ClockState = ClockState.WAITING
    id: int | None = None
    case_id: int | None = None
    round: int = 1
    step: int = 0
    contact: int = 0
    starts_at: datetime | None = None
    notified_at: datetime | None = None
    due_at: datetime | None = None
    next_at: datetime | None = None
    answered_at: datetime | None = None
    resolved_at: datetime | None = None
    remaining: float | None = None  # seconds left when the answer stopped it
    answer_used: bool = False
    resolution: str = ""
    prevention: str = ""

    @property
    def key(self) -> tuple[CaseKey, str, str]:
        return (self.case_key, self.kind.value, self.value)


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"  # refused for good, or given up
    BOUNCED = "bounced"  # accepted, then a failed delivery report
    CANCELLED = "cancelled"
    PROPOSED = "proposed"  # to a third party: a person says whether it goes out
