"""What goes into the legal lane: by what a format states, or by a person's words above any quotation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.legal_checklists import checklists, jurisdictions
from gateway.screening.legal import LegalKind, lane
from parsers.report import Category, Envelope, Kind, Parsed, Report

SAID = [
    (LegalKind.CHILD_ABUSE, "This site of your customer shows CSAM."),
    (LegalKind.CHILD_ABUSE, "there is child sexual abuse material on 192.0.2.1"),
    (LegalKind.CHILD_ABUSE, "该网站传播儿童色情内容"),
    (LegalKind.CHILD_ABUSE, "Pagina conține pornografie infantilă."),
    (LegalKind.THREAT_TO_LIFE, "We received a bomb threat from your address."),
    (LegalKind.THREAT_TO_LIFE, "This is an emergency disclosure request."),
    (LegalKind.THREAT_TO_LIFE, "Am primit o amenințare cu moartea."),
    (LegalKind.THREAT_TO_LIFE, "他发出死亡威胁"),
    (LegalKind.COURT_OR_POLICE, "Please find attached the court order of 3 March."),
    (LegalKind.COURT_OR_POLICE, "Preservation letter under 18 USC 2703(f)"),
    (LegalKind.COURT_OR_POLICE, "根据公安机关调取证据通知书"),
    (LegalKind.COURT_OR_POLICE, "Vă comunicăm mandatul: mandat de percheziție informatică."),
    (LegalKind.COPYRIGHT, "Notice under the DMCA, 17 U.S.C. 512(c)"),
    (LegalKind.COPYRIGHT, "the infringement of our copyrights"),
]


def mail(text: str, kind: Kind = Kind.UNKNOWN, format_: str | None = None, subject: str = "Hello") -> Parsed:
    return Parsed(kind, format_, Envelope(subject=subject), text=text)


@pytest.mark.parametrize(("kind", "said"), SAID, ids=[f"{kind.value}-{i}" for i, (kind, _) in enumerate(SAID)])
def test_words_that_stand_alone_lead_into_the_lane(kind: LegalKind, said: str) -> None:
    for parsed in (mail(said), mail(said, Kind.REPORT, "free_text"), mail("See subject.", subject=said)):
        found = lane(parsed, Report())
        assert found is not None
        assert found[0] is kind


@pytest.mark.parametrize(
    "said",
    [
        "Please stop this spam, or I will go to court.",
        "Your customer kills my server with port scans.",
        "I will call the police if this goes on.",
        "Cease and desist sending me mail!",
        "Copyright 2026 Great Offers Ltd. All rights reserved.",
        "This is a phishing site for a bank; please take it down.",
        "Buy now, cheap warrants and orders",
    ],
)
def test_ordinary_complaints_do_not(said: str) -> None:
    assert lane(mail(said, Kind.REPORT, "inline"), Report(category=Category.SPAM)) is None


def test_the_words_of_a_quoted_spam_are_not_the_senders() -> None:
    text = (
        "Please stop this.\n\n---------- Forwarded message ---------\nFrom: x\n\nFinal notice: court order against you"
    )
    assert lane(mail(text, Kind.REPORT, "inline"), Report(category=Category.SPAM)) is None


@pytest.mark.parametrize("category", [Category.CHILD_ABUSE, Category.COPYRIGHT])
def test_what_a_format_states_counts_whatever_the_words(category: Category) -> None:
    parsed = mail("", Kind.REPORT, "xarf")
    found = lane(parsed, Report(category=category))
    assert found is not None
    assert found[0].value == category.value


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.REPORT, Kind.UNKNOWN}))
def test_answers_and_bounces_keep_their_way(kind: Kind) -> None:
    assert lane(mail("a court order", kind, "reply"), None) is None


def test_a_feeds_text_is_not_searched() -> None:
    assert lane(mail("a court order", Kind.REPORT, "arf"), Report(category=Category.SPAM)) is None
    assert lane(replace(mail("a court order", Kind.REPORT), format="pasted"), Report()) is not None


def test_hostile_text_is_searched_in_linear_time() -> None:
    assert lane(mail("child " * 100_000 + "preservation " * 100_000), None) is None


@pytest.mark.parametrize("name", ["us", "eu", "uk", "ro", "de", "cn"])
@pytest.mark.parametrize("kind", list(LegalKind))
def test_every_kind_has_a_checklist_everywhere_and_in_each_jurisdiction(kind: LegalKind, name: str) -> None:
    assert name in jurisdictions()
    everywhere, own = checklists(kind, [name])
    assert everywhere.steps
    assert own.steps


def test_the_duty_to_report_is_named() -> None:
    assert any("2258A" in step for one in checklists(LegalKind.CHILD_ABUSE, ["us"]) for step in one.steps)
    assert any("article 18" in step for one in checklists(LegalKind.CHILD_ABUSE, ["eu"]) for step in one.steps)
    assert len(checklists(LegalKind.CHILD_ABUSE, [])) == 1 + len(jurisdictions())
