"""May we act on a report; if not, why: one verdict and one reason from closed lists.

Decides on what the parsers read and on the identity; must never change the message's kind, look at a
clock or a database, or say anything about whose resource it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway.model import Identity, IdentityKind, Screening, ScreeningReason, Verdict
from gateway.screening.legal import lane
from gateway.screening.reporters import Standing, Trust, reporter_of, standing
from parsers.fields import same_organisation
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
    `count_only_feeds`: names of registered feeds that open no cases. `standings`: staff's word about reporters, by key.
    `header_needed`: whether the mailbox wants the reported mail's header also where address and time are named.
    `cfbl_addresses`: ours, lower-case, where only signed reports are taken (RFC 9477).
    """

    own_addresses: frozenset[str]
    loop_token: str
    names_ours: Callable[[Parsed], bool]
    now: datetime
    age_limit: timedelta
    count_only_feeds: frozenset[str] = frozenset()
    legal_lane: bool = True  # False: two persons said that this message is none of it
    standings: Mapping[str, Standing] = field(default_factory=dict)
    header_needed: bool = True
    cfbl_addresses: frozenset[str] = frozenset()


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
    return _by_identity(parsed, report, identity, ctx)


def _by_identity(parsed: Parsed, report: Report, identity: Identity, ctx: ScreeningContext) -> Screening:
    """The verdict on a report that is for us to judge: who stands behind it, and how they stand with us."""

    def says(verdict: Verdict, reason: ScreeningReason, detail: str) -> Screening:
        return Screening(verdict, reason, identity, detail)

    if identity.method == "page" and identity.kind is IdentityKind.UNCHECKED:
        return says(Verdict.HELD, ScreeningReason.UNCONFIRMED, identity.detail)
    if identity.kind is IdentityKind.UNCHECKED:
        detail = f"nobody could check the sender: {identity.detail}"
        return says(Verdict.HELD, ScreeningReason.IDENTITY_UNCHECKED, detail)
    if identity.kind is IdentityKind.NOBODY:
        reason = ScreeningReason.FOREIGN_BORDER if identity.foreign else ScreeningReason.ANONYMOUS
        return says(Verdict.REJECTED, reason, f"nobody accountable stands behind it: {identity.detail}")
    to_cfbl = _to_cfbl(parsed, ctx)
    if to_cfbl and not _signed_by_its_sender(parsed, identity):  # RFC 9477 section 3.3: SHALL NOT be processed
        detail = f"sent to {to_cfbl}, where only mail with a DKIM signature of its From domain is taken"
        return says(Verdict.REJECTED, ScreeningReason.CFBL_UNSIGNED, detail)
    stands = standing(reporter_of(identity, parsed), ctx.standings)
    if stands is not None and stands.blocked:
        return says(Verdict.REJECTED, ScreeningReason.REPORTER_BLOCKED, f"{stands.key} is blocked: {stands.why}")
    found = _of_somebody(report, identity, ctx, stands, to_cfbl)
    if found.verdict is Verdict.ACCEPTED and stands is not None and stands.trust is Trust.DOUBTFUL:
        detail = f"a person looks at each report of {stands.key}: {stands.why}"
        return says(Verdict.HELD, ScreeningReason.REPORTER_DOUBTED, detail)
    return found


def throttled(screening: Screening, limit: int) -> Screening:
    """The verdict on an accepted report that is more than its reporter may send in an hour."""
    detail = f"more than {limit} in an hour; it would be accepted: {screening.detail}"
    return replace(screening, verdict=Verdict.HELD, reason=ScreeningReason.THROTTLED, detail=detail)


def _of_somebody(
    report: Report, identity: Identity, ctx: ScreeningContext, stands: Standing | None, to_cfbl: str | None
) -> Screening:
    """The verdict on a report whose sender is accountable."""
    if (report.feedback_type or "").lower() in _NO_COMPLAINT_TYPES or report.category in _NO_COMPLAINT:
        what = report.feedback_type or report.category.value
        detail = f"{what} is information, not a complaint"
        return Screening(Verdict.RECORDED, ScreeningReason.NOT_A_COMPLAINT, identity, detail)
    opens = stands.opens_cases if stands else None
    if not (identity.feed not in ctx.count_only_feeds if opens is None else opens):
        who = f"feed {identity.feed}" if identity.feed else identity.address
        return Screening(Verdict.RECORDED, ScreeningReason.COUNT_ONLY, identity, f"{who} opens no cases")
    complete = _complete(report, identity, ctx, stands, to_cfbl)
    if complete is None:
        detail = (
            f"{identity.address} is authenticated, but no header of the reported mail with a Received line is there"
        )
        return Screening(Verdict.HELD, ScreeningReason.EVIDENCE_MISSING, identity, detail)
    reason, detail = complete
    at = incident_time(report)
    if at and at < ctx.now - ctx.age_limit:
        detail = f"the incident of {at:%Y-%m-%d %H:%M} UTC is older than {_days(ctx.age_limit)}"
        return Screening(Verdict.RECORDED, ScreeningReason.TOO_OLD, identity, detail)
    return Screening(Verdict.ACCEPTED, reason, identity, detail)


def _complete(
    report: Report, identity: Identity, ctx: ScreeningContext, stands: Standing | None, to_cfbl: str | None
) -> tuple[ScreeningReason, str] | None:
    """Why the report is enough to act on; None: something is missing."""
    if identity.kind is IdentityKind.FEED:
        return ScreeningReason.FEED, f"registered feed {identity.feed}"
    if evidence := _evidence(report, header_needed=ctx.header_needed):
        return ScreeningReason.SIGNED, f"{identity.address}, with {evidence}"
    if stands is not None and stands.trust is Trust.TRUSTED and (report.source_ip or report.resources):
        return ScreeningReason.TRUSTED, f"{stands.key} is trusted: {stands.why}"
    original = report.original
    if to_cfbl and (report.identifiers.feedback_id or (original and original.message_id)):
        return ScreeningReason.OWN_FEEDBACK_ID, f"{identity.address} to {to_cfbl}, about a mail that names itself"
    return None


def _to_cfbl(parsed: Parsed, ctx: ScreeningContext) -> str | None:
    if not ctx.cfbl_addresses:
        return None
    return next((to for to in parsed.envelope.to if to.lower() in ctx.cfbl_addresses), None)


def _signed_by_its_sender(parsed: Parsed, identity: Identity) -> bool:
    """Whether a DKIM signature that holds is the From domain's (RFC 9477 section 3.3)."""
    domain = (parsed.envelope.from_ or "").rpartition("@")[2].lower()
    signed = [proof.domain for proof in identity.proofs if (proof.method, proof.result) == ("dkim", "pass")]
    return bool(domain) and any(one == domain or same_organisation(one, domain) for one in signed)


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


def _evidence(report: Report, *, header_needed: bool) -> str | None:
    """What makes a complaint complete (PAG-1): the reported mail's header with a Received line, or, where there
    was no mail (or the mailbox does not ask for its header), address and time.
    """
    if report.trace:
        return "the header of the reported mail"
    block = report.original.header_block.lower() if report.original else b""
    if block.startswith(b"received:") or b"\nreceived:" in block:
        return "the header of the reported mail"
    if (not header_needed or report.category in WITHOUT_MAIL) and report.source_ip and report.arrival_date:
        return "address and time"
    if report.category in _ABOUT_SITES and report.reported_uri and report.arrival_date:
        return "the site's address and time"
    return None


def _days(limit: timedelta) -> str:
    return f"{limit.days} days" if limit.days > 1 else f"{limit.total_seconds() / 3600:.0f} hours"
