"""Feeds and notices: what the shared readers promise, whatever the message; the messages themselves are in fixtures/."""

from __future__ import annotations

import base64
import contextlib
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parsers import archive, markup, notice, parse, table
from parsers.accused import accused
from parsers.errors import LimitError
from parsers.moments import Reading, line_time, moment, moments, stated_zone
from parsers.report import Category, Kind, Limits, Role
from parsers.scan import scan

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
OWN = (
    *("abusehub", "abusix", "acns", "admin", "csv_feed", "google_safebrowsing", "honeypot", "jmrp", "log_notice"),
    *("netcraft", "shadowserver", "spamcop", "spamhaus"),
)
EXAMPLES = sorted(path for name in OWN for path in (FIXTURES / name).glob("*.eml"))
JAN_6 = datetime(2026, 1, 6, 10, tzinfo=UTC)


def at(*values: int) -> datetime:
    return datetime(*values, tzinfo=UTC)


def mail(subject: str, body: str, **fields: str) -> bytes:
    head = {"From": "reports@feed.example", "To": "abuse@isp.example", "Subject": subject}
    head |= {
        "Date": "Tue, 06 Jan 2026 10:00:00 +0000",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    return "".join(f"{name}: {value}\n" for name, value in head.items()).encode() + b"\n" + body.encode()


def with_file(name: str, data: bytes, subject: str = "Incidents") -> bytes:
    head = f"From: a@feed.example\nSubject: {subject}\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
    kind = f'Content-Type: application/octet-stream; name="{name}"\nContent-Transfer-Encoding: base64\n\n'
    return (head + kind).encode() + base64.encodebytes(data) + b"--b--\n"


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in members.items():
            written.writestr(name.replace("__", "."), data)
    return out.getvalue()


# --- times ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-05T04:05:06Z", at(2026, 1, 5, 4, 5, 6)),
        ("2026-01-05T04:05:06.123456+01:00", at(2026, 1, 5, 3, 5, 6)),
        ("2026-01-05 04:05:06 CET", at(2026, 1, 5, 3, 5, 6)),
        ("2026-01-05 04:05:06 (UTC)", at(2026, 1, 5, 4, 5, 6)),
        ("2026-01-05T04-05-06UTC", at(2026, 1, 5, 4, 5, 6)),
        ("2026/01/05 04:05 UTC+2", at(2026, 1, 5, 2, 5)),
        ("[05/Jan/2026:04:05:06 +0200]", at(2026, 1, 5, 2, 5, 6)),
        ("Mon, 05 Jan 2026 04:05:06 -0700", at(2026, 1, 5, 11, 5, 6)),
        ("05 Jan 26 04:05 UTC", at(2026, 1, 5, 4, 5)),
        ("Mon Jan  5 04:05:06 UTC 2026", at(2026, 1, 5, 4, 5, 6)),
        ("Mon Jan  5 04:05:06 2026 UTC", at(2026, 1, 5, 4, 5, 6)),
        ("January 5th, 2026 at 4:05:06 pm GMT", at(2026, 1, 5, 16, 5, 6)),
        ("5.1.2026 04:05:06 +0100", at(2026, 1, 5, 3, 5, 6)),
        ("25/01/2026 04:05 Z", at(2026, 1, 25, 4, 5)),
        ("01/25/2026 04:05 Z", at(2026, 1, 25, 4, 5)),
        ("1767586306", at(2026, 1, 5, 4, 11, 46)),
        ("1767586306000", at(2026, 1, 5, 4, 11, 46)),
        ("Tue, 06 Jan 2026 10:00:00 -0000", JAN_6),
    ],
)
def test_a_time_is_read_in_every_spelling_that_names_its_zone(text, value):
    found = moment(text)
    assert found is not None
    assert (found.value, found.zoned) == (value, True)


@pytest.mark.parametrize("text", ["2026-01-05 04:05:06", "2026-01-05 04:05:06 CST", "5 Jan 2026 04:05:06"])
def test_a_time_without_a_zone_that_is_known_is_taken_for_utc_and_says_so(text):
    found = moment(text)
    assert found is not None
    assert found.value == at(2026, 1, 5, 4, 5, 6)
    assert not found.zoned


@pytest.mark.parametrize("text", ["01/02/2026 04:05:06", "2026-13-45 04:05:06", "Jan  5 04:05:06", "99:99", "", "5"])
def test_what_could_be_two_days_or_none_is_no_time(text):
    assert moment(text) is None


