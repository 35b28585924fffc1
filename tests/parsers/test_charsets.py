"""Charsets and MIME as they are: what the label says, what it should have said, and what was done to the bytes."""

from __future__ import annotations

import base64

import pytest

from parsers import base64_text, fields, odd_dates, parse
from parsers.header_block import Headers
from parsers.report import Kind

CHINESE, TAIWAN = "促销广告，请立即处理这封垃圾邮件", "促銷廣告，請處理這封垃圾郵件"
JAPANESE, KOREAN = "迷惑メールの通報をします", "스팸 메일 신고합니다"
RUSSIAN, GREEK = "Жалоба на рассылку спама от вашего клиента", "Παράπονο για ανεπιθύμητη αλληλογραφία"
TURKISH, CZECH = "İstenmeyen e-posta şikayeti", "Stížnost na nevyžádanou poštu"
SETS = [
    ("gb2312", CHINESE),
    ("gbk", CHINESE + "镕"),
    ("gb18030", CHINESE + "㐀"),
    ("big5", TAIWAN),
    ("iso-2022-jp", JAPANESE),
    ("shift_jis", JAPANESE),
    ("euc-jp", JAPANESE),
    ("euc-kr", KOREAN),
    ("koi8-r", RUSSIAN),
    ("windows-1251", RUSSIAN),
    ("iso-8859-5", RUSSIAN),
    ("windows-1253", GREEK),
    ("windows-1254", TURKISH),
    ("iso-8859-9", TURKISH),
    ("windows-1250", CZECH),
    ("iso-8859-2", CZECH),
    ("utf-8", CHINESE),
]
GUESSED = [one for one in SETS if one[0] not in ("windows-1254", "iso-8859-9")]  # nobody can tell these from others


def mail(body: bytes, charset: str | None, subject: bytes = b"x") -> bytes:
    label = f"; charset={charset}".encode() if charset else b""
    return (
        b"From: Pat <pat@reader.example>\nTo: abuse@isp.example\nSubject: "
        + subject
        + b"\nMessage-ID: <m@reader.example>\n"
        b"MIME-Version: 1.0\nContent-Type: text/plain"
        + label
        + b"\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(body)
    )


@pytest.mark.duty("NET-5")
@pytest.mark.parametrize(("charset", "text"), SETS)
def test_a_body_and_a_subject_as_labelled(charset: str, text: str) -> None:
    word = b"=?" + charset.encode() + b"?B?" + base64.b64encode(text.encode(charset)) + b"?="
    parsed = parse(mail(text.encode(charset), charset, word))
    assert (parsed.text, parsed.envelope.subject, parsed.defects) == (text, text, ())


@pytest.mark.parametrize(("charset", "text"), GUESSED)
def test_a_body_without_a_label_and_a_raw_subject(charset: str, text: str) -> None:
    raw = text.encode(charset)
    parsed = parse(mail(raw * 4, None, raw))
    assert parsed.text == text * 4
    assert parsed.envelope.subject == text
    assert "missing-charset" in parsed.defects
    assert ("raw-8-bit-header" in parsed.defects) == (not raw.isascii())


@pytest.mark.parametrize(
    ("written", "label", "text"),
    [
        ("gbk", "us-ascii", CHINESE),
        ("gbk", "utf-8", CHINESE),
        ("gbk", "iso-8859-1", CHINESE),
        ("utf-8", "iso-8859-1", "Beschwerde über Großhändler"),
        ("utf-8", "windows-1252", CHINESE),
        ("utf-8", "x-unheard-of", CHINESE),
    ],
)
def test_a_wrong_label_is_noted_and_not_believed(written: str, label: str, text: str) -> None:
    parsed = parse(mail(text.encode(written), label))
    assert (parsed.text, parsed.defects) == (text, ("wrong-charset",))


def test_true_western_text_stays_western() -> None:
    for text in ("Schöne Grüße aus Köln, ça va? Größe überall", "Señor, ¿qué tal? año niño", "é"):
        assert parse(mail(text.encode("latin-1"), "iso-8859-1")).text == text


@pytest.mark.duty("NET-5")
def test_the_newer_set_contains_what_the_older_label_says() -> None:
    parsed = parse(mail((CHINESE + "镕").encode("gbk"), "gb2312"))
    assert (parsed.text, parsed.defects) == (CHINESE + "镕", ())


ENCODED = base64.b64encode(CHINESE.encode())


