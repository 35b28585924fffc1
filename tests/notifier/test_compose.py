"""A notice is a valid mail in the customer's language, and nothing from a report writes into it."""

from __future__ import annotations

import difflib
import email
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.compose import CannotComposeError, Composed, compose, loop_token, message_id_for
from notifier.notice import REPLIES, RESPONSES, Evidence, NoticeKind, Part, Why
from notifier.samples import ENGLISH, EVIDENCE, FACTS, NOW, REPORTS, VARIANTS
from notifier.samples import example as notice
from parsers import parse
from parsers.report import Kind

GOLDEN = Path(__file__).parent / "golden"


def read(composed: Composed) -> Message:
    return email.message_from_bytes(composed.message)


def text_of(composed: Composed) -> str:
    part = next(part for part in read(composed).walk() if part.get_content_type() == "text/plain")
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode("utf-8").replace("\r\n", "\n")


def compare(path: Path, text: str, *, rewrite: bool) -> None:
    if rewrite:
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8")
    diff = "\n".join(difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "now", lineterm=""))
    assert text == expected, f"{path.name} differs; if that is meant, run with --rewrite\n{diff}"


CASES = [(kind, locale) for kind in NoticeKind for locale in ("en", "zh", "ro") if kind not in ENGLISH]


@pytest.mark.duty("NET-5")
@pytest.mark.parametrize(("kind", "locale"), [*CASES, *((kind, "en") for kind in sorted(ENGLISH))])
def test_the_text_is_the_golden_one(kind: NoticeKind, locale: str, rewrite: bool) -> None:
    composed = compose(notice(kind, locale))
    subject = parse(composed.message).envelope.subject
    compare(GOLDEN / f"{kind.value}.{locale}.txt", f"Subject: {subject}\n\n{text_of(composed)}", rewrite=rewrite)


@pytest.mark.parametrize("name", sorted(VARIANTS))
@pytest.mark.parametrize("locale", ["en", "zh", "ro"])
def test_the_text_of_a_variant_is_the_golden_one(name: str, locale: str, rewrite: bool) -> None:
    kind, facts = VARIANTS[name]
    example = notice(kind, locale)
    composed = compose(replace(example, facts=example.facts | facts))
    subject = parse(composed.message).envelope.subject
    compare(GOLDEN / f"{name}.{locale}.txt", f"Subject: {subject}\n\n{text_of(composed)}", rewrite=rewrite)


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_the_whole_mail_is_the_golden_one(locale: str, rewrite: bool) -> None:
    mail = compose(notice(language=locale)).message.decode("ascii").replace("\r\n", "\n")
    compare(GOLDEN / f"complaint.{locale}.eml", mail, rewrite=rewrite)


@pytest.mark.parametrize("locale", ["en", "zh", "ro"])
def test_every_line_ends_with_crlf_is_ascii_and_short_enough(locale: str) -> None:
    for kind in NoticeKind:
        raw = compose(notice(kind, locale)).message
        assert raw.endswith(b"\r\n")
        assert raw.isascii()
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert b"\r" not in raw.replace(b"\r\n", b"")
        assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_our_own_parser_reads_the_report_back_without_a_defect() -> None:
    for locale in ("en", "zh", "ro"):
        parsed = parse(compose(notice(language=locale)).message)
        assert (parsed.kind, parsed.format, parsed.error, parsed.defects) == (Kind.REPORT, "arf", None, ())
        (report,) = parsed.reports
        assert report.defects == ()
        assert report.feedback_type == "abuse"
        assert report.version == "1"
        assert report.source_ip == "192.0.2.1"
        assert report.source_port == 4711
        assert report.arrival_date == EVIDENCE.arrival_date
        assert report.incidents == 3
        assert report.reporting_mta == "mx.example.com"
        assert report.reported_domain == ("shop.example",)
        assert report.original is not None
        assert report.original.headers_only
        assert report.original.from_ == "sales@shop.example"


def test_an_ipv6_source_is_a_tagged_literal_and_read_back() -> None:
    composed = compose(notice(evidence=Evidence("abuse", "2001:db8::1", None, None, 1, None)))
    assert b"\r\nSource-IP: IPv6:2001:db8::1\r\n" in composed.message
    assert parse(composed.message).reports[0].source_ip == "2001:db8::1"


def test_the_report_has_exactly_the_three_parts_of_rfc_5965() -> None:
    message = read(compose(notice()))
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "feedback-report"
    payload = message.get_payload()
    assert isinstance(payload, list)
    kinds = [part.get_content_type() for part in payload]
    assert kinds == ["text/plain", "message/feedback-report", "text/rfc822-headers"]


