"""envelope.py: header words, addresses, charsets and transfer encodings; nothing dangerous gets out of a header."""

from __future__ import annotations

import base64
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parsers import envelope
from parsers.report import Limits
from parsers.scan import scan

LIMITS = Limits()
FIXTURES = Path(__file__).parents[2] / "fixtures"


def b64(text: str, charset: str) -> bytes:
    return b"=?" + charset.encode() + b"?B?" + base64.b64encode(text.encode(charset)) + b"?="


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain words", "plain words"),
        (b"folded\r\n\twords\n  here", "folded words  here"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus =?iso-8859-1?q?K=F6ln?=", "Grüße aus Köln"),
        (b64("广告：发票", "gb18030"), "广告：发票"),
        (b64("广告：发票", "gb2312"), "广告：发票"),
        (b"=?gb2312?B?" + base64.b64encode("朱镕基".encode("gbk")) + b"?=", "朱镕基"),
        (b"=?big5?B?" + base64.b64encode("廣告".encode("big5")) + b"?=", "廣告"),
        (b"=?iso-2022-jp?B?" + base64.b64encode("広告".encode("iso-2022-jp")) + b"?=", "広告"),
        ("Grüße".encode(), "Grüße"),
        ("广告：代开发票，量大从优，欢迎来电咨询".encode("gbk"), "广告：代开发票，量大从优，欢迎来电咨询"),
        (b"=?utf-8?q?Hello=0D=0ABcc:_victim=40other.example?=", "HelloBcc: victim@other.example"),
        (b"a\x00b\x1b[31mc\x7f", "ab[31mc"),
        (b"=?utf-8?b?" + base64.b64encode("a\u202eb\u2028c\u200fd".encode()) + b"?=", "abcd"),
        (b"", ""),
    ],
)
def test_a_header_value_as_people_read_it(value: bytes, expected: str) -> None:
    assert envelope.decode(value) == expected


def test_a_character_split_over_two_words_is_whole() -> None:
    raw = "产品特价".encode("gb18030")
    words = [b"=?GB18030?B?" + base64.b64encode(half) + b"?=" for half in (raw[:3], raw[3:])]
    assert envelope.decode(b"\n ".join(words)) == "产品特价"


@settings(max_examples=200, deadline=None, database=None)
@given(st.binary(max_size=200))
@example(b"=?utf-8?b?gICA?=")
@example(b"=?unknown-charset?q?=FF=FE?=")
def test_nothing_unsafe_comes_out_of_any_bytes(value: bytes) -> None:
    for text in (envelope.decode(value), *(part for box in envelope.mailboxes([value]) for part in box)):
        assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
        text.encode()


@settings(max_examples=200, deadline=None, database=None)
@given(st.binary(max_size=200))
@example(b"=?utf-8?b?gICA?=")
def test_what_decoding_takes_out_is_written_out_for_people(value: bytes) -> None:
    shown = envelope.spelled(value)
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    shown.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"folded\r\n\twords", "folded words"),
        ("Grüße".encode(), "Grüße"),
        (b"=?iso-2022-jp?B?" + base64.b64encode("広告".encode("iso-2022-jp")) + b"?=", "広告"),
        (b"=?utf-8?q?Hello=0D=0ABcc:_victim=40other.example?=", r"Hello\u000d\u000aBcc: victim@other.example"),
        (b"a\x00b\x1b[31mc\x7f", r"a\u0000b\u001b[31mc\u007f"),
        (b"=?utf-8?b?" + base64.b64encode("a\u202eb\u2028c\u200fd".encode()) + b"?=", r"a\u202eb\u2028c\u200fd"),
    ],
)
def test_a_header_value_with_what_is_hidden_in_it(value: bytes, expected: str) -> None:
    assert envelope.spelled(value) == expected


