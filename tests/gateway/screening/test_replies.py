"""Who is answered by a program, and with what: nobody who may be forged, no program, nobody twice in a week."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.model import Identity, IdentityKind, Proof, Screening, ScreeningReason, Verdict
from gateway.screening.replies import Decision, Ledger, Missing, Reply, Silence, decide, missing
from parsers.report import Category, Envelope, Kind, Original, Parsed, Report

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Identity(IdentityKind.DOMAIN, "reporter.example", "ann@reporter.example", "dkim")
BY_SPF = replace(ANN, method="spf")
FEED = Identity(IdentityKind.FEED, "fbl.example", "ann@reporter.example", "dkim", "fbl")
NOBODY = Identity(IdentityKind.NOBODY, detail="no Authentication-Results")
UNCHECKED = Identity(IdentityKind.UNCHECKED, detail="no authserv-id")
ENVELOPE = Envelope(from_="ann@reporter.example", from_count=1, return_path="Ann@reporter.example")
QUOTED = Report(category=Category.SPAM, original=Original(from_="spammer@sender.example"))
LEDGER = Ledger(NOW, left=10, own_addresses=frozenset({"abuse@isp.example"}), own_domains=frozenset({"isp.example"}))


def screened(
    identity: Identity = ANN,
    verdict: Verdict = Verdict.HELD,
    reason: ScreeningReason = ScreeningReason.EVIDENCE_MISSING,
) -> Screening:
    return Screening(verdict, reason, identity)


def mail(format_: str = "inline", kind: Kind = Kind.REPORT, **envelope: object) -> Parsed:
    return Parsed(kind, format_, replace(ENVELOPE, **envelope), (QUOTED,))  # type: ignore[arg-type]


def silence(parsed: Parsed, screening: Screening | None = None, ledger: Ledger = LEDGER) -> Silence | None:
    decision = decide(parsed, QUOTED, screening or screened(), ledger)
    assert (decision.reply is None) == (decision.why is not None)
    assert decision.reply is not None or decision.to is None
    return decision.why


def test_an_authenticated_person_is_told_what_is_missing() -> None:
    assert decide(mail(), QUOTED, screened(), LEDGER) == Decision(
        Reply.INCOMPLETE, "ann@reporter.example", None, (Missing.HEADERS,)
    )


@pytest.mark.duty("PAG-4")
def test_an_accepted_person_gets_an_acknowledgement() -> None:
    said = decide(mail("forwarded"), QUOTED, screened(ANN, Verdict.ACCEPTED, ScreeningReason.SIGNED), LEDGER)
    assert said == Decision(Reply.ACKNOWLEDGEMENT, "ann@reporter.example")


@pytest.mark.standard("AR-1")
@pytest.mark.parametrize(
    ("envelope", "why"),
    [
        ({"return_path": None}, Silence.NO_RETURN_PATH),
        ({"return_path": ""}, Silence.NULL_RETURN_PATH),
        ({"auto_submitted": "auto-replied"}, Silence.AUTOMATIC),
        ({"auto_submitted": "Auto-Generated; owner-email=x@y.example"}, Silence.AUTOMATIC),
        ({"auto_submitted": "(really) auto-notified"}, Silence.AUTOMATIC),
        ({"auto_submitted": ""}, Silence.AUTOMATIC),
        ({"precedence": "Bulk"}, Silence.AUTOMATIC),
        ({"precedence": "list"}, Silence.AUTOMATIC),
        ({"robot_fields": ("list-id",)}, Silence.AUTOMATIC),
        ({"return_path": "mailer-daemon@reporter.example"}, Silence.MACHINE_SENDER),
        ({"return_path": "No-Reply@reporter.example"}, Silence.MACHINE_SENDER),
        ({"return_path": "noreply+17@reporter.example"}, Silence.MACHINE_SENDER),
        ({"return_path": "owner-users@reporter.example"}, Silence.MACHINE_SENDER),
        ({"return_path": "users-request@reporter.example"}, Silence.MACHINE_SENDER),
        ({"return_path": "bounces-17=x@reporter.example"}, Silence.MACHINE_SENDER),
    ],
)
def test_who_must_not_be_answered_is_not(envelope: dict[str, object], why: Silence) -> None:
    assert silence(mail(**envelope)) is why
    assert silence(mail(**envelope), screened(BY_SPF)) is why


@pytest.mark.standard("AR-1")
@pytest.mark.parametrize("said", [None, "no", "NO ; x=y", "no (not at all)"])
def test_a_field_that_says_no_machine_is_no_machine(said: str | None) -> None:
    assert silence(mail(auto_submitted=said)) is None


@pytest.mark.standard("AR-1")
@pytest.mark.parametrize("name", ["arf", "xarf", "delivery_report", "spamcop", "log_notice", "abusix", None])
def test_reports_of_programs_are_not_answered(name: str) -> None:
    assert silence(mail(name)) is Silence.MACHINE_FORMAT


@pytest.mark.standard("AR-1")
@pytest.mark.parametrize(
    ("identity", "why"),
    [(FEED, Silence.FEED), (NOBODY, Silence.UNAUTHENTICATED), (UNCHECKED, Silence.UNAUTHENTICATED)],
)
def test_only_authenticated_persons_are_answered(identity: Identity, why: Silence) -> None:
    assert silence(mail(), screened(identity)) is why
    assert silence(mail(), screened(identity, Verdict.ACCEPTED, ScreeningReason.FEED)) is why


@pytest.mark.standard("AR-3")
@pytest.mark.parametrize(
    ("return_path", "identity", "why"),
    [
        ("ann@reporter.example", ANN, None),
        ("bob@reporter.example", ANN, Silence.FOREIGN_RETURN_PATH),  # a signed mail, sent once more
        ("bob@reporter.example", BY_SPF, None),
        ("ann+tag@mail.reporter.example", BY_SPF, None),
        ("bob@reporter.example", replace(ANN, proofs=(Proof("spf", "pass", "reporter.example"),)), None),
        (
            "bob@reporter.example",
            replace(ANN, proofs=(Proof("spf", "fail", "reporter.example"),)),
            Silence.FOREIGN_RETURN_PATH,
        ),
        ("ann@victim.example", BY_SPF, Silence.FOREIGN_RETURN_PATH),
        ("ann@victim.example", ANN, Silence.FOREIGN_RETURN_PATH),
        ("SRS0=x=y=reporter.example=ann@forwarder.example", BY_SPF, Silence.MACHINE_SENDER),
        ("änn@reporter.example", BY_SPF, Silence.NO_RETURN_PATH),
    ],
)
def test_only_the_return_path_is_written_to_and_only_where_it_is_proven(
    return_path: str, identity: Identity, why: Silence | None
) -> None:
    parsed = mail(return_path=return_path, reply_to="other@reporter.example")
    assert silence(parsed, screened(identity)) is why
    assert decide(parsed, QUOTED, screened(identity), LEDGER).to in (None, return_path.lower())


@pytest.mark.standard("AR-4")
def test_the_same_sender_is_answered_once_in_seven_days() -> None:
    before = replace(LEDGER, answered={"ann@reporter.example": NOW - timedelta(days=6, hours=23)})
    assert silence(mail(), ledger=before) is Silence.TOO_SOON
    after = replace(LEDGER, answered={"ann@reporter.example": NOW - timedelta(days=7)})
    assert silence(mail(), ledger=after) is None


@pytest.mark.standard("AR-4")
def test_what_completes_our_question_is_acknowledged_whatever_came_before() -> None:
    before = replace(LEDGER, answered={"ann@reporter.example": NOW - timedelta(hours=1)}, completes=True)
    accepted = screened(ANN, Verdict.ACCEPTED, ScreeningReason.SIGNED)
    assert decide(mail("forwarded"), QUOTED, accepted, before).reply is Reply.ACKNOWLEDGEMENT


@pytest.mark.standard("AR-6")
@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.REJECTED, ScreeningReason.ANONYMOUS),
        (Verdict.REJECTED, ScreeningReason.FOREIGN_BORDER),
        (Verdict.HELD, ScreeningReason.IDENTITY_UNCHECKED),
        (Verdict.RECORDED, ScreeningReason.TOO_OLD),
        (Verdict.REVIEW, ScreeningReason.UNREADABLE),
        (Verdict.JUNK, ScreeningReason.NOTHING_OF_OURS),
        (Verdict.LEGAL, ScreeningReason.LEGAL),
        (Verdict.ROUTED, ScreeningReason.REPLY),
    ],
)
def test_what_is_refused_is_refused_in_silence(verdict: Verdict, reason: ScreeningReason) -> None:
    assert silence(mail(), screened(ANN, verdict, reason)) is Silence.NOTHING_TO_SAY


@pytest.mark.standard("AR-7")
@pytest.mark.parametrize(
    ("envelope", "why"),
    [
        ({"loop_tokens": ("anybody's",)}, Silence.LOOP),
        ({"received": ("from a by b",) * 101}, Silence.LOOP),
        ({"return_path": "abuse@isp.example"}, Silence.OURSELVES),
        ({"return_path": "anybody@isp.example"}, Silence.OURSELVES),
    ],
)
def test_nothing_goes_round(envelope: dict[str, object], why: Silence) -> None:
    assert silence(mail(**envelope), screened(replace(BY_SPF, domain="isp.example"))) is why


@pytest.mark.standard("AR-7")
def test_the_budget_of_the_hour_holds() -> None:
    assert silence(mail(), ledger=replace(LEDGER, left=0)) is Silence.BUDGET
    assert silence(mail(), ledger=replace(LEDGER, left=1)) is None


@pytest.mark.parametrize("refused", ["ann@reporter.example", "reporter.example"])
def test_who_was_refused_is_never_answered(refused: str) -> None:
    assert silence(mail(), ledger=replace(LEDGER, refused=frozenset({refused}))) is Silence.REFUSED


@pytest.mark.parametrize(
    ("report", "lacks"),
    [
        (QUOTED, (Missing.HEADERS,)),
        (Report(category=Category.SPAM), (Missing.MAIL,)),
        (Report(category=Category.SPAM, original=Original()), (Missing.MAIL,)),
        (Report(category=Category.LOGIN_ATTACK), (Missing.ADDRESS, Missing.TIME)),
        (Report(category=Category.LOGIN_ATTACK, source_ip="192.0.2.1"), (Missing.TIME,)),
        (Report(category=Category.PORT_SCAN, arrival_date=NOW), (Missing.ADDRESS,)),
    ],
)
def test_exactly_what_is_missing_is_named(report: Report, lacks: tuple[Missing, ...]) -> None:
    assert missing(report) == lacks
