"""What counts as the same evidence, and as the same complainant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.model import Identity, IdentityKind
from gateway.screening.duplicates import complainant, fingerprint
from parsers.report import Category, Original, Report

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAIL = Original(message_id="<1@spam.example>", from_="a@spam.example", date=AT)
REPORT = Report(feedback_type="abuse", category=Category.SPAM, source_ip="192.0.2.1", arrival_date=AT, original=MAIL)
BARE = replace(REPORT, original=None)


def test_fingerprint_is_sha256_in_hex() -> None:
    assert len(fingerprint(REPORT)) == 64
    assert int(fingerprint(REPORT), 16)


@pytest.mark.parametrize(
    "change",
    [
        {"incidents": 50},
        {"user_agent": "other/2"},
        {"source_ip": "192.0.2.2"},
        {"arrival_date": AT + timedelta(hours=1)},
        {"original_rcpt_to": ("x@y.example",)},
        {"original": replace(MAIL, subject="other", body_digest="00", header_block=b"X: y")},
        {"original": replace(MAIL, from_="A@Spam.example")},
    ],
)
def test_what_the_reporter_adds_does_not_change_it(change: dict[str, object]) -> None:
    assert fingerprint(replace(REPORT, **change)) == fingerprint(REPORT)


@pytest.mark.parametrize(
    "change",
    [
        {"original": replace(MAIL, message_id="<2@spam.example>")},
        {"original": replace(MAIL, date=AT + timedelta(seconds=1))},
        {"original": replace(MAIL, from_="b@spam.example")},
        {"original": replace(MAIL, message_id=None)},
        {"original": None},
    ],
)
def test_another_mail_changes_it(change: dict[str, object]) -> None:
    assert fingerprint(replace(REPORT, **change)) != fingerprint(REPORT)


@pytest.mark.parametrize(
    "change",
    [
        {"source_ip": "192.0.2.2"},
        {"source_port": 25},
        {"arrival_date": AT + timedelta(seconds=1)},
        {"category": Category.PHISHING},
        {"feedback_type": "fraud"},
        {"original": Original(body_digest="00" * 32)},
    ],
)
def test_without_a_mail_source_time_type_and_body_tell_incidents_apart(change: dict[str, object]) -> None:
    assert fingerprint(replace(BARE, **change)) != fingerprint(BARE)
    assert fingerprint(replace(BARE, incidents=9)) == fingerprint(BARE)


def test_values_do_not_run_into_each_other() -> None:
    one = replace(BARE, original=Original(message_id="ab", from_="c"))
    other = replace(BARE, original=Original(message_id="a", from_="bc"))
    assert fingerprint(one) != fingerprint(other)


def test_undecodable_text_is_no_reason_to_fail() -> None:
    assert fingerprint(replace(BARE, original=Original(message_id="\udcff\udcfe"))) != fingerprint(BARE)


PERSON = Identity(IdentityKind.DOMAIN, "reporter.example", "Ann@reporter.example", "dkim")
FEED = Identity(IdentityKind.FEED, "fbl.example", None, "dkim", "fbl")


@pytest.mark.parametrize(
    ("identity", "recipients", "key"),
    [
        (PERSON, ("x@y.example",), "ann@reporter.example"),
        (FEED, ("0123ABCD@y.example", "other@y.example"), "feed:fbl:0123abcd@y.example"),
        (FEED, (), "feed:fbl:"),
        (Identity(IdentityKind.NOBODY), ("x@y.example",), None),
        (Identity(IdentityKind.UNCHECKED), ("x@y.example",), None),
    ],
)
def test_complainant_is_the_authenticated_address_or_the_feeds_recipient(
    identity: Identity, recipients: tuple[str, ...], key: str | None
) -> None:
    assert complainant(replace(REPORT, original_rcpt_to=recipients), identity) == key