def test_decode_headers_is_in_order_bounded_and_clean() -> None:
    block = (
        b"Received: one\n\ttwo\nSubject: =?utf-8?q?a=0Ab?=\nno header\nReceived: three\r\nX-Long: "
        + b"a" * 20_000
        + b"\n"
    )
    pairs = envelope.decode_headers(block + b"X-More: 1\n" * 1_000)
    assert pairs[:3] == [("Received", "one two"), ("Subject", "ab no header"), ("Received", "three")]
    assert len(pairs[3][1]) == envelope.VALUE_CHARS
    assert len(pairs) == envelope.HEADERS_SHOWN


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@reader.example", [("", "a@reader.example")]),
        (b"Pat Reader <Pat@READER.example>", [("Pat Reader", "Pat@reader.example")]),
        (
            b'"Reader, Pat" <pat@reader.example>, b@c.example',
            [("Reader, Pat", "pat@reader.example"), ("", "b@c.example")],
        ),
        (b"=?utf-8?b?5byg?= <z@b.example>", [("张", "z@b.example")]),
        (b"foo@b.example (comment)", [("", "foo@b.example")]),
        (b"trusted@fbl.example <other@evil.example>", [("", "other@evil.example")]),
        (b"undisclosed-recipients:;", []),
        (b"<>", []),
        (b"MAILER-DAEMON", []),
    ],
)
def test_mailboxes(value: bytes, expected: list[tuple[str, str]]) -> None:
    assert [tuple(box) for box in envelope.mailboxes([value])] == expected


def test_the_addresses_of_several_fields_are_counted_together_and_bounded() -> None:
    assert len(envelope.mailboxes([b"a@b.example", b"c@d.example"])) == 2
    many = b", ".join(b"a%d@b.example" % n for n in range(5_000))
    assert len(envelope.mailboxes([many, many])) <= envelope.ADDRESSES


@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        (b"Content-Type: text/plain; charset=GB2312", "朱镕基 停用".encode("gb18030"), "朱镕基 停用"),
        (b"Content-Type: text/plain; charset=utf8", "Grüße".encode(), "Grüße"),
        (b"Content-Type: text/plain; charset=us-ascii", "Grüße".encode(), "Grüße"),
        (b"Content-Type: text/plain; charset=nonsense", "Grüße".encode(), "Grüße"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: BASE64", base64.encodebytes(b"a\r\nb"), "a\nb"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable", b"a=20b=\nc=C3=BC", "a bcü"),
        (b"Content-Type: text/plain\nContent-Transfer-Encoding: x-unknown", b"as it is", "as it is"),
        (b"Content-Type: text/plain; charset=iso-2022-jp", "広告".encode("iso-2022-jp"), "広告"),
    ],
)
def test_text_of_a_part(head: bytes, body: bytes, expected: str) -> None:
    assert envelope.text(scan(head + b"\n\n" + body, LIMITS), 1_000) == expected


def test_text_is_cut_without_a_broken_character() -> None:
    part = scan(b"Content-Type: text/plain; charset=utf-8\n\n" + "垃圾".encode() * 10_000, LIMITS)
    assert envelope.text(part, 101) == ("垃圾" * 51)[:101]
    assert len(envelope.decoded_body(part, 1_000)) == 1_000


def test_base64_with_rubbish_in_it_gives_what_decodes() -> None:
    part = scan(b"Content-Transfer-Encoding: base64\n\naGV\n!sbG8*=\n", LIMITS)
    assert envelope.decoded_body(part) == b"hello"


def test_a_boundary_that_scan_does_not_read_is_read_by_the_others() -> None:
    raw = b"From: a@b.example\nContent-Type: multipart/mixed; boundary*=us-ascii''b1\n\n--b1\n\none\n--b1\n\ntwo\n--b1--\n"
    root = envelope.structure(raw, LIMITS)
    assert [child.body.strip() for child in root.children] == [b"one", b"two"]
    assert "irregular-structure" in root.budget.defects


def test_plain_reports_are_read_without_flanker() -> None:
    """It costs 250 ms to import: a short command should not pay that for ASCII."""
    path = FIXTURES / "arf" / "001-all-fields.eml"
    code = f"import sys, parsers; parsers.parse(open({str(path)!r}, 'rb').read()); print('flanker' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
