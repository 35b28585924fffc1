"""No text, however it was made, gets out of the header it was put into."""

from __future__ import annotations

from email.header import decode_header, make_header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.headers import ascii_address, clean, header, is_address, mailbox


def decoded(raw: bytes) -> str:
    value = raw.decode("ascii").partition(":")[2].replace("\r\n", "")
    return str(make_header(decode_header(value.strip())))


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_text_stays_in_its_own_header(text: str) -> None:
    raw = header("Subject", text)
    lines = raw.split(b"\r\n")
    assert lines.pop() == b""
    assert lines[0].startswith(b"Subject:")
    assert all(line.startswith(b" ") for line in lines[1:])
    assert all(len(line) <= 998 for line in lines)
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert raw.isascii()


@settings(deadline=None)
@given(
    st.text(
        st.characters(blacklist_categories=["C", "Z"], blacklist_characters="=\u115f\u1160"), min_size=1, max_size=200
    )
)
def test_visible_text_is_read_as_it_was_written(text: str) -> None:
    assert decoded(header("Subject", text)) == clean(text)


@pytest.mark.parametrize(
    "attack",
    [
        "x\r\nBcc: victim@example.com",
        "x\nBcc: victim@example.com",
        "x\rBcc: victim@example.com",
        "x\u2028Bcc: victim@example.com",
        "x\u2029Bcc: victim@example.com",
        "x\x85Bcc: victim@example.com",
        "x\x0bBcc: victim@example.com",
        "x\x00\nBcc: victim@example.com",
    ],
)
def test_a_line_end_in_a_value_begins_no_header(attack: str) -> None:
    raw = header("Subject", attack)
    assert raw.count(b"\r\n") == 1
    assert raw == b"Subject: x Bcc: victim@example.com\r\n"


def test_text_that_looks_encoded_is_encoded_again_and_never_decoded_by_the_reader() -> None:
    text = "=?UTF-8?Q?=0ABcc:_victim@example.com?="
    assert b"=0A" not in header("Subject", text)
    assert decoded(header("Subject", text)) == text


@pytest.mark.parametrize(
    "character", "\u202a\u202b\u202d\u202e\u2066\u2069\u200e\u200f\u061c\u200b\ufeff\u00ad\x07\x9b"
)
def test_invisible_and_bidirectional_controls_are_gone(character: str) -> None:
    assert clean(f"a{character}b") == "ab"


def test_a_lone_surrogate_does_not_stop_the_mail() -> None:
    assert header("Subject", "a\udc80b") == b"Subject: ab\r\n"


def test_a_value_is_cut_at_its_limit_and_says_so() -> None:
    assert clean("a" * 2000, 10) == "a" * 9 + "…"
    assert len(header("Subject", "a b " * 100_000, 1000)) < 1200


def test_a_word_without_end_is_folded() -> None:
    assert max(map(len, header("X-Evidence", "a" * 900).split(b"\r\n"))) <= 76


def test_encoded_words_never_split_a_character_and_fit_their_line() -> None:
    raw = header("Subject", "滥用投诉" * 40)
    assert max(map(len, raw.split(b"\r\n"))) <= 76
    for word in raw.decode("ascii").partition(":")[2].split():
        assert "\ufffd" not in str(make_header(decode_header(word)))


@pytest.mark.parametrize("name", ["", "Sub ject", "Subject:", "Sub\r\nject", "Bcc\x00", "ä", "X" * 100])
def test_what_is_no_field_name_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="field name"):
        header(name, "x")


@pytest.mark.parametrize(
    ("display", "expected"),
    [
        ("", b"From: abuse@isp.example\r\n"),
        ("ISP Abuse", b"From: ISP Abuse <abuse@isp.example>\r\n"),
        ("ISP, Abuse", b'From: "ISP, Abuse" <abuse@isp.example>\r\n'),
        ('a" <evil@example.com>', b'From: "a\\" <evil@example.com>" <abuse@isp.example>\r\n'),
        ("a\\", b'From: "a\\\\" <abuse@isp.example>\r\n'),
        ("滥用", b"From: =?utf-8?b?5rul55So?= <abuse@isp.example>\r\n"),
    ],
)
def test_a_display_name_is_only_a_name(display: str, expected: bytes) -> None:
    assert mailbox("From", "abuse@isp.example", display) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abuse",
        "abuse@",
        "@isp.example",
        "abuse@localhost",
        "a b@isp.example",
        "a@isp.example, b@isp.example",
        "a@b@isp.example",
        "a@isp.example\r\nBcc: x@isp.example",
        "<a@isp.example>",
        '"a b"@isp.example',
        "a..b@isp.example",
        "müller@isp.example",
        "a@-isp.example",
        "a@" + "b" * 64 + ".example",
        "a" * 65 + "@isp.example",
        "a@" + "b." * 130 + "example",
        "a@192.0.2.1]",
    ],
)
def test_what_is_not_plainly_an_address_is_none(text: str) -> None:
    assert not is_address(text)
    with pytest.raises(ValueError, match="not a mail address"):
        ascii_address(text)


def test_a_domain_of_other_letters_becomes_a_labels() -> None:
    assert ascii_address("abuse@Bücher.Example") == "abuse@xn--bcher-kva.example"
