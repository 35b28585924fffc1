"""Permissions are compared without a name coming out, whatever table a customer sends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.casework import consent
from gateway.casework.consent import Asked, ConsentFileError, Match, Result

KEY = b"k" * 32
ANN = Asked(1, ("Ann@Reader.example",), hidden=False)
BOB = Asked(2, ("bob@reader.example",), hidden=False)
TRAP = Asked(3, ("trap@feed.example",), hidden=True)
NOBODY = Asked(4, (), hidden=False)


def test_each_report_is_found_or_not_and_what_a_feed_hides_is_held_against_nobody():
    table = b"email,time,source\r\nann@reader.example,2025-01-02T03:04:05Z,shop form\r\nx@other.example,,\r\n"
    done = consent.compare([ANN, BOB, TRAP, NOBODY], table, KEY)
    assert done.rows == 2
    assert done.matches == (
        Match(1, Result.FOUND, "2025-01-02T03:04:05Z", "shop form"),
        Match(2, Result.NOT_FOUND),
        Match(3, Result.CANNOT_TELL),
        Match(4, Result.CANNOT_TELL),
    )
    assert done.result == Result.NOT_FOUND


@pytest.mark.parametrize(
    "table",
    [
        b"name;email\nAnn;ann@reader.example\n",
        b"\xef\xbb\xbfE-Mail\tDate\n<ANN@READER.EXAMPLE>\t2025\n",
        "Email,Source\nann@reader.example,Messe Köln\n".encode("utf-16"),
        b'"email","source"\n"ann@reader.example","a, ""b"""\n',
    ],
    ids=["semicolons", "tabs and BOM", "UTF-16", "quoted"],
)
def test_tables_are_read_as_spreadsheets_write_them(table: bytes):
    assert consent.compare([ANN], table, KEY).result == Result.FOUND


@pytest.mark.parametrize(
    ("table", "said"), [(b"", "'email'"), (b"name,phone\nAnn,1\n", "'email'"), (b"email\n" + b"x" * 200_000, "no CSV")]
)
def test_a_table_that_cannot_be_used_is_refused_with_what_to_do(table: bytes, said: str):
    with pytest.raises(ConsentFileError, match=said):
        consent.compare([ANN], table, KEY)


def test_a_table_larger_than_may_be_read_is_refused(monkeypatch):
    monkeypatch.setattr(consent, "MOST_ROWS", 3)
    with pytest.raises(ConsentFileError, match="more than 3 rows"):
        consent.compare([ANN], b"email\n" + b"a@b.example\n" * 4, KEY)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_break_it_and_none_of_them_names_a_complainant(table: bytes):
    try:
        done = consent.compare([ANN, BOB], b"email,time\n" + table, KEY)
    except ConsentFileError:
        return
    assert {match.report_id for match in done.matches} == {1, 2}
    assert not any("reader.example" in match.source for match in done.matches if match.result != Result.FOUND)
