"""What servers and hostile mail can put on the wire is read or passed over, and never raises."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake import wire


def test_a_literal_is_the_mail_and_its_words_are_not_read():
    lines = [
        b'1 FETCH (UID 7 INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 20 BODY[] {20}',
        bytearray(b"2 FETCH (UID 9 BODY["),
        b")",
        b"Fetch completed.",
    ]
    assert wire.read_fetch(lines) == {
        7: wire.Item(7, 20, datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC), b"2 FETCH (UID 9 BODY[")
    }


def test_items_behind_the_literal_are_read():
    lines = [
        b"1 FETCH (BODY[] {2}",
        bytearray(b"hi"),
        b' UID 7 RFC822.SIZE 2 INTERNALDATE " 1-Jan-2026 00:00:00 +0000")',
    ]
    assert wire.read_fetch(lines) == {7: wire.Item(7, 2, datetime(2026, 1, 1, tzinfo=UTC), b"hi")}


@pytest.mark.parametrize(
    ("written", "body"),
    [
        (b'BODY[] "a \\"b\\" \\\\ UID 9"', b'a "b" \\ UID 9'),
        (b"BODY[] NIL", b""),
        (b'BODY[]<0> ""', b""),
        (b"FLAGS ()", None),
    ],
)
def test_short_bodies_come_without_literal(written, body):
    assert wire.read_fetch([b"1 FETCH (UID 7 " + written + b")"])[7].body == body


def test_a_flag_change_in_between_spoils_nothing():
    lines = [
        b"1 FETCH (UID 7 RFC822.SIZE 2 BODY[] {2}",
        bytearray(b"hi"),
        b")",
        b"* 3 FETCH (FLAGS (\\Seen))",
        b"* 1 FETCH (UID 7 FLAGS (\\Seen))",
        b"2 FETCH (UID 8 RFC822.SIZE x BODY[] {2}",
        bytearray(b"yo"),
        b")",
    ]
    assert wire.read_fetch(lines) == {7: wire.Item(7, 2, None, b"hi"), 8: wire.Item(8, None, None, b"yo")}


@given(st.lists(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(bytearray))))
def test_any_lines_are_read_without_an_exception(lines):
    wire.read_fetch(lines)
    wire.read_search([bytes(line) for line in lines])
    wire.read_code([bytes(line) for line in lines], "UIDVALIDITY")
    assert wire.said(lines).isprintable()


@given(st.text())
def test_any_date_is_read_or_none(text):
    wire.read_internal_date(text)


@pytest.mark.parametrize(
    "text", ["", "31-Feb-2026 00:00:00 +0000", "01-Foo-2026 00:00:00 +0000", "1-Jan-0001 00:00:00 +2359"]
)
def test_what_is_no_date_is_none(text):
    assert wire.read_internal_date(text) is None


def test_a_search_answer_is_numbers_only():
    assert wire.read_search([b"3 1 2", b"SEARCH completed (0.001 secs)", b""]) == [1, 2, 3]


def test_uid_sets_are_ranges():
    assert wire.uid_set([5, 1, 2, 3, 9, 9]) == "1:3,5,9"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("INBOX", '"INBOX"'),
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("A&B", '"A&-B"'),
        ("~peter/mail/台北/日本語", '"~peter/mail/&U,BTFw-/&ZeVnLIqe-"'),  # the example of RFC 3501 5.1.3
        ("a\r\nb", '"a&AA0ACg-b"'),
    ],
)
def test_folder_names_are_modified_utf_7(name, written):
    assert wire.mailbox_name(name) == written


@given(st.text())
def test_no_folder_name_breaks_the_command_line(name):
    written = wire.mailbox_name(name)
    assert written.isascii()
    assert written.isprintable()
