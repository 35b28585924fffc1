"""A link's token opens what it was made for, for whom and as long as it was made: everything else is nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import links

KEY, OTHER = b"k" * 32, b"o" * 32
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@given(number=st.integers(0, 2**63 - 1), kind=st.sampled_from(["c", "f", "h", "s"]))
def test_what_was_made_is_read(number, kind):
    text = links.token(kind, number, "Ann@Reader.example", NOW + DAY, KEY)
    found = links.read(text, kind, KEY, NOW)
    assert found is not None
    assert (found.kind, found.number) == (kind, number)
    assert found.is_for("ann@reader.example", KEY)
    assert not found.is_for("bob@reader.example", KEY)
    assert text.isascii()
    assert len(text) <= 80


def test_it_ends():
    text = links.token("c", 1, "a@b.example", NOW + DAY, KEY)
    assert links.read(text, "c", KEY, NOW + DAY) is not None
    assert links.read(text, "c", KEY, NOW + DAY + timedelta(hours=1)) is None


@given(st.text(max_size=100))
def test_what_was_not_made_is_nothing(text):
    assert links.read(text, "c", KEY, NOW) is None


@given(st.data())
def test_no_character_can_be_changed(data):
    text = links.token("c", 7, "a@b.example", NOW + DAY, KEY)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz234567-").filter(lambda c: c != text[at]))
    assert links.read(text[:at] + other + text[at + 1 :], "c", KEY, NOW) is None


@pytest.mark.parametrize(("kind", "key"), [("s", KEY), ("c", OTHER)])
def test_another_kind_or_key_is_nothing(kind, key):
    assert links.read(links.token("c", 7, "a@b.example", NOW + DAY, KEY), kind, key, NOW) is None
