"""registry.py: formats are found by lying in the package; exactly one reads a message."""

from __future__ import annotations

import pkgutil
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest

from parsers import formats, parse, registry
from parsers.envelope import structure
from parsers.errors import AmbiguousError
from parsers.message import Message
from parsers.report import Kind, Limits
from parsers.scan import scan

FIXTURES = Path(__file__).parents[2] / "fixtures"
RAW = b"From: a@reader.example\nSubject: x\n\ny\n"


def message() -> Message:
    return Message(scan(RAW, Limits()), Limits())


def fake(claims: bool, dialect_of: str | tuple[str, ...] = ()) -> SimpleNamespace:
    return SimpleNamespace(
        recognises=lambda one: claims, read=lambda one: one.parsed(Kind.ADMIN), DIALECT_OF=dialect_of
    )


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch):
    def forget() -> None:
        for kept in (registry._all_but, registry._chosen, registry._says):
            kept.cache_clear()

    def put(**fakes: SimpleNamespace) -> None:
        monkeypatch.setattr(registry, "known", lambda: MappingProxyType(fakes))
        forget()

    yield put
    forget()


def test_every_module_of_the_package_is_known_but_the_template() -> None:
    files = {found.name for found in pkgutil.iter_modules(formats.__path__)}
    assert set(registry.known()) == {name for name in files if not name.startswith("_")}
    assert "_template" in files


def test_the_one_that_claims_reads_and_gives_its_name(known) -> None:
    known(one=fake(claims=False), two=fake(claims=True))
    assert registry.read(message()).format == "two"


def test_no_claim_is_unknown(known) -> None:
    known(one=fake(claims=False))
    assert registry.read(message()).kind is Kind.UNKNOWN


def test_two_claims_are_an_error_that_names_both(known) -> None:
    known(one=fake(claims=True), two=fake(claims=True))
    with pytest.raises(AmbiguousError, match="one, two"):
        registry.read(message())
    assert parse(RAW).kind is Kind.UNREADABLE


@pytest.mark.parametrize("dialect_of", ["general", ("other", "general")])
def test_a_dialect_goes_before_what_it_is_a_dialect_of(known, dialect_of: str | tuple[str, ...]) -> None:
    known(general=fake(claims=True), special=fake(claims=True, dialect_of=dialect_of))
    assert registry.read(message()).format == "special"


def test_two_dialects_of_one_another_stay_ambiguous(known) -> None:
    known(one=fake(claims=True, dialect_of="two"), two=fake(claims=True, dialect_of="one"))
    with pytest.raises(AmbiguousError):
        registry.read(message())


def test_every_declared_dialect_names_a_format_that_exists() -> None:
    real = registry.known()
    assert {name for module in real.values() for name in registry.dialect_of(module)} <= set(real)


REPORT = b"From: a@reader.example\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b--\n"


def test_what_is_never_a_multipart_report_is_not_asked_about_one(known) -> None:
    elsewhere = fake(claims=True)
    elsewhere.NOT_IN_REPORTS = True
    known(elsewhere=elsewhere)
    assert registry.claimed_by(message()) == "elsewhere"
    assert registry.claimed_by(Message(scan(REPORT, Limits()), Limits())) is None


FEEDBACK = REPORT.replace(b"; boundary", b"; report-type=feedback-report; boundary").replace(
    b"--b\n\nx", b"--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse"
)


def test_what_is_never_a_feedback_report_is_asked_about_all_others(known) -> None:
    elsewhere = fake(claims=True)
    elsewhere.NOT_IN_FEEDBACK_REPORTS = True
    known(elsewhere=elsewhere)
    assert registry.claimed_by(Message(scan(FEEDBACK, Limits()), Limits())) is None
    mislabelled = FEEDBACK.replace(b"report-type=feedback-report", b"report-type=other")
    without_part = FEEDBACK.replace(b"Content-Type: message/feedback-report", b"Content-Type: text/plain")
    for raw in (RAW, REPORT, mislabelled, without_part):
        assert registry.claimed_by(Message(scan(raw, Limits()), Limits())) == "elsewhere"


@pytest.mark.parametrize("name", [name for name in registry.known() if name != "arf"])
def test_what_says_it_is_never_a_feedback_report_never_claims_one(name: str) -> None:
    module = registry.known()[name]
    if getattr(module, "NOT_IN_FEEDBACK_REPORTS", False):
        for path in (FIXTURES / "arf").glob("*.eml"):
            one = Message(structure(path.read_bytes(), Limits()), Limits())
            assert not (one.report_type == b"feedback-report" and one.feedback_parts and module.recognises(one))


def test_mail_that_a_feed_sent_is_read_as_its_own_when_somebody_passes_it_on() -> None:
    for name, found in (("spamcop", "spamcop"), ("shadowserver", "shadowserver"), ("log_notice", "forwarded")):
        inner = min((FIXTURES / name).glob("001-*.eml")).read_bytes()
        outer = (
            b"From: a@reader.example\nSubject: fyi\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=out77\n\n"
            b"--out77\nContent-Type: message/rfc822\n\n" + inner + b"\n--out77--\n"
        )
        parsed = parse(outer)
        assert parsed.format == found
        assert ("nested-report" in parsed.defects) == (found == name)
        assert parsed.envelope.from_ == "a@reader.example"  # who sends it to us is who passed it on
