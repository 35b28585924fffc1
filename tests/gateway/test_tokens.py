"""Addresses that prove themselves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tokens import MAX_NUMBER, PURPOSES, Token, derive, notice_address, read_token

SECRET = "0123456789-0123456789-0123456789"
KEY = derive(SECRET, "notice")
ADDRESS_OF_1234 = "abuse+n.bgshqqesgwdrjgawnepay@isp.example"
OLD_KEY = derive("an older secret of the same operator", "notice")

numbers = st.integers(min_value=0, max_value=MAX_NUMBER)
kinds = st.sampled_from(["n", "o"])


@given(number=numbers, kind=kinds)
def test_what_was_written_is_read_back(number, kind):
    address = notice_address("abuse@isp.example", number, KEY, kind)
    assert read_token(address, [KEY]) == Token(kind, number)


@given(number=numbers, kind=kinds)
def test_a_server_that_changes_case_or_adds_brackets_does_no_harm(number, kind):
    address = notice_address("abuse@isp.example", number, KEY, kind)
    assert read_token(f" <{address.upper()}> ", [OLD_KEY, KEY]) == Token(kind, number)


@given(number=numbers)
def test_the_address_is_lower_case_and_short_enough_for_smtp(number):
    local, _, domain = notice_address("a" * 30 + "@isp.example", number, KEY).partition("@")
    assert domain == "isp.example"
    assert len(local) <= 64
    assert re.fullmatch(r"a{30}\+n\.[a-z2-7]+", local)


@given(number=numbers, position=st.integers(min_value=0), char=st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_changed_character_makes_it_worthless(number, position, char):
    address = notice_address("abuse@isp.example", number, KEY)
    start, end = address.index(".") + 1, address.index("@")
    place = start + position % (end - start)
    changed = address[:place] + char + address[place + 1 :]
    assert read_token(changed, [KEY]) == (Token("n", number) if changed == address else None)


@given(number=numbers)
def test_a_token_of_one_kind_is_not_a_token_of_the_other(number):
    address = notice_address("abuse@isp.example", number, KEY, "n")
    assert read_token(address.replace("+n.", "+o.", 1), [KEY]) is None


@given(number=numbers)
def test_a_token_of_another_key_is_refused_and_an_old_key_still_reads(number):
    address = notice_address("abuse@isp.example", number, OLD_KEY)
    assert read_token(address, [KEY]) is None
    assert read_token(address, [KEY, OLD_KEY]) == Token("n", number)
    assert read_token(address, []) is None


@given(text=st.text(max_size=400))
def test_hostile_text_is_no_token(text):
    assert read_token(text, [KEY]) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "abuse@isp.example",
        "abuse+n.@isp.example",
        "abuse+n.abc@isp.example",
        "abuse+x.{token}@isp.example",
        "abuse+n.a{token}@isp.example",  # a leading zero: each number has one spelling
        "abuse+n.{token}a@isp.example",
        "abuse-n.{token}@isp.example",
        "abuse+n.{token}@isp.example" + "x" * 400,
        "abuse+n.\u212a{token}@isp.example",  # KELVIN SIGN lowers to k
    ],
)
def test_what_is_almost_a_token_is_refused(address):
    token = notice_address("abuse@isp.example", 1234, KEY).partition(".")[2].partition("@")[0]
    assert read_token(address.replace("{token}", token), [KEY]) is None


def test_purposes_have_keys_of_their_own():
    keys = {derive(SECRET, purpose) for purpose in PURPOSES}
    assert len(keys) == len(PURPOSES)
    assert all(len(key) == 32 for key in keys)
    assert derive(SECRET, "notice") == KEY
    address = notice_address("abuse@isp.example", 1, derive(SECRET, "web"))
    assert read_token(address, [KEY]) is None


def test_a_misspelt_purpose_is_an_error_and_not_another_key():
    with pytest.raises(ValueError, match="no purpose"):
        derive(SECRET, "notices")


@pytest.mark.parametrize("number", [-1, MAX_NUMBER + 1])
def test_a_number_that_no_notice_has_is_refused(number):
    with pytest.raises(ValueError, match="outside"):
        notice_address("abuse@isp.example", number, KEY)


def test_a_local_part_without_room_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"operator\.notice_address"):
        notice_address("a" * 50 + "@isp.example", MAX_NUMBER, KEY)
    with pytest.raises(ValueError, match="not a mail address"):
        notice_address("abuse", 1, KEY)


def test_addresses_that_are_out_stay_readable():
    """The form is a contract with mail that was sent: a change here loses replies."""
    assert notice_address("abuse@isp.example", 1234, KEY) == ADDRESS_OF_1234