def test_a_report_without_headers_still_has_its_third_part() -> None:
    parsed = parse(compose(notice(evidence=Evidence("abuse", "192.0.2.1", None, None, 1, None))).message)
    assert parsed.format == "arf"
    assert parsed.reports[0].source_ip == "192.0.2.1"


def test_every_fact_of_part_two_stands_in_part_one() -> None:
    for locale in ("en", "zh", "ro"):
        text = text_of(compose(notice(language=locale)))
        for fact in ("abuse", "192.0.2.1", "4711", "03:00:00 UTC", "mx[.]example[.]com", "shop[.]example", "hxxps://"):
            assert fact in text, (locale, fact)


def test_no_mail_program_finds_a_live_link() -> None:
    for locale in ("en", "zh", "ro"):
        raw = compose(notice(language=locale))
        assert "http://" not in text_of(raw)
        assert "https://" not in text_of(raw)
        assert b"http://" not in raw.message
        assert b"https://" not in raw.message


def test_our_own_page_is_a_link_that_works() -> None:
    text = text_of(compose(notice(facts=FACTS | {"page": "https://abuse.isp.example/c/1"})))
    assert "https://abuse.isp.example/c/1" in text


def test_the_headers_say_who_may_answer_and_where_it_bounces() -> None:
    composed = compose(notice())
    message = read(composed)
    assert message["From"] == "ISP Example <abuse@isp.example>"
    assert message["To"] == "noc@customer.example"
    assert message["Reply-To"] == "abuse+n.abcdef@isp.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Precedence"] is None
    assert message["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert (composed.envelope_from, composed.envelope_to) == ("abuse+n.abcdef@isp.example", "noc@customer.example")
    assert composed.message_id == message["Message-ID"]
    assert len(message.keys()) == len(set(message.keys()))


def test_the_same_key_gives_the_same_message_id_and_another_key_another() -> None:
    first, again = compose(notice()), compose(notice(date=NOW + timedelta(days=1), facts={}))
    assert first.message_id == again.message_id == message_id_for(notice().key, "isp.example")
    assert compose(notice(key="other")).message_id != first.message_id


def test_our_own_mail_is_known_by_its_loop_token() -> None:
    assert parse(compose(notice()).message).envelope.loop_tokens == (loop_token("isp.example"),)
    assert loop_token("isp.example") != loop_token("other.example")


HOSTILE = (
    "x\r\nBcc: victim@example.com\r\n\r\n--boundary\u202e\u2028<html>\x00 http://evil.example/ =?utf-8?q?=0ABcc:_a?="
)


def test_hostile_facts_and_evidence_stay_data() -> None:
    facts = dict.fromkeys([*FACTS, "page", "opt_out", "registration"], HOSTILE) | {"reports": 2, "received_at": NOW}
    evidence = Evidence(
        HOSTILE, "192.0.2.1", 25, NOW, 1, HOSTILE, (HOSTILE,), (HOSTILE,), (("Subject", HOSTILE), (HOSTILE, HOSTILE))
    )
    for kind in NoticeKind:
        shown = evidence if kind in REPORTS else None
        composed = compose(notice(kind, facts=facts, evidence=shown, sender_name=HOSTILE, in_reply_to=HOSTILE))
        envelope = parse(composed.message).envelope
        assert envelope.to == ("noc@customer.example",)
        assert envelope.from_ == "abuse@isp.example"
        assert envelope.from_count == 1
        message = read(composed)
        assert [part["Bcc"] for part in message.walk()] == [None] * len(list(message.walk()))
        assert not [line for line in text_of(composed).splitlines() if line.startswith(("Bcc:", "--b", "<html>"))]
        assert "\u202e" not in text_of(composed)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["en", "zh", "ro"]))
def test_any_text_as_a_fact_gives_a_mail_with_the_same_structure(text: str, locale: str) -> None:
    facts = FACTS | {"resource": text, "customer": text, "findings": [text], "reporter": text}
    evidence = Evidence(text, "192.0.2.1", None, NOW, 1, text, (text,), (text,), (("Subject", text), ("From", text)))
    message = read(compose(notice(language=locale, facts=facts, evidence=evidence, sender_name=text)))
    payload = message.get_payload()
    assert isinstance(payload, list)
    assert len(payload) == 3
    assert message.defects == []
    assert message["To"] == "noc@customer.example"


def test_evidence_that_holds_a_boundary_does_not_end_its_part() -> None:
    first = read(compose(notice())).get_boundary()
    headers = (("Subject", f"--{first}--"), ("Subject", "--" + "0" * 32))
    again = read(compose(notice(evidence=Evidence("abuse", "192.0.2.1", None, None, 1, None, headers=headers))))
    assert len(list(again.walk())) == 5  # with the feedback report's own inner message
    assert again.get_boundary() != first


