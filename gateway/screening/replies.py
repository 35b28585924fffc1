"""May this sender be answered by a program, and with what (RFC 3834; AR-1 to AR-7 of the standards).

There are two replies only: what is missing in an incomplete complaint, and that a complaint was accepted. Everybody
else is filed in silence: after the mailbox took the mail, an answer to a forged sender is spam of our own. Decides on
values; what was answered before and how much is left of the hour comes in as a Ledger. Must never choose an address
other than the authenticated return path, and never write a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.model import Identity, IdentityKind, Screening, ScreeningReason, Verdict
from gateway.screening.verdict import MOST_HOPS, WITHOUT_MAIL
from gateway.screening.words import HUMAN_FORMATS
from parsers.fields import address, same_organisation
from parsers.report import Envelope, Kind, Parsed, Report

ONCE_IN = timedelta(days=7)  # RFC 3834 section 2: the same reply to the same sender

_LOCAL_PARTS = re.compile(
    r"(?:no-?reply|do-?not-?reply|non?-?rispondere|ne-?pas-?repondre|nepasrepondre|mailer-?daemon|postmaster|bounces?"
    r"|listserv|majordomo|owner|nobody|daemon|root|robot|auto-?reply|autoresponder|notifications?)(?:[-+=_.].*)?"
    r"|owner-.*|.*-(?:request|owner|bounces?|noreply|relay|errors)(?:\+.*)?|srs[01]=.*",
    re.IGNORECASE,
)
_XARF_CONTACTS = ("reporter.contact", "ReporterInfo.ReporterContactEmail")
_BULK = frozenset({"bulk", "list", "junk", "auto_reply", "auto-reply"})


class Reply(StrEnum):
    """What a sender may be told; each is a kind of notice."""

    INCOMPLETE = "incomplete"  # what is missing, and how to send it
    ACKNOWLEDGEMENT = "acknowledgement"  # it was accepted, under this number (PAG-4)


class Silence(StrEnum):
    """Closed list: why nobody is answered."""

    NOTHING_TO_SAY = "nothing-to-say"  # this verdict is answered by nobody (AR-6)
    NO_RETURN_PATH = "no-return-path"  # AR-1: missing
    NULL_RETURN_PATH = "null-return-path"  # AR-1: <>
    AUTOMATIC = "automatic"  # AR-1: Auto-Submitted, List-*, Precedence
    MACHINE_SENDER = "machine-sender"  # AR-1: no-reply, MAILER-DAEMON, owner-*
    MACHINE_FORMAT = "machine-format"  # AR-1: ARF, XARF, delivery reports
    FEED = "feed"  # a registered feed reads no answers
    UNAUTHENTICATED = "unauthenticated"  # AR-1, AR-6: the sender may be forged
    FOREIGN_RETURN_PATH = "foreign-return-path"  # AR-3: it is not the authenticated sender's
    LOOP = "loop"  # AR-7
    OURSELVES = "ourselves"  # AR-7
    REFUSED = "refused"  # staff, or an earlier refusal, say: never again
    TOO_SOON = "too-soon"  # AR-4: answered within 7 days
    BUDGET = "budget"  # AR-7: enough replies in this hour


class Missing(StrEnum):
    """Closed list: what an incomplete complaint lacks; the reply has a sentence for each."""

    HEADERS = "headers"  # the reported mail is quoted without its complete header
    MAIL = "mail"  # no reported mail at all
    ADDRESS = "address"  # an incident without the source address
    TIME = "time"  # an incident without its time


@dataclass(frozen=True, slots=True)
class Ledger:
    """What is known of earlier replies. `answered`: return path (lower-case) -> when it was last answered.
    `left`: replies that may still go out in this hour. `own_addresses`, `own_domains`, `refused` (addresses or
    domains): lower-case. `completes`: it answers our own reply, whose token came back: its one acknowledgement
    is not held to the seven days, since a token serves once."""

    now: datetime
    left: int
    answered: Mapping[str, datetime] = field(default_factory=dict)
    own_addresses: frozenset[str] = frozenset()
    own_domains: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    completes: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """`reply` None: silence, for the reason `why`. `to` is the one address that may be written to."""

    reply: Reply | None
    to: str | None = None
    why: Silence | None = None
    missing: tuple[Missing, ...] = ()


def decide(parsed: Parsed, report: Report | None, screening: Screening, ledger: Ledger) -> Decision:
    """What the sender of one message is told about the report (of several: the first) that got this screening."""
    reply = _owed(screening)
    if reply is None or report is None:
        return Decision(None, why=Silence.NOTHING_TO_SAY)
    why = _unfit(parsed, screening, ledger)
    if why is not None:
        return Decision(None, why=why)
    to = (parsed.envelope.return_path or "").lower()
    last = ledger.answered.get(to)
    if last is not None and ledger.now - last < ONCE_IN and not ledger.completes:
        return Decision(None, why=Silence.TOO_SOON)
    if ledger.left <= 0:
        return Decision(None, why=Silence.BUDGET)
    return Decision(reply, to=to, missing=missing(report) if reply is Reply.INCOMPLETE else ())


def _owed(screening: Screening) -> Reply | None:
    if screening.verdict is Verdict.ACCEPTED:
        return Reply.ACKNOWLEDGEMENT
    if screening.verdict is Verdict.HELD and screening.reason is ScreeningReason.EVIDENCE_MISSING:
        return Reply.INCOMPLETE
    return None


def _unfit(parsed: Parsed, screening: Screening, ledger: Ledger) -> Silence | None:
    """Why nobody may answer this message, whatever there is to say."""
    envelope, identity = parsed.envelope, screening.identity
    if identity.kind is IdentityKind.FEED:
        return Silence.FEED
    if identity.kind is not IdentityKind.DOMAIN or not identity.domain:
        return Silence.UNAUTHENTICATED
    if envelope.return_path is None:
        return Silence.NO_RETURN_PATH
    if not envelope.return_path:
        return Silence.NULL_RETURN_PATH
    if not ledger.completes and (parsed.kind is not Kind.REPORT or parsed.format not in HUMAN_FORMATS):
        return Silence.MACHINE_FORMAT
    if _automatic(envelope):
        return Silence.AUTOMATIC
    if envelope.loop_tokens or len(envelope.received) > MOST_HOPS:
        return Silence.LOOP
    return _unfit_address(envelope.return_path.lower(), identity, ledger)


def may_write_to(parsed: Parsed, identity: Identity, ledger: Ledger) -> str | None:
    """The one address at which the sender of this message may be told something later; None: it may not."""
    unfit = _unfit(parsed, Screening(Verdict.ACCEPTED, ScreeningReason.SIGNED, identity), ledger)
    return None if unfit else (parsed.envelope.return_path or "").lower()


def contact_of(report: Report, identity: Identity, ledger: Ledger) -> str | None:
    """The contact that an XARF document names for its reporter, where it belongs to whom the message was authenticated
    as: a document can name anybody (SEC-3)."""
    named = dict(report.fields)
    said = next((address(value) for name in _XARF_CONTACTS for value in named.get(name, ())), None)
    if said is None or not identity.domain or identity.kind not in (IdentityKind.FEED, IdentityKind.DOMAIN):
        return None
    to = said.lower()
    domain = to.rpartition("@")[2]
    if domain != identity.domain.lower() and not same_organisation(domain, identity.domain.lower()):
        return None
    known = replace(identity, address=to)
    return to if _unfit_address(to, known, ledger) is None else None


def _unfit_address(to: str, identity: Identity, ledger: Ledger) -> Silence | None:
    local, _, domain = to.rpartition("@")
    if not local or not domain or not to.isascii():
        return Silence.NO_RETURN_PATH
    if to in ledger.own_addresses or domain in ledger.own_domains:
        return Silence.OURSELVES
    if _LOCAL_PARTS.fullmatch(local):
        return Silence.MACHINE_SENDER
    if not _proven(to, domain, identity):
        return Silence.FOREIGN_RETURN_PATH
    if to in ledger.refused or domain in ledger.refused:
        return Silence.REFUSED
    return None


def _proven(to: str, domain: str, identity: Identity) -> bool:
    """AR-3. A signature speaks for the From address alone: whoever sends a signed mail once more chooses the return
    path. SPF speaks for the return path's domain."""
    if to == (identity.address or "").lower():
        return True
    own = (identity.domain or "").lower()
    by_spf = identity.method == "spf" or any(p.method == "spf" and p.result == "pass" for p in identity.proofs)
    return by_spf and (domain == own or same_organisation(domain, own))


def _automatic(envelope: Envelope) -> bool:
    """RFC 3834 section 2. Auto-Submitted may carry parameters and comments (section 5.1)."""
    stated = "no" if envelope.auto_submitted is None else envelope.auto_submitted
    said = re.sub(r"\([^()]{0,200}\)", " ", stated).partition(";")[0].strip().lower()
    return said != "no" or (envelope.precedence or "").strip().lower() in _BULK or bool(envelope.robot_fields)


def missing(report: Report) -> tuple[Missing, ...]:
    """What has to be sent so that the complaint is complete (PAG-1)."""
    if report.category in WITHOUT_MAIL:
        lacks = ((Missing.ADDRESS, report.source_ip), (Missing.TIME, report.arrival_date))
        return tuple(name for name, there in lacks if not there)
    quoted = report.original is not None and (report.original.from_ or report.original.header_block)
    return (Missing.HEADERS if quoted else Missing.MAIL,)
