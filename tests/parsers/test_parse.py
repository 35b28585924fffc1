"""parse() never raises and never misses in silence, whatever the bytes; and what it says beyond the JSON."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import parse, registry
from parsers.contract import to_json
from parsers.report import Kind, Limits, Parsed

FIXTURES = Path(__file__).parents[2] / "fixtures"
SAMPLES = [path.read_bytes() for path in sorted(FIXTURES.glob("*/*.eml")) if 0 < path.stat().st_size < 8_000]


def fixture(name: str) -> Parsed:
    return parse((FIXTURES / f"{name}.eml").read_bytes())


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A fixture with pieces cut out, doubled, overwritten, or taken from another."""
    raw = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        at, length = draw(st.integers(0, len(raw))), draw(st.integers(0, 60))
        piece = bytes(raw[at : at + length])
        what = draw(st.sampled_from(["cut", "double", "bytes", "other", "line ends"]))
        if what == "cut":
            del raw[at : at + length]
        elif what == "double":
            raw[at:at] = piece * draw(st.integers(1, 4))
        elif what == "bytes":
            raw[at : at + length] = draw(st.binary(max_size=40))
        elif what == "other":
            other = draw(st.sampled_from(SAMPLES))
            start = draw(st.integers(0, len(other)))
            raw[at:at] = other[start : start + 400]
        else:
            raw = bytearray(bytes(raw).replace(b"\n", draw(st.sampled_from([b"\r", b"\r\n", b"\n\n"]))))
    return bytes(raw)


@settings(max_examples=250, deadline=None, database=None)
@given(mutated())
def test_no_mutated_message_makes_it_raise_or_show_a_bug(raw: bytes) -> None:
    parsed = parse(raw)
    assert "a format failed on it" not in (parsed.error or "")
    assert (parsed.kind is Kind.UNREADABLE) == (parsed.error is not None)
    to_json(parsed, "x", 0)


@settings(max_examples=150, deadline=None, database=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    assert "a format failed on it" not in (parse(raw).error or "")


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (RecursionError(), "nested too deeply"),
        (MemoryError(), "more memory"),
        (KeyError("oops"), "a format failed on it: KeyError"),
    ],
)
def test_a_failure_in_a_format_is_unreadable_and_the_envelope_is_shown(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, said: str
) -> None:
    def fail(message: object) -> Parsed:
        raise failure

    monkeypatch.setattr(registry, "read", fail)
    parsed = parse(b"From: a@reader.example\nMessage-ID: <m@reader.example>\n\nx\n")
    assert parsed.kind is Kind.UNREADABLE
    assert said in (parsed.error or "")
    assert parsed.envelope.message_id == "<m@reader.example>"


def test_limits_are_the_callers() -> None:
    raw = (FIXTURES / "arf/001-all-fields.eml").read_bytes()
    assert parse(raw).kind is Kind.REPORT
    assert parse(raw, Limits(parts=2)).error == "more than 2 parts"
    assert "20 bytes" in (parse(raw, Limits(message_bytes=20)).error or "")


def test_the_evidence_is_kept_as_it_stood() -> None:
    raw = (FIXTURES / "arf/001-all-fields.eml").read_bytes()
    original = parse(raw).reports[0].original
    assert original is not None
    assert original.header_block in raw
    assert original.header_block.startswith(b"Return-Path: <bounce@sender.example>\r\n")
    assert original.body_digest == hashlib.sha256(b"Buy now: http://shop.sender.example/?id=1\r\n").hexdigest()


def test_where_only_headers_were_sent_there_is_no_digest() -> None:
    original = fixture("arf/003-sparse-source-from-trace").reports[0].original
    assert original is not None
    assert original.headers_only
    assert original.body_digest is None


def test_times_are_aware_utc() -> None:
    report = fixture("arf/001-all-fields").reports[0]
    assert report.arrival_date == datetime(2026, 1, 6, 7, 30, 7, tzinfo=UTC)
    assert report.arrival_date.tzinfo is UTC
    assert all(hop.time is None or hop.time.tzinfo is UTC for hop in report.trace)


def test_from_fields_are_counted_over_all() -> None:
    assert fixture("_hostile/007-two-from-fields").envelope.from_count == 2
    assert fixture("arf/001-all-fields").envelope.from_count == 1
    assert fixture("_hostile/008-address-as-display-name").envelope.from_ == "other@sender.example"


def test_a_null_return_path_is_not_a_missing_one() -> None:
    assert fixture("delivery_report/001-failed").envelope.return_path == ""
    assert fixture("_unknown/001-spam-to-us").envelope.return_path is None


def test_a_bounce_names_the_mail_that_came_back_and_what_that_answered() -> None:
    bounce = fixture("delivery_report/001-failed").bounces[0]
    assert (bounce.message_id, bounce.in_reply_to) == ("<notice-1@isp.example>", "<notice-0@isp.example>")
    assert bounce.diagnostic == "smtp; 550 5.1.1 <admin@customer.example>: user unknown"


def test_a_reply_keeps_its_quoted_text() -> None:
    text = fixture("reply/001-to-notice-address").text
    assert text.startswith("The account was compromised and is closed now.\n")
    assert "> A complaint about 198.51.100.7" in text
    assert fixture("reply/008-gb18030").text == "您好，该账号已被停用，朱镕基。\n"
    assert fixture("reply/009-html-only").text == "The account is closed.\nA complaint <1>"


def test_text_is_bounded() -> None:
    raw = b"From: a@reader.example\n\n" + b"word " * 10_000
    assert len(parse(raw, Limits(text_chars=100)).text) == 100


def test_no_control_character_reaches_the_envelope() -> None:
    subject = fixture("_hostile/004-line-feed-in-a-word").envelope.subject or ""
    assert "Bcc" in subject
    assert "\n" not in subject
    assert "\r" not in subject
