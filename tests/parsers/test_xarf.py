"""xarf.py: JSON in all its wrappings; child abuse leaves nothing behind; no document stops the reading of the next."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import parse
from parsers.report import Category, Kind, Parsed, ResourceKind, Role
from parsers.xarf_types import category_of

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
PARTY = {"org": "Example Sensors", "contact": "reports@xarf.example", "domain": "xarf.example"}
REPORT = {
    "xarf_version": "4.2.0",
    "report_id": "6f1f1f10-3c2b-4d5e-8f90-0123456789ab",
    "timestamp": "2026-01-14T08:15:30Z",
    "reporter": PARTY,
    "sender": PARTY,
    "source_identifier": "198.51.100.77",
    "category": "connection",
    "type": "port_scan",
    "protocol": "tcp",
    "first_seen": "2026-01-14T08:00:00Z",
}
HEADER = b"From: Abuse Reports <reports@xarf.example>\nTo: abuse@isp.example\nSubject: report\nMIME-Version: 1.0\n"
MAIL = b"Received: from a.example.net (a.example.net [198.51.100.77]) by mx.trap.example; Wed, 14 Jan 2026 08:15:29 +0000\nFrom: spam@example.net\nSubject: the reported mail\n\nsecret words\n"


def attached(document: object, kind: bytes = b"application/json", *, encoded: bool = False) -> bytes:
    body = json.dumps(document).encode()
    how = b"Content-Transfer-Encoding: base64\n" if encoded else b""
    if encoded:
        body = base64.encodebytes(body)
    return (
        HEADER
        + b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nWords for people.\n\n--b\nContent-Type: '
        + kind
        + b"\n"
        + how
        + b"\n"
        + body
        + b"\n--b--\n"
    )


def read(**more: object) -> Parsed:
    return parse(attached({**REPORT, **more}))


def test_a_valid_report_has_no_defect() -> None:
    parsed = read()
    assert (parsed.kind, parsed.format, parsed.defects) == (Kind.REPORT, "xarf", ())
    assert parsed.reports[0].defects == ()


@pytest.mark.parametrize("kind", [b"application/json", b"text/plain", b"application/octet-stream; name=x.json", b"x/y"])
@pytest.mark.parametrize("encoded", [True, False])
def test_the_declared_type_does_not_matter(kind: bytes, encoded: bool) -> None:
    report = parse(attached(REPORT, kind, encoded=encoded)).reports[0]
    assert (report.source_ip, report.category) == ("198.51.100.77", Category.PORT_SCAN)


def test_a_bare_file_is_read_and_says_so() -> None:
    parsed = parse(json.dumps(REPORT).encode())
    assert (parsed.kind, parsed.defects, parsed.text) == (Kind.REPORT, ("bare-json",), "")


def test_json_of_other_people_is_no_report_of_theirs() -> None:
    assert parse(attached({"name": "package", "Version": "1"})).format != "xarf"
    tls = {"organization-name": "Example", "policies": [], "report-id": "1"}
    assert parse(json.dumps(tls).encode()).format != "xarf"


def test_an_answer_to_our_notice_with_our_own_document_in_it_is_an_answer() -> None:
    to_us = attached(REPORT).replace(b"abuse@isp.example", b"abuse+n.abcdefghijklmnopqrstu234567@isp.example")
    assert parse(to_us).kind is Kind.REPLY


def test_a_delivery_report_that_returns_our_document_is_a_bounce() -> None:
    raw = (
        b"From: MAILER-DAEMON@mx.customer.example\nTo: abuse@isp.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="d"\n\n--d\n\nNo.\n\n'
        b"--d\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.customer.example\n\n"
        b"Final-Recipient: rfc822; kim@customer.example\nAction: failed\nStatus: 5.1.1\n\n"
        b"--d\nContent-Type: message/rfc822\n\n" + attached(REPORT) + b"\n--d--\n"
    )
    assert parse(raw).kind is Kind.BOUNCE


def test_words_of_a_mail_system_that_return_our_document_are_a_bounce() -> None:
    raw = (
        b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.customer.example\nTo: abuse@isp.example\n"
        b"Subject: Undelivered Mail Returned to Sender\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="d"\n\n--d\n\n<kim@customer.example>: 550 5.1.1 unknown user\n\n'
        b"--d\nContent-Type: message/rfc822\n\n" + attached(REPORT) + b"\n--d--\n"
    )
    assert parse(raw).kind is Kind.BOUNCE


@pytest.mark.parametrize("kind", ["csam", "csem"])
@pytest.mark.parametrize("wrapped", [b"application/json", b"text/plain"])
def test_of_child_abuse_no_sample_is_kept_anywhere(kind: str, wrapped: bytes) -> None:
    evidence = [
        {"content_type": "message/rfc822", "payload": base64.b64encode(MAIL).decode()},
        {"content_type": "text/plain", "payload": MAIL.decode()},
    ]
    document = {
        **REPORT,
        "category": "content",
        "type": kind,
        "url": "https://board.example.org/1",
        "evidence": evidence,
        "note": "secret words",
    }
    raw = attached(document, wrapped)
    raw = raw.replace(b"\n--b--", b"\n--b\nContent-Type: message/rfc822\n\n" + MAIL + b"\n--b--")
    parsed = parse(raw)
    report = parsed.reports[0]
    assert report.category is Category.CHILD_ABUSE
    assert (report.original, report.trace) == (None, ())
    assert report.reported_uri == ("https://board.example.org/1",)
    for hidden in ("secret words", base64.b64encode(MAIL).decode()[:40], "the reported mail"):
        assert hidden not in repr(parsed) + repr(report.original) + parsed.text


def test_the_reported_mail_fills_what_the_document_leaves_open() -> None:
    evidence = [{"content_type": "message/rfc822", "payload": base64.b64encode(MAIL).decode()}]
    report = read(source_identifier="mail.bulk.example", evidence=evidence).reports[0]
    assert report.original is not None
    assert report.original.subject == "the reported mail"
    assert dict(report.provenance)["source_ip"] == "original:Received[0]"
    assert any((one.kind, one.role) == (ResourceKind.HOST, Role.SOURCE) for one in report.resources)


def test_the_stated_time_is_the_incidents_and_first_seen_stays_a_field() -> None:
    report = read(last_seen="2026-01-14T09:00:00Z").reports[0]
    assert report.arrival_date is not None
    assert report.arrival_date.isoformat() == "2026-01-14T08:15:30+00:00"
    assert dict(report.fields)["last_seen"] == ("2026-01-14T09:00:00Z",)


@pytest.mark.parametrize("port", [0, None, True, -1, 70000, "x", [], 1.5])
def test_what_is_no_port_is_no_port(port: object) -> None:
    assert read(source_port=port).reports[0].source_port is None


def test_our_own_and_their_internal_metadata_is_not_taken_over() -> None:
    report = read(_internal={"ticket": "hidden"}).reports[0]
    assert "hidden" not in repr(report)
    assert "internal-metadata-sent" in report.defects


def test_no_control_character_and_no_line_end_comes_out_of_a_document() -> None:
    report = read(note="a\r\nBcc: x@example.net\x00\u202e", **{"k\n": "v\n"}).reports[0]
    shown = "".join(name + "".join(values) for name, values in report.fields)
    assert not {"\r", "\n", "\x00", "\u202e"} & set(shown)


def test_half_a_surrogate_does_not_stop_the_output() -> None:
    report = read(note="\ud83d").reports[0]
    repr(report.fields).encode("utf-8")


@pytest.mark.parametrize(
    ("names", "category"),
    [
        (("Login-Attack", "Activity"), Category.LOGIN_ATTACK),
        (("login_attack", "connection"), Category.LOGIN_ATTACK),
        (("Malware", "Activity", "RPZ-Rewrite"), Category.INFECTED_HOST),
        (("csam", "content"), Category.CHILD_ABUSE),
        (("something new", "copyright"), Category.COPYRIGHT),
        (("something new", "connection"), Category.OTHER),
        ((None, None), Category.OTHER),
    ],
)
def test_spellings_of_a_type_are_one_category(names: tuple[str | None, ...], category: Category) -> None:
    assert category_of(*names) is category


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
    | st.sampled_from(["192.0.2.1", "2001:db8::1/64", "https://a.example/", "2026-01-01", "spam"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    *REPORT,
    "Version",
    "Report",
    "ReporterInfo",
    "evidence",
    "url",
    "domain",
    "source_port",
    "last_seen",
    "smtp_from",
    "class",
    "OnBehalfOf",
    "_internal",
]
INNER = [
    "ReportType",
    "ReportClass",
    "SourceIp",
    "SourceUrl",
    "Samples",
    "Attachment",
    "Source",
    "Date",
    "Account",
    "AdditionalInfo",
    "SourcePort",
]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(INNER), JSON, max_size=6)))
def test_every_document_is_read_or_refused_in_words(document: dict[str, object]) -> None:
    parsed = parse(json.dumps(document).encode())
    assert parsed.kind in (Kind.REPORT, Kind.UNREADABLE)
    assert "a format failed" not in (parsed.error or "")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_broken_fixture_never_breaks_the_reader(data: st.DataObject) -> None:
    files = sorted((FIXTURES / "xarf").glob("*.eml")) + sorted((FIXTURES / "xarf_flat").glob("*.eml"))
    raw = bytearray(data.draw(st.sampled_from(files)).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=8))
    assert "a format failed" not in (parse(bytes(raw)).error or "")