def test_a_line_without_a_year_is_of_the_last_twelve_months():
    assert next(moments("Jan  5 04:05:06", Reading(about=JAN_6))).value == at(2026, 1, 5, 4, 5, 6)
    assert next(moments("Dec 31 04:05:06", Reading(about=JAN_6))).value == at(2025, 12, 31, 4, 5, 6)


def test_the_zone_that_a_text_states_counts_for_times_without_one():
    zone = stated_zone("Note: all timestamps are in UTC+2.")
    assert zone == timedelta(hours=2)
    assert next(moments("2026-01-05 04:05:06", Reading(zone=zone))).value == at(2026, 1, 5, 2, 5, 6)
    assert stated_zone("Time zone: Europe/Prague") is None


def test_in_a_range_the_last_zone_counts_for_both():
    found = line_time("2026-01-05 04:05 ~ 2026-01-05 05:05 (CET), 198.51.100.7")
    assert found is not None
    assert (found.value, found.zoned) == (at(2026, 1, 5, 3, 5), True)


# --- words ----------------------------------------------------------------------------------


def test_addresses_are_found_whole_and_networks_are_none():
    text = "198.51.100.7, 198[.]51[.]100[.]8 [2001:db8::1] 192.0.2.0/24 1.2.3.4.5 999.1.1.1 v1.2.3 12:30:45"
    assert notice.addresses(text) == ["198.51.100.7", "198.51.100.8", "2001:db8::1"]


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("Source IP: x", "source ip", "x"),
        ("  * Source-IP = x", "source ip", "x"),
        ("> **Source IP:** x", "source ip", "x"),
        ("| Host | x |", "host", "x"),
        ("Source_IP\t:\tx", "source ip", "x"),
        ("Time (UTC): 2026-01-05 04:05:06", "time", "2026-01-05 04:05:06 UTC"),
        ("Infringer's IP Address: x", "infringers ip address", "x"),
        ("源IP：x", "源ip", "x"),
    ],
)
def test_a_labelled_line_is_read_however_it_is_dressed(line, name, value):
    assert notice.labels(line) == [(name, value)]


def test_the_words_of_a_ticket_system_are_not_the_notice():
    text = "Tue Jan 06 10:00:00 2026: Request 5 was acted upon.\n Queue: abuse\n Ticket <URL: https://t.example/5 >\n\nThe notice.\n"
    assert notice.without_ticket(text).strip() == "The notice."
    assert notice.without_ticket("Request 5 was acted upon, they say.") == "Request 5 was acted upon, they say."


@pytest.mark.parametrize(
    ("subject", "text", "category"),
    [
        ("Abuse report", "Failed password for root (ssh)", Category.LOGIN_ATTACK),
        ("Port scan", "botnet botnet", Category.PORT_SCAN),
        ("Attack", "syn flood", Category.DDOS),
        ("Attack from you", "please look", Category.INTRUSION),
        ("Hello", "how are you?", None),
        ("Report", "see https://phishing-report.example/x", None),
    ],
)
def test_the_words_name_the_conduct(subject, text, category):
    assert notice.category(subject, text) is category


def test_an_address_that_subject_and_label_contradict_is_only_possible():
    found = accused("Attack from 203.0.113.80", "", notice.labels("Source IP: 198.51.100.7"))
    assert found.certain == ()
    assert set(found.possible) == {"203.0.113.80", "198.51.100.7"}


def test_the_reporters_own_address_is_not_accused():
    text = "Destination IP: 203.0.113.80\nTarget: 203.0.113.81\nAttacker: 198.51.100.7\n"
    assert accused("Abuse", text, notice.labels(text)).certain == ("198.51.100.7",)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Spam!", "I get spam from 198.51.100.7 all day, please stop it."),
        ("Re: Abuse from 198.51.100.7", "We have cleaned the server, the attack has stopped."),
        (
            "Unusual sign-in",
            "Unauthorized access to your account.\nIP address: 198.51.100.7\nDate: 2026-01-05 04:05:06 UTC\n",
        ),
        ("Invoice", "Server: 198.51.100.7\nDate: 2026-01-05 04:05:06\nTotal: 5\n"),
        (
            "Fwd: attack",
            "From: x <x@sender.example>\nSubject: Attack\nDate: Mon, 5 Jan 2026 04:05:06 +0000\n\n198.51.100.7 attack",
        ),
        (
            "Abuse from 198.51.100.7",
            "> Received: from x ([198.51.100.7]) by y; Mon, 5 Jan 2026 04:05:06 +0000\n> From: a@b.example",
        ),
    ],
)
def test_what_a_person_writes_answers_or_forwards_is_no_notice(subject, body):
    assert parse(mail(subject, body)).format != "log_notice"


