"""May we act on a report; if not, why: one verdict and one reason from closed lists.

Decides on what the parsers read and on the identity; must never change the message's kind, look at a
clock or a database, or say anything about whose resource it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model import Identity, IdentityKind, Screening, ScreeningReason, Verdict
from gateway.screening.legal import lane
from parsers.report import Category, Kind, Parsed, Report

MOST_HOPS = 100  # RFC 5321 section 6.3

# What a kind other than `report` and `unknown` comes to, whoever sent it.
_BY_KIND = {
    Kind.BOUNCE: (Verdict.ROUTED, ScreeningReason.BOUNCE, "a delivery report"),
    Kind.REPLY: (Verdict.ROUTED, ScreeningReason.REPLY, "a reply to mail of ours"),
    Kind.AUTO_REPLY: (Verdict.ROUTED, ScreeningReason.AUTO_REPLY, "an automatic reply"),
    Kind.OPT_OUT: (Verdict.ROUTED, ScreeningReason.OPT_OUT, "somebody wants no more mail"),
    Kind.ADMIN: (Verdict.ROUTED, ScreeningReason.ADMINISTRATION, "administrative mail of a feed, for a person"),
    Kind.DISPOSITION: (Verdict.RECORDED, ScreeningReason.STATISTICS, "a disposition notification"),
    Kind.AGGREGATE: (Verdict.RECORDED, ScreeningReason.STATISTICS, "an aggregate report"),
    Kind.UNREADABLE: (Verdict.REVIEW, ScreeningReason.UNREADABLE, "the message could not be read"),
}

_NO_COMPLAINT_TYPES = frozenset({"auth-failure", "not-spam"})
_NO_COMPLAINT = frozenset({Category.AUTHENTICATION, Category.NOT_SPAM})

# Conduct that leaves no mail behind: address and time are the whole evidence.
WITHOUT_MAIL = frozenset(
    {
        Category.LOGIN_ATTACK,
        Category.PORT_SCAN,
        Category.DDOS,
        Category.INTRUSION,
        Category.INFECTED_HOST,
        Category.VULNERABILITY,
        Category.DATA_HARVESTING,
        Category.INTERFERENCE,
    }
)
# A site shows itself: where its address is given, there may never have been a mail.
_ABOUT_SITES = frozenset({Category.PHISHING, Category.FRAUD, Category.MALWARE, Category.SPAMVERTISING})


@dataclass(frozen=True, slots=True)
class ScreeningContext:
    """What screening has to know of us. Addresses lower-case; `now` aware UTC; `age_limit` of the policy.
    `count_only_feeds`: names of registered feeds that open no cases.
    """

    own_addresses: frozenset[str]
    loop_token: str
    names_ours: Callable[[Parsed], bool]
    now: datetime
    age_limit: timedelta
    count_only_feeds: frozenset[str] = frozenset()
    legal_lane: bool = True  # False: two persons said that this message is none of it


def screen(parsed: Parsed, report: Report | None, identity: Identity, ctx: ScreeningContext) -> Screening:
    """The verdict on one report, or on a message without reports (`report` None)."""

    def says(verdict: Verdict, reason: ScreeningReason, detail: str) -> Screening:
        return Screening(verdict, reason, identity, detail)

    if loop := _loop(parsed, ctx):
        return says(Verdict.REJECTED, ScreeningReason.LOOP, loop)
    if ctx.legal_lane and (found := lane(parsed, report)):  # before the anonymity rule
        detail = f"{found[0].value}: for named staff only; nothing of it is forwarded"
        return says(Verdict.LEGAL, ScreeningReason.LEGAL, detail)
    if parsed.kind in _BY_KIND:
        verdict, reason, detail = _BY_KIND[parsed.kind]
        return says(verdict, reason, parsed.error or detail)
    if parsed.kind is Kind.UNKNOWN:
        if ctx.names_ours(parsed):
            return says(Verdict.REVIEW, ScreeningReason.NAMES_OUR_RESOURCE, "no known format, but it names one of ours")
        return says(Verdict.JUNK, ScreeningReason.NOTHING_OF_OURS, "no known format, and nothing of ours in it")
    if report is None:
        return says(Verdict.REVIEW, ScreeningReason.UNREADABLE, "a report in which no incident could be read")
    if identity.kind is IdentityKind.UNCHECKED:
        detail = f"nobody could check the sender: {identity.detail}"
        return says(Verdict.HELD, ScreeningReason.IDENTITY_UNCHECKED, detail)
    if identity.kind is IdentityKind.NOBODY:
        reason = ScreeningReason.FOREIGN_BORDER if identity.foreign else ScreeningReason.ANONYMOUS
        return says(Verdict.REJECTED, reason, f"nobody accountable stands behind it: {identity.detail}")
    return _of_somebody(report, identity, ctx)


def _of_somebody(report: Report, identity: Identity, ctx: ScreeningContext) -> Screening:
    """The verdict on a report whose sender is accountable."""
    if (report.feedback_type or "").lower() in _NO_COMPLAINT_TYPES or report.category in _NO_COMPLAINT:
        what = report.feedback_type or report.category.value
        detail = f"{what} is information, not a complaint"
        return Screening(Verdict.RECORDED, ScreeningReason.NOT_A_COMPLAINT, identity, detail)
    if identity.feed in ctx.count_only_feeds:
        detail = f"feed {identity.feed} opens no cases"
        return Screening(Verdict.RECORDED, ScreeningReason.COUNT_ONLY, identity, detail)
    if identity.kind is IdentityKind.FEED:
        reason, detail = ScreeningReason.FEED, f"registered feed {identity.feed}"
    elif evidence := _evidence(report):
        reason, detail = ScreeningReason.SIGNED, f"{identity.address}, with {evidence}"
    else:
        detail = (
            f"{identity.address} is authenticated, but no header of the reported mail with a Received line is there"
        )
        return Screening(Verdict.HELD, ScreeningReason.EVIDENCE_MISSING, identity, detail)
    at = incident_time(report)
    if at and at < ctx.now - ctx.age_limit:
        detail = f"the incident of {at:%Y-%m-%d %H:%M} UTC is older than {_days(ctx.age_limit)}"
        return Screening(Verdict.RECORDED, ScreeningReason.TOO_OLD, identity, detail)
    return Screening(Verdict.ACCEPTED, reason, identity, detail)


def incident_time(report: Report) -> datetime | None:
    """When it happened, for the age limit: as stated, else the newest line of the trace, else the mail's own Date.

    The trace comes before Date because the sender of the reported mail wrote the latter: an old Date must
    not make spam too old to act on.
    """
    if report.arrival_date:
        return report.arrival_date
    received = next((hop.time for hop in report.trace if hop.time), None)
    return received or (report.original.date if report.original else None)


def _loop(parsed: Parsed, ctx: ScreeningContext) -> str | None:
    """Why a message is our own or goes round (AR-7)."""
    envelope = parsed.envelope
    if ctx.loop_token and ctx.loop_token in envelope.loop_tokens:
        return "it carries our own loop token"
    if envelope.loop_tokens and (envelope.from_ or "").lower() in ctx.own_addresses:
        return f"it comes from our own address {envelope.from_} and carries a loop token"
    if len(envelope.received) > MOST_HOPS:
        return f"{len(envelope.received)} Received lines: it goes round"
    return None


def _evidence(report: Report) -> str | None:
    """What makes a complaint complete (PAG-1): the reported mail's header with a Received line, or, where there
    was no mail, address and time.
    """
    if report.trace:
        return "the header of the reported mail"
    block = report.original.header_block.lower() if report.original else b""
    if block.startswith(b"received:") or b"\nreceived:" in block:
        return "the header of the reported mail"
    if report.category in WITHOUT_MAIL and report.source_ip and report.arrival_date:
        return "address and time"
    if report.category in _ABOUT_SITES and report.reported_uri and report.arrival_date:
        return "the site's address and time"
    return None


def _days(limit: timedelta) -> str:
    return f"{limit.days} days" if limit.days > 1 else f"{limit.total_seconds() / 3600:.0f} hours"