def test_long_lines_of_text_are_encoded_and_read_back() -> None:
    value = "word " * 190
    raw = compose(notice(facts=FACTS | {"findings": [value] * 3})).message
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert value.strip() in text_of(compose(notice(facts=FACTS | {"findings": [value] * 3})))


def test_an_address_of_other_letters_is_written_with_a_labels() -> None:
    composed = compose(notice(to="noc@bücher.example"))
    assert composed.envelope_to == "noc@xn--bcher-kva.example"


@pytest.mark.parametrize("field", ["to", "sender", "address"])
def test_what_is_no_address_is_refused_by_field(field: str) -> None:
    with pytest.raises(CannotComposeError, match=f"field {field}") as caught:
        compose(notice(**{field: "noc@customer.example\r\nBcc: x@example.com"}))
    assert caught.value.why is Why.ADDRESS


@pytest.mark.parametrize("facts", [{"due_at": datetime(2026, 1, 2)}, {"due_at": "tomorrow"}, {"time_left": "soon"}])  # noqa: DTZ001 - no zone is the point
def test_a_fact_that_cannot_be_said_is_our_mistake(facts: dict[str, object]) -> None:
    with pytest.raises(CannotComposeError, match="clock:1") as caught:
        compose(notice(NoticeKind.REMINDER, facts=facts))
    assert caught.value.why is Why.COMPOSE


def test_a_date_without_zone_is_our_mistake() -> None:
    with pytest.raises(CannotComposeError, match="without zone"):
        compose(notice(date=datetime(2026, 1, 2)))  # noqa: DTZ001 - no zone is the point


def test_attachments_follow_the_report_with_clean_names() -> None:
    part = Part("application/json", b'{"a":\r\n1}' * 100, filename='../x"\r\nBcc: y/xarf.json')
    message = read(compose(notice(parts=(part,))))
    assert message.get_content_type() == "multipart/mixed"
    last = list(message.walk())[-1]
    assert last.get_payload(decode=True) == part.content
    assert last.get_filename() == "_x__Bcc__y_xarf.json"
    assert parse(compose(notice(parts=(part,))).message).reports[0].source_ip == "192.0.2.1"


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed", "text", "text/plain\r\nBcc: x", "text/plain; x"])
def test_an_attachment_that_could_break_the_mail_is_refused(kind: str) -> None:
    with pytest.raises(CannotComposeError, match="attachment"):
        compose(notice(parts=(Part(kind, b"x"),)))


@pytest.mark.standard("AR-4")
@pytest.mark.parametrize("kind", sorted(REPLIES))
@pytest.mark.parametrize("locale", ["en", "zh", "ro"])
def test_an_automatic_reply_says_that_it_is_one_and_is_short_plain_text(kind: NoticeKind, locale: str) -> None:
    composed = compose(notice(kind, locale, in_reply_to="<complaint-1@reader.example>"))
    message = read(composed)
    assert composed.envelope_from == ""
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<complaint-1@reader.example>"
    assert message.get_content_type() == "text/plain"
    assert len(composed.message) < 8_000


@pytest.mark.standard("AR-4")
@pytest.mark.parametrize(
    "strange", [None, "", "complaint-1", "<a@b>\r\nBcc: x@example.com", "<>", "<" + "x" * 300 + ">", "<ä@b>"]
)
def test_a_reply_names_no_message_id_that_is_none(strange: str | None) -> None:
    message = read(compose(notice(NoticeKind.ACKNOWLEDGEMENT, in_reply_to=strange)))
    assert message["In-Reply-To"] is None
    assert message["Bcc"] is None


@pytest.mark.standard("AR-4")
def test_a_reply_never_carries_evidence() -> None:
    with pytest.raises(CannotComposeError):
        compose(notice(NoticeKind.ACKNOWLEDGEMENT, evidence=EVIDENCE))


@pytest.mark.standard("AR-5")
@pytest.mark.parametrize("kind", sorted(REPORTS - RESPONSES))
def test_a_notice_is_no_reply_and_its_bounce_is_seen(kind: NoticeKind) -> None:
    composed = compose(notice(kind, in_reply_to="<complaint-1@reader.example>"))
    message = read(composed)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["In-Reply-To"] is None
    assert composed.envelope_from == "abuse+n.abcdef@isp.example"


@pytest.mark.standard("AR-5")
@pytest.mark.parametrize("kind", sorted(RESPONSES))
def test_what_a_customers_mail_brings_says_so_and_its_bounce_is_seen(kind: NoticeKind) -> None:
    composed = compose(notice(kind, in_reply_to="<answer-1@customer.example>", evidence=None))
    message = read(composed)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == "<answer-1@customer.example>"
    assert composed.envelope_from == "abuse+n.abcdef@isp.example"