def test_a_notice_that_comes_back_as_an_answer_to_ours_is_a_reply():
    raw = mail(
        "Abuse from 198.51.100.7",
        "198.51.100.7 - - [05/Jan/2026:07:18:38 +0200] attack",
        In_Reply_To="<n1@isp.example>",
    )
    assert parse(raw).kind is Kind.REPLY


# --- feeds by their sender, which fixtures cannot name --------------------------------------


@pytest.mark.parametrize(
    ("sender", "subject", "body", "name"),
    [
        ("1@reports.spamcop.net", "x", "Email from 198.51.100.7 / Mon, 05 Jan 2026 04:05:06 +0000\n", "spamcop"),
        ("a@admin.spamcop.net", "Your account", "Please look at it.", "spamcop"),
        ("monitor@projecthoneypot.org", "x", "198.51.100.7 (S)\n  - Mon, 05 Jan 2026 04:05:06 GMT\n", "honeypot"),
        ("monitor@projecthoneypot.org", "x", "HARVESTERS\nnone\n", "honeypot"),
        (
            "takedown-response+1@netcraft.com",
            "Issue 123456: x",
            "https://a.customer.example/x [198.51.100.7]",
            "netcraft",
        ),
        ("no-reply@ripe.net", "Please validate", "Validate your abuse contact: https://v.example/", "admin"),
    ],
)
def test_a_feed_is_known_by_its_domain(sender, subject, body, name):
    assert parse(mail(subject, body, From=sender)).format == name


def test_a_loops_own_sender_needs_the_field_that_only_it_writes():
    inner = "From: n@sender.example\nSubject: x\nMessage-ID: <a@b.example>\n\nx\n"
    marked = "X-HmXmrOriginalRecipient: p@reader.example\n" + inner
    for text, name in ((marked, "jmrp"), (inner, "forwarded")):
        raw = mail("Complaint", text, From="staff@hotmail.com", Content_Type="message/rfc822", MIME_Version="1.0")
        assert parse(raw).format == name


def test_a_complainants_address_is_never_a_candidate():
    parsed = parse((FIXTURES / "jmrp" / "001-complaint.eml").read_bytes())
    assert all(one.value != "203.0.113.200" for one in parsed.reports[0].candidates)


def test_a_spamvertised_report_never_names_the_mails_source():
    for path in (FIXTURES / "spamcop").glob("*spamvertised*.eml"):
        report = parse(path.read_bytes()).reports[0]
        assert report.source_ip is None
        assert report.trace == ()
        assert {one.role for one in report.resources} == {Role.ADVERTISED}


def test_statistics_are_no_reports():
    for name in ("spamcop/024-summary.eml", "spamcop/026-alert.eml", "honeypot/001-list.eml"):
        assert parse((FIXTURES / name).read_bytes()).kind is Kind.AGGREGATE


# --- tables ---------------------------------------------------------------------------------


def test_the_column_is_found_by_its_heading_wherever_it_stands():
    rows = list(table.rows(b"x;Last-Seen;SRC_IP\n1;2026-01-05T04:05:06Z;198.51.100.7\n"))
    report = table.report(rows[0], Category.SPAM)
    assert report is not None
    assert (report.source_ip, report.arrival_date) == ("198.51.100.7", at(2026, 1, 5, 4, 5, 6))


def test_a_table_whose_columns_name_no_address_has_no_rows():
    assert list(table.rows(b"name,date\nx,2026-01-05\n")) == []
    assert list(table.rows(b"dst_ip,date\n198.51.100.7,2026-01-05\n")) == []


def test_a_table_of_as_many_rows_as_may_be_is_read_and_one_more_is_not():
    row = b"198.51.100.7,2026-01-05T04:05:06Z\n"
    assert sum(1 for _ in table.rows(b"ip,time\n" + row * table.ROWS)) == table.ROWS
    with pytest.raises(LimitError, match="10000 rows"):
        sum(1 for _ in table.rows(b"ip,time\n" + row * (table.ROWS + 1)))


def test_many_rows_over_two_tables_are_unreadable_and_not_cut():
    rows = b"ip,time\n" + b"198.51.100.7,2026-01-05T04:05:06Z\n" * 6_000
    parsed = parse(with_file("x.zip", zipped(a__csv=rows, b__csv=rows + b"\n" * 5)))
    assert parsed.kind is Kind.UNREADABLE
    assert "10000 rows" in (parsed.error or "")


def sheets_of(raw: bytes) -> archive.Sheets:
    return archive.sheets(list(scan(raw, Limits()).walk()))


