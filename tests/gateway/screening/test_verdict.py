"""One verdict and one reason for each message and report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.model import Identity, IdentityKind, Verdict
from gateway.model import ScreeningReason as Why
from gateway.screening.verdict import ScreeningContext, screen
from parsers.report import Category, Envelope, Hop, Kind, Original, Parsed, Report

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOP = Hop("192.0.2.1", None, NOW, "mx.reporter.example")
BLOCK = b"Subject: x\r\nReceived: from a by b; Sat, 21 Nov 2026 12:00:00 +0000\r\n"
FEED = Identity(IdentityKind.FEED, "fbl.example", None, "dkim", "fbl")
PERSON = Identity(IdentityKind.DOMAIN, "reporter.example", "ann@reporter.example", "dkim")
NOBODY = Identity(IdentityKind.NOBODY, detail="no Authentication-Results")
FOREIGN = Identity(IdentityKind.NOBODY, detail="only others' results", foreign=True)
UNCHECKED = Identity(IdentityKind.UNCHECKED, detail="no authserv-id")
CTX = ScreeningContext(
    own_addresses=frozenset({"abuse@isp.example"}),
    loop_token="arfgate-isp",
    names_ours=lambda parsed: "192.0.2." in parsed.text,
    now=NOW,
    age_limit=timedelta(days=7),
)
SPAM = Report(feedback_type="abuse", category=Category.SPAM, source_ip="192.0.2.1", arrival_date=NOW, trace=(HOP,))


def mail(kind: Kind = Kind.REPORT, text: str = "", error: str | None = None, **envelope: object) -> Parsed:
    return Parsed(kind, "arf", Envelope(**envelope), text=text, error=error)  # type: ignore[arg-type]


def spam(**change: object) -> Report:
    return replace(SPAM, **change)


BARE = spam(trace=(), original=None)
ATTACK = spam(category=Category.LOGIN_ATTACK, trace=(), feedback_type="xarf")
OLD = NOW - timedelta(days=8)

REPORTS = [
    # (name, report, identity, verdict, reason)
    ("feed", SPAM, FEED, Verdict.ACCEPTED, Why.FEED),
    ("feed without evidence", BARE, FEED, Verdict.ACCEPTED, Why.FEED),
    (
        "feed that hides the complainant",
        spam(original_rcpt_to=("0123abcd@fbl.example",)),
        FEED,
        Verdict.ACCEPTED,
        Why.FEED,
    ),
    ("person with trace", SPAM, PERSON, Verdict.ACCEPTED, Why.SIGNED),
    (
        "person with a header that could not be traced",
        spam(trace=(), original=Original(header_block=BLOCK)),
        PERSON,
        Verdict.ACCEPTED,
        Why.SIGNED,
    ),
    (
        "Received in the first line, lower case",
        spam(trace=(), original=Original(header_block=b"received: x\n")),
        PERSON,
        Verdict.ACCEPTED,
        Why.SIGNED,
    ),
    (
        "header without Received",
        spam(trace=(), original=Original(header_block=b"From: a@b.example\r\n")),
        PERSON,
        Verdict.HELD,
        Why.EVIDENCE_MISSING,
    ),
    (
        "the word Received inside a value",
        spam(trace=(), original=Original(header_block=b"Subject: Received: x\r\n")),
        PERSON,
        Verdict.HELD,
        Why.EVIDENCE_MISSING,
    ),
    (
        "X-Received is not Received",
        spam(trace=(), original=Original(header_block=b"X-Received: x\r\n")),
        PERSON,
        Verdict.HELD,
        Why.EVIDENCE_MISSING,
    ),
    ("person without evidence", BARE, PERSON, Verdict.HELD, Why.EVIDENCE_MISSING),
    ("login attack with address and time", ATTACK, PERSON, Verdict.ACCEPTED, Why.SIGNED),
    ("login attack without time", replace(ATTACK, arrival_date=None), PERSON, Verdict.HELD, Why.EVIDENCE_MISSING),
    ("login attack without address", replace(ATTACK, source_ip=None), PERSON, Verdict.HELD, Why.EVIDENCE_MISSING),
    (
        "phishing needs the mail",
        replace(ATTACK, category=Category.PHISHING),
        PERSON,
        Verdict.HELD,
        Why.EVIDENCE_MISSING,
    ),
    ("anonymous", SPAM, NOBODY, Verdict.REJECTED, Why.ANONYMOUS),
    ("anonymous, without evidence", BARE, NOBODY, Verdict.REJECTED, Why.ANONYMOUS),
    ("foreign border", SPAM, FOREIGN, Verdict.REJECTED, Why.FOREIGN_BORDER),
    ("unchecked", SPAM, UNCHECKED, Verdict.HELD, Why.IDENTITY_UNCHECKED),
    ("unchecked and too old", spam(arrival_date=OLD), UNCHECKED, Verdict.HELD, Why.IDENTITY_UNCHECKED),
    ("auth-failure of a feed", spam(feedback_type="auth-failure"), FEED, Verdict.RECORDED, Why.NOT_A_COMPLAINT),
    (
        "auth-failure of a person",
        spam(feedback_type="Auth-Failure", trace=()),
        PERSON,
        Verdict.RECORDED,
        Why.NOT_A_COMPLAINT,
    ),
    ("auth-failure by category", spam(category=Category.AUTHENTICATION), PERSON, Verdict.RECORDED, Why.NOT_A_COMPLAINT),
    ("not-spam", spam(feedback_type="not-spam"), FEED, Verdict.RECORDED, Why.NOT_A_COMPLAINT),
    ("not-spam by category", spam(category=Category.NOT_SPAM), FEED, Verdict.RECORDED, Why.NOT_A_COMPLAINT),
    ("auth-failure of nobody", spam(feedback_type="auth-failure"), NOBODY, Verdict.REJECTED, Why.ANONYMOUS),
    ("not-spam unchecked", spam(feedback_type="not-spam"), UNCHECKED, Verdict.HELD, Why.IDENTITY_UNCHECKED),
    ("feed, too old", spam(arrival_date=OLD), FEED, Verdict.RECORDED, Why.TOO_OLD),
    ("person, too old", spam(arrival_date=OLD), PERSON, Verdict.RECORDED, Why.TOO_OLD),
    ("exactly at the limit", spam(arrival_date=NOW - timedelta(days=7)), PERSON, Verdict.ACCEPTED, Why.SIGNED),
    ("held stays held though old", spam(arrival_date=OLD, trace=()), PERSON, Verdict.HELD, Why.EVIDENCE_MISSING),
    ("rejected stays rejected though old", spam(arrival_date=OLD), NOBODY, Verdict.REJECTED, Why.ANONYMOUS),
    (
        "age by the mail's Date",
        spam(arrival_date=None, trace=(), original=Original(date=OLD)),
        FEED,
        Verdict.RECORDED,
        Why.TOO_OLD,
    ),
    (
        "a false old Date under a fresh trace",
        spam(arrival_date=None, original=Original(date=OLD)),
        FEED,
        Verdict.ACCEPTED,
        Why.FEED,
    ),
    ("no time at all is not too old", spam(arrival_date=None, trace=()), FEED, Verdict.ACCEPTED, Why.FEED),
    ("future is not too old", spam(arrival_date=NOW + timedelta(days=30)), FEED, Verdict.ACCEPTED, Why.FEED),
]


@pytest.mark.parametrize(
    ("report", "identity", "verdict", "reason"), [case[1:] for case in REPORTS], ids=[case[0] for case in REPORTS]
)
def test_verdict_on_a_report(report: Report, identity: Identity, verdict: Verdict, reason: Why) -> None:
    found = screen(mail(), report, identity, CTX)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.identity is identity
    assert found.detail


KINDS = [
    (Kind.BOUNCE, Verdict.ROUTED, Why.BOUNCE),
    (Kind.REPLY, Verdict.ROUTED, Why.REPLY),
    (Kind.AUTO_REPLY, Verdict.ROUTED, Why.AUTO_REPLY),
    (Kind.OPT_OUT, Verdict.ROUTED, Why.OPT_OUT),
    (Kind.ADMIN, Verdict.ROUTED, Why.ADMINISTRATION),
    (Kind.DISPOSITION, Verdict.RECORDED, Why.STATISTICS),
    (Kind.AGGREGATE, Verdict.RECORDED, Why.STATISTICS),
    (Kind.UNREADABLE, Verdict.REVIEW, Why.UNREADABLE),
    (Kind.UNKNOWN, Verdict.JUNK, Why.NOTHING_OF_OURS),
    (Kind.REPORT, Verdict.REVIEW, Why.UNREADABLE),  # a report without an incident
]


@pytest.mark.parametrize("identity", [PERSON, NOBODY, UNCHECKED], ids=["person", "nobody", "unchecked"])
@pytest.mark.parametrize(("kind", "verdict", "reason"), KINDS, ids=[kind.value for kind, *_ in KINDS])
def test_kind_without_report_decides_whoever_sent_it(
    kind: Kind, verdict: Verdict, reason: Why, identity: Identity
) -> None:
    found = screen(mail(kind), None, identity, CTX)
    assert (found.verdict, found.reason) == (verdict, reason)


def test_every_kind_has_a_verdict() -> None:
    assert {kind for kind, *_ in KINDS} == set(Kind)


def test_unknown_mail_that_names_ours_is_for_review() -> None:
    found = screen(mail(Kind.UNKNOWN, text="spam from 192.0.2.9"), None, NOBODY, CTX)
    assert (found.verdict, found.reason) == (Verdict.REVIEW, Why.NAMES_OUR_RESOURCE)


def test_unreadable_tells_the_parsers_error() -> None:
    assert (
        screen(mail(Kind.UNREADABLE, error="the MIME boundary never appears"), None, NOBODY, CTX).detail
        == "the MIME boundary never appears"
    )


def test_feed_that_opens_no_cases_is_only_counted() -> None:
    ctx = replace(CTX, count_only_feeds=frozenset({"fbl"}))
    found = screen(mail(), spam(arrival_date=OLD), FEED, ctx)
    assert (found.verdict, found.reason) == (Verdict.RECORDED, Why.COUNT_ONLY)
    assert screen(mail(), SPAM, PERSON, ctx).verdict is Verdict.ACCEPTED


LOOPS = [
    ("own loop token", {"loop_tokens": ("arfgate-isp",)}, True),
    ("own token among others", {"loop_tokens": ("scomp", "arfgate-isp")}, True),
    ("own address with any loop token", {"from_": "Abuse@isp.example", "loop_tokens": ("other",)}, True),
    ("own address alone", {"from_": "abuse@isp.example"}, False),
    ("another's loop token", {"from_": "a@b.example", "loop_tokens": ("scomp",)}, False),
    ("101 hops", {"received": ("x",) * 101}, True),
    ("100 hops", {"received": ("x",) * 100}, False),
]


@pytest.mark.parametrize(("envelope", "loops"), [case[1:] for case in LOOPS], ids=[case[0] for case in LOOPS])
def test_loop_is_rejected_before_anything_else(envelope: dict[str, object], loops: bool) -> None:
    for found in (screen(mail(**envelope), SPAM, FEED, CTX), screen(mail(Kind.BOUNCE, **envelope), None, NOBODY, CTX)):
        assert (found.reason is Why.LOOP) is loops
        assert (found.verdict is Verdict.REJECTED) is loops


def test_empty_loop_token_is_nobodys() -> None:
    ctx = replace(CTX, loop_token="")
    assert screen(mail(loop_tokens=("",)), SPAM, FEED, ctx).verdict is Verdict.ACCEPTED
