"""Bounces, answers, receipts, opt-outs and statistics are told from complaints and from each other; codes are read right."""

from __future__ import annotations

import base64
import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import auto_reply, bounce_text, delivery_fields, media_type, parse, ses_bounce, smtp_codes
from parsers.report import Bounce, Kind, Limits, Parsed

FIXTURES = Path(__file__).parents[2] / "fixtures"
NOTICE = "abuse+n.mfrggzdfmztwq2lkabcdefgh234567a@isp.example"


def fixture(name: str) -> Parsed:
    return parse(next((FIXTURES / name.split("/", maxsplit=1)[0]).glob(name.split("/")[1] + "*.eml")).read_bytes())


def mail(text: str = "", **fields: str) -> Parsed:
    """A message with these header fields (underscores for hyphens) beside a sender and a recipient."""
    header = {
        "From": "Pat Reader <pat@reader.example>",
        "To": "abuse@isp.example",
        "Return-Path": "<pat@reader.example>",
    }
    header |= {name.replace("_", "-"): value for name, value in fields.items()}
    return parse(("".join(f"{name}: {value}\n" for name, value in header.items()) + "\n" + text).encode())


def bounce(text: str, subject: str = "Undelivered Mail Returned to Sender", **fields: str) -> tuple[Bounce, ...]:
    parsed = mail(text, Return_Path="<>", From="MAILER-DAEMON@mx.customer.example", Subject=subject, **fields)
    assert parsed.kind is Kind.BOUNCE
    return parsed.bounces


# --- codes


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("550 5.1.1 no such user", "5.1.1"),
        ("550-5.1.1 no such user", "5.1.1"),
        ("550 #5.1.0 refused", "5.1.0"),
        ("554 (#5.7.1) refused", "5.7.1"),
        ("5.1.0 - Address error 550-'5.7.1 <a@customer.example>... denied'", "5.7.1"),
        ("554 4.4.7 Message expired <421 4.4.2 timed out>", "4.4.2"),
        ("no mailbox here by that name. (#5.1.1)", "5.1.1"),
        ("5.1.10 not found", "5.1.10"),
        ("550 5.0.0 then 5.2.2", "5.0.0"),
        ("MailServer version 5.2.6 of 192.0.2.5", None),
        ("see 198.51.100.7 and 2001:db8::5.1.1", None),
        ("http://help.example/5.1.1", None),
        ("5.1.1.1 and 4.4.4b-GA", None),
        ("", None),
    ],
)
def test_the_code_that_a_server_gave(said: str, code: str | None) -> None:
    assert smtp_codes.spoken(said) == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("smtp; 550 user unknown", "5.0.0"),
        ("Remote host said: 421 try later", "4.0.0"),
        ("on port 550", "5.0.0"),  # words cannot tell; it is only the class
        ("198.51.100.7 refused 12550 times", None),
        ("wait 450 000 seconds", None),
        (None, None),
    ],
)
def test_the_class_of_a_bare_reply_code(said: str | None, code: str | None) -> None:
    assert smtp_codes.replied(said) == code


def test_a_code_that_says_something_goes_before_one_that_says_little() -> None:
    assert smtp_codes.most_telling(("5.0.0", "4.4.7", "5.1.1", "5.7.1")) == "5.1.1"
    assert smtp_codes.most_telling(("5.0.0", "4.4.7")) == "4.4.7"
    assert smtp_codes.most_telling((None, None)) is None


# --- fields


@given(st.lists(st.sampled_from(["a@customer.example", "b@customer.example"]), min_size=1, max_size=5), st.booleans())
@settings(max_examples=50, deadline=None, database=None)
def test_each_recipient_is_a_group_with_and_without_empty_lines(recipients: list[str], empty_lines: bool) -> None:
    groups = [f"Final-Recipient: rfc822; {one}\nAction: failed\nStatus: 5.1.{n}\n" for n, one in enumerate(recipients)]
    body = "Reporting-MTA: dns; mx.customer.example\n\n" + ("\n" if empty_lines else "").join(groups)
    found = delivery_fields.of(body.encode())
    assert [group.recipient for group in found.recipients] == recipients
    assert [group.values["status"] for group in found.recipients] == [f"5.1.{n}" for n in range(len(recipients))]


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None, database=None)
def test_no_bytes_break_the_field_reader(body: bytes) -> None:
    delivery_fields.of(body)
    delivery_fields.in_text(b"Final-Recipient: x\nAction: failed\n" + body)


def test_fields_of_a_message_are_not_those_of_a_recipient() -> None:
    found = delivery_fields.of(
        b"Reporting-MTA: dns; a.example\nX-Original-Message-ID: <1@a.example>\n\nAction: failed\n"
    )
    assert found.message.values["x-original-message-id"] == "<1@a.example>"
    assert [group.recipient for group in found.recipients] == [None]


# --- who says it


