"""Versions of policies: told apart by what they say, kept for the cases that run under them, told to customers once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from gateway.policies.book import Book, differences, digest, edition, from_text
from gateway.policies.policy import PolicyError, load, shipped

MINE = """
name = "mine"
version = 1
[classes.mail]
hours = 24
[cases.source]
spam = "mail"
"""


def test_comments_order_and_layout_are_no_change():
    one = tomllib.loads(MINE)
    other = tomllib.loads(
        'version = 1 # first\nname = "mine"\n[cases.source]\nspam = "mail"\n[classes.mail]\nhours = 24\n'
    )
    assert digest(one) == digest(other)
    assert digest(one) != digest(tomllib.loads(MINE.replace("24", "25")))


def test_what_changed_is_a_line_each():
    old = from_text(MINE, "mine 1")
    new = from_text(
        MINE.replace("version = 1", "version = 2").replace("hours = 24", "hours = 48\nreminder_at = []"), "x"
    )
    assert differences(old, new) == [
        "classes.mail.hours: 24.0 -> 48.0",
        "classes.mail.reminder_at: 0.5 -> (none)",
        "version: 1 -> 2",
    ]
    assert differences(old, old) == []


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_policy_comes_back_from_its_text(name):
    one = edition(name)
    assert from_text(one.text, name) == one.policy == load(name)


def test_a_customer_has_its_own_policy_or_the_default():
    mine, default = from_text(MINE, "mine 1"), load()
    book = Book(default, {"default": default, "mine": mine}, {})
    assert book.of_customer("mine") is mine
    assert book.of_customer(None) is default
    assert book.of_customer("gone") is default


def test_a_case_goes_on_under_its_version():
    old, new = from_text(MINE, "mine 1"), from_text(MINE.replace("version = 1", "version = 2"), "mine 2")
    default = load()
    book = Book(default, {"default": default, "mine": new}, {"mine 1": old, "mine 2": new})
    assert book.of_label("mine 1") is old
    assert book.of_label("mine 7") is new, "its text is gone: the policy of that name"
    assert book.of_label("gone 1") is default


def test_a_wrong_stored_text_is_an_error_with_its_label():
    with pytest.raises(PolicyError, match=r"mine 1: classes\.mail\.hours"):
        from_text(MINE.replace("24", "0"), "mine 1")


def test_an_edition_is_read_from_a_file(tmp_path: Path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    one = edition(path)
    assert (one.policy.label, one.text) == ("mine 1", MINE)
    with pytest.raises(PolicyError, match="no such file"):
        edition(tmp_path / "absent.toml")