@pytest.mark.parametrize(
    "subject",
    [
        b"=?utf-8?B?" + ENCODED[:20] + b"\n " + ENCODED[20:] + b"?=",
        b"=?utf-8?B?" + ENCODED[:20] + b"\n" + ENCODED[20:] + b"?=",
        b"=?utf-8?B?"
        + base64.b64encode(CHINESE.encode()[:13])
        + b"?=\n =?utf-8?B?"
        + base64.b64encode(CHINESE.encode()[13:])
        + b"?=",
        b"=?gb2312?B?"
        + base64.b64encode(CHINESE.encode("gbk")[:7])
        + b"?=\r\n\t=?gb2312?B?"
        + base64.b64encode(CHINESE.encode("gbk")[7:])
        + b"?=",
        b"=?UTF-8?b?" + ENCODED + b"?=",
        b"=?x-unheard?B?" + ENCODED + b"?=",
    ],
)
def test_encoded_words_in_every_broken_shape(subject: bytes) -> None:
    assert parse(mail(b"x", "utf-8", subject)).envelope.subject == CHINESE


def test_html_entities_are_characters_and_leave_nothing_dangerous() -> None:
    raw = mail(b"<p>&#21457;&#20214;&#20154;&#65306; a&nbsp;&lt;b&gt;&#8238;&#0;&#x1b;x</p>", "utf-8").replace(
        b"text/plain", b"text/html"
    )
    assert parse(raw).text.replace("\ufffd", "") == "发件人： a <b>x"


def test_base64_that_nobody_announced_and_base64_of_base64() -> None:
    fields_ = b"Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\nSource-IP: 192.0.2.1\n"
    once = base64.encodebytes(fields_)
    assert base64_text.unwrapped(once) == fields_
    assert base64_text.unwrapped(base64.encodebytes(once)) == fields_
    for other in (b"", b"short", b"Feedback-Type: abuse\n" * 5, base64.encodebytes(b"\x89PNG" * 100), b"A" * 5_000):
        assert base64_text.unwrapped(other) is None


def test_doubled_carriage_returns_are_line_ends_written_twice() -> None:
    raw = mail(b"Hello", "utf-8").replace(b"\n", b"\r\r\n")
    parsed = parse(raw)
    assert (parsed.text, parsed.defects, parsed.envelope.to) == (
        "Hello",
        ("doubled-cr-line-ends",),
        ("abuse@isp.example",),
    )


def test_a_line_in_column_1_continues_a_field_only_where_it_can_be_one() -> None:
    def of(block: bytes) -> dict[bytes, list[bytes]]:
        return Headers(block, 10_000).fields

    assert of(b"Received: from a\nby b; now\nFrom: x\n")[b"received"] == [b"from a\n by b; now"]
    assert of(b"From: x\nContent-Type: multipart/mixed;\nboundary=y\n")[b"content-type"] == [
        b"multipart/mixed;\n boundary=y"
    ]
    assert of(b"From: x\nSubject: y\nHello, here begins the text\n")[b"subject"] == [b"y"]
    assert of(b"Received: from a\n>From mbox\nFrom: x\n")[b"received"] == [b"from a"]
    assert of(b"no field\nFrom: x\n")[b"from"] == [b"x"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Tue Jan 06 2026 08:30:07 GMT+0100 (Central European Standard Time)", "Tue Jan 06 2026 08:30:07 +0100"),
        ("[06/Jan/2026:08:30:07 +0100", "06 Jan 2026 08:30:07 +0100"),
        ("2026-01-06 08:30:07 UTC", "06 Jan 2026 08:30:07 UTC"),
        ("2026/1/6 8:30:07.123Z", "6 Jan 2026 8:30:07 +0000"),
        ("6 Jan 2026 12:30 a.m.", "6 Jan 2026 00:30"),
        ("6 Jan 2026 08:30 CEST", "6 Jan 2026 08:30 +0200"),
        ("6 Jan 2026 08:30 CST", "6 Jan 2026 08:30 CST"),
        ("6 Jan 2026 08:30 +0800 (CET)", "6 Jan 2026 08:30 +0800 (CET)"),
        ("2026-13-06 08:30:07", "2026-13-06 08:30:07"),
    ],
)
def test_odd_dates_are_rewritten_and_never_reinterpreted(text: str, plain: str) -> None:
    assert odd_dates.plain(text) == plain


def test_a_usual_date_is_told_from_others() -> None:
    assert fields.is_usual("Tue, 06 Jan 2026 07:30:07 +0000 (UTC)")
    assert not fields.is_usual("2026-01-06T07:30:07Z")


def test_hostile_odd_parts_stay_within_bounds() -> None:
    report = b"MIME-Version: 1.0\nFrom: a@b.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\n"
    for fields_ in (
        b"Feedback-Type: abuse User-Agent: " * 5_000,
        b"Feedback-Type: abuse\n" + b"- \n" * 50_000,
        b"Feedback-Type:\n" + b"  - x\n" * 50_000,
        b"A" * 200_000,
        b"\r" * 200_000,
        b'Feedback-Type: "' + b'"' * 100_000,
    ):
        assert parse(report + fields_ + b"\n--b--\n").kind in (Kind.REPORT, Kind.UNREADABLE)