def test_a_person_who_writes_about_a_bounce_is_no_bounce() -> None:
    text = "I get these all day:\n\n550 5.1.1 <x@reader.example>: user unknown\nIt could not be delivered.\n"
    assert mail(text, Subject="Undelivered Mail Returned to Sender").kind is not Kind.BOUNCE


def test_a_postmaster_who_complains_is_no_bounce() -> None:
    subject = "Mail delivery problem: spam from your network"
    assert mail("It hits unknown users.", From="postmaster@reader.example", Subject=subject).kind is not Kind.BOUNCE


def test_a_complaint_is_no_bounce_though_it_comes_from_a_null_return_path() -> None:
    raw = (FIXTURES / "arf/001-all-fields.eml").read_bytes()
    head, _, rest = raw.partition(b"\r\n")
    assert head.startswith(b"Return-Path:")
    assert parse(b"Return-Path: <>\r\n" + rest).kind is Kind.REPORT


def test_the_sender_of_a_bounced_mail_is_not_who_was_not_reached() -> None:
    found = bounce(
        "A message sent by\n\n  <abuse@isp.example>\n\ncould not be delivered to:\n\n  admin@customer.example\n"
    )
    assert [one.recipient for one in found] == ["admin@customer.example"]


def test_mail_to_oneself_that_bounced_names_oneself() -> None:
    found = bounce("<abuse@isp.example>:\n550 5.2.2 full\n")
    assert [(one.recipient, one.status) for one in found] == [("abuse@isp.example", "5.2.2")]


def test_addresses_of_the_returned_mail_are_not_recipients() -> None:
    text = "Not delivered.\n\n--- The original message follows ---\n\nFrom: x@sender.example\nTo: y@other.example\n"
    assert bounce(text) == ()


def test_each_recipient_has_the_reason_that_stands_at_its_address() -> None:
    found = bounce("<a@customer.example>:\n550 5.1.1 unknown\n\n<b@customer.example>:\n552 5.2.2 full\n")
    assert [(one.recipient, one.status) for one in found] == [
        ("a@customer.example", "5.1.1"),
        ("b@customer.example", "5.2.2"),
    ]


@pytest.mark.parametrize(
    ("subject", "text", "action"),
    [
        ("Warning: could not send message for past 4 hours", "<a@customer.example> deferred", "delayed"),
        ("Delayed Mail (still being retried)", "<a@customer.example>", "delayed"),
        (
            "Returned mail: cannot send message for 5 days",
            "a@customer.example... Deferred\nwill be deleted from queue",
            "failed",
        ),
        ("failure notice", "<a@customer.example>: delivery temporarily failed, giving up", "failed"),
        ("Successful Mail Delivery Report", "<a@customer.example>", "delivered"),
        ("Undeliverable: x", "<a@customer.example>", "failed"),
    ],
)
def test_whether_it_is_lost_or_only_late(subject: str, text: str, action: str) -> None:
    assert [one.action for one in bounce(text, subject)] == [action]


def test_a_complaint_at_amazon_is_no_bounce() -> None:
    assert not ses_bounce.is_one('{"notificationType":"Complaint","complaint":{"bouncedRecipients":[]}}')


# --- answers


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: x",
        "Out of Office: x",
        "Abwesenheitsnotiz: x",
        "Réponse automatique : x",
        "Respuesta automática: x",
        "Risposta automatica: x",
        "自动回复: x",
        "自動返信: x",
        "Автоответ: x",
        "부재중: x",
        "Autosvar: x",
        "Re: 自動回覆",
    ],
)
def test_a_subject_is_a_hint_that_needs_another_sign(subject: str) -> None:
    encoded = f"=?utf-8?B?{base64.b64encode(subject.encode()).decode()}?="
    assert mail("Away.", Subject=encoded).kind is Kind.UNKNOWN
    assert mail("Away.", Subject=encoded, Auto_Submitted="auto-generated").kind is Kind.AUTO_REPLY
    assert mail("Away.", Subject=encoded, X_Auto_Response_Suppress="All").kind is Kind.AUTO_REPLY
    assert mail("Away.", Subject=encoded, In_Reply_To="<a@isp.example>").kind is Kind.AUTO_REPLY


@pytest.mark.parametrize("name", [name.decode() for name in auto_reply.FIELDS])
def test_every_field_of_answering_programs_is_known(name: str) -> None:
    assert mail("Away.", **{name: "yes"}).kind is Kind.AUTO_REPLY
    assert mail("Closed.", In_Reply_To="<a@isp.example>", **{name: "no"}).kind is Kind.REPLY


def test_a_generated_mail_is_no_answer() -> None:
    assert mail("Figures of the week.", Subject="Weekly", Auto_Submitted="auto-generated").kind is Kind.UNKNOWN


# --- opt-outs