def test_only_tables_come_out_of_an_archive():
    found = sheets_of(with_file("x.zip", zipped(a__exe=b"MZ", b__csv=b"ip,time\n", c__zip=zipped(d__csv=b"ip\n"))))
    assert [sheet.name for sheet in found.found] == ["b.csv"]


def test_an_archive_of_too_many_members_is_not_opened():
    found = sheets_of(with_file("x.zip", zipped(**{f"m{n}__csv": b"ip\n" for n in range(archive.MEMBERS + 1)})))
    assert found.found == ()
    assert "members" in (found.problem or "")


def test_a_directory_that_claims_few_members_and_is_long_is_not_opened():
    data = bytearray(zipped(**{f"m{n}__csv": b"" for n in range(5_000)}))
    end = data.rfind(b"PK\x05\x06")
    data[end + 8 : end + 12] = b"\x01\x00\x01\x00"
    assert sheets_of(with_file("x.zip", bytes(data))).found == ()


def test_what_unpacks_to_more_than_a_hundred_times_its_size_is_refused():
    bomb = zipped(a__csv=b"ip,time\n" + b"0" * 4_000_000)
    with pytest.raises(LimitError, match="100 times"):
        sheets_of(with_file("x.zip", bomb))


@given(st.binary(max_size=400), st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_a_damaged_archive_never_raises_anything_else(noise, at_):
    data = bytearray(zipped(a__csv=b"ip,time\n198.51.100.7,2026-01-05T04:05:06Z\n" * 5))
    data[at_ : at_ + len(noise)] = noise
    try:
        found = sheets_of(with_file("x.zip", bytes(data)))
    except LimitError:
        return
    assert all(isinstance(sheet.data, bytes) for sheet in found.found)


# --- XML ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://x.example/"> %p;]><a/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b"<a>" * 60 + b"</a>" * 60,
        b"<a>" + b"<b/>" * (markup.ELEMENTS + 1) + b"</a>",
        b"<a>" + b" " * markup.DOCUMENT_BYTES + b"</a>",
        b"<a><b></a>",
        b"<a>&x;</a>",
        b"",
    ],
)
def test_xml_that_declares_or_exceeds_is_refused(document):
    with pytest.raises(markup.MarkupError):
        markup.tree(document)


def test_xml_is_read_without_its_prefixes():
    root = markup.tree(b'<x:A xmlns:x="u" x:Date="d"><x:B> one </x:B><B>two</B></x:A>')
    assert (root.name, root.attributes, root.said("b")) == ("a", {"date": "d"}, "one")
    assert [node.text for node in root.every("b")] == [" one ", "two"]


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_xml_is_a_tree_or_an_error_and_nothing_else(document):
    with contextlib.suppress(markup.MarkupError):
        assert markup.tree(b"<a>" + document + b"</a>").name == "a"


# --- whatever comes --------------------------------------------------------------------------

ODD = st.sampled_from(
    [
        *(b"", b"\n", b"\r\n", b"\0", b"\xff\xfe", b" ", b":", b"|", b",", b";", b"[", b"]", b"198.51.100.7"),
        *(b"2001:db8::1", b"Email from ", b"[ Offending message ]\n", b"<Infringement>", b"<!DOCTYPE x>", b"SBL1"),
        *(b"=?utf-8?q?=0A?=", b"spamhaus SBL12345", b"Safe Browsing Report", b"ip,time\n", b"Report-Type: x\n"),
    ]
)


@given(st.sampled_from(EXAMPLES), st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_message_damaged_anywhere_is_still_answered_by_one_format_or_none(path, data):
    raw = path.read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw)))
        cut = data.draw(st.integers(0, 60))
        raw = raw[:place] + data.draw(ODD) + raw[place + cut :]
    parsed = parse(raw)
    assert "format failed" not in (parsed.error or "")
    claims = re.findall(r"[a-z_]+", (parsed.error or "").partition("claims the message:")[2])
    assert sum(name in OWN for name in claims) < 2


@given(st.sampled_from(EXAMPLES), st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_no_control_character_leaves_a_report(path, noise):
    raw = (
        path.read_bytes()
        .replace(b"Buy now", noise.encode("utf-8", "ignore"))
        .replace(b"mirai", noise.encode("utf-8", "ignore"))
    )
    for report in parse(raw).reports:
        texts = [value for _, values in report.fields for value in values] + list(report.reported_uri)
        assert not any(re.search(r"[\x00-\x1f\x7f-\x9f]", text) for text in texts)


def test_the_examples_are_many():
    assert len(EXAMPLES) >= 140