@pytest.mark.parametrize(
    "word", ["unsubscribe", "Remove me.", "OPT-OUT", "abmelden", "désinscription", "退订", "отписаться", "配信停止"]
)
def test_a_word_alone_is_an_opt_out(word: str) -> None:
    assert mail(f"{word}\n\n> your notice\n", Subject="Re: x").kind is Kind.OPT_OUT


def test_a_customer_cannot_stop_notices_by_that_word() -> None:
    assert mail("unsubscribe", To=NOTICE, Subject="Re: complaint").kind is Kind.REPLY


def test_a_complaint_with_that_subject_is_no_opt_out() -> None:
    assert mail("Your customer sends spam to me.", Subject="unsubscribe").kind is Kind.UNKNOWN
    assert (
        mail("I clicked unsubscribe, it did not help. Please look at it.", Subject="unwanted mail").kind is Kind.UNKNOWN
    )


def test_a_long_letter_below_that_subject_is_no_opt_out() -> None:
    assert mail("Dear Sir or Madam, " * 40, Subject="unsubscribe").kind is Kind.UNKNOWN


# --- statistics


def test_what_is_packed_in_an_aggregate_report_is_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(zlib, "decompressobj", opened)
    monkeypatch.setattr(gzip, "decompress", opened)
    for path in sorted((FIXTURES / "aggregate").glob("*.eml")):
        parsed = parse(path.read_bytes())
        assert (parsed.kind, parsed.reports) == (Kind.AGGREGATE, ()), path.name


def test_an_authentication_failure_report_is_no_aggregate() -> None:
    assert fixture("arf/019").kind is Kind.REPORT


def test_an_archive_alone_is_no_aggregate() -> None:
    raw = b"From: a@reader.example\nSubject: holiday\nContent-Type: application/zip; name=holiday.zip\n\nPK"
    assert parse(raw).kind is Kind.UNKNOWN


# --- limits: nothing is left out in silence


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("060", "more-recipients-than-read"),
        ("061", "more-recipients-than-read"),
        ("066", "addresses-cut"),
        ("067", "received-cut"),
        ("068", "text-cut"),
        ("064", "wrong-boundary"),
    ],
)
def test_what_is_cut_is_named(name: str, defect: str) -> None:
    assert defect in fixture(f"_hostile/{name}").defects


@pytest.mark.parametrize(
    ("name", "defect"), [("069", "more-fields-than-read"), ("070", "more-original-rcpt-to-than-read")]
)
def test_what_is_cut_of_a_report_is_named(name: str, defect: str) -> None:
    assert defect in fixture(f"_hostile/{name}").reports[0].defects


@pytest.mark.parametrize(("name", "said"), [("065", "500 parts"), ("071", "100 times"), ("072", "20 messages")])
def test_a_limit_is_unreadable(name: str, said: str) -> None:
    parsed = fixture(f"_hostile/{name}")
    assert parsed.kind is Kind.UNREADABLE
    assert said in (parsed.error or "")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            b"From: a@reader.example\n" + b"".join(b"X-%d: %s\n" % (n, b"a" * 990) for n in range(270)) + b"\nx",
            "header is longer",
        ),
        (b"From: a@reader.example\nX-Long: " + b"a" * 70_000 + b"\n\nx", "X-Long"),
        (b"From: a@reader.example\n\n" + b"x" * 25 * 1024 * 1024, "larger than 26214400"),
    ],
)
def test_sizes_that_no_fixture_should_have(raw: bytes, said: str) -> None:
    parsed = parse(raw)
    assert parsed.kind is Kind.UNREADABLE
    assert said in (parsed.error or "")
    assert parsed.envelope.from_ == "a@reader.example"


def test_the_guess_of_a_boundary_keeps_the_limits() -> None:
    raw = (
        b"From: a@reader.example\nContent-Type: multipart/mixed; boundary=x\n\n"
        + b"--b\nContent-Type: text/plain\n\ny\n" * 9
    )
    assert parse(raw).kind is Kind.UNKNOWN
    assert parse(raw, Limits(parts=5)).kind is Kind.UNREADABLE


@pytest.mark.parametrize(
    ("value", "name", "odd"),
    [
        (b"text/plain", b"text/plain", False),
        (b"Multipart/Report; boundary=x", b"multipart/report", False),
        (b"(mail) text / plain (of it); charset=x", b"text/plain", True),
        (b"text", None, True),
        (b"", None, False),
        (None, None, False),
        (b"text/plain charset=utf-8", b"text/plain", True),
    ],
)
def test_a_media_type_is_read_around_comments(value: bytes | None, name: bytes | None, odd: bool) -> None:
    assert media_type.read(value) == (name, odd)


@given(st.text(max_size=300), st.text(max_size=40))
@settings(max_examples=100, deadline=None, database=None)
def test_no_words_break_the_reading_of_free_text(words: str, subject: str) -> None:
    bounce_text.says_so(subject)
    bounce_text.action(subject, words)
    bounce_text.recipients(bounce_text.above(words), frozenset())
    ses_bounce.read(words)
