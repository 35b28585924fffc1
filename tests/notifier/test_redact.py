"""What leaves the house names nobody who complained."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from notifier import private as quick
from notifier.links import dead_scheme, defang
from notifier.private import _ROLES
from notifier.redact import WITHHELD, Redactor

KEY = b"0123456789abcdef"
REDACTOR = Redactor(KEY)

LOCAL = st.text(string.ascii_letters + string.digits + "._-", min_size=5, max_size=20).filter(
    lambda t: t.strip("._-") == t
)
ADDRESS = st.builds(
    lambda local, host: f"{local}@{host}.example", LOCAL, st.text(string.ascii_lowercase, min_size=3, max_size=9)
)
JOINTS = ["@", "=", "%40", "=40", "_at_", " at ", "(at)", "#"]
FILLER = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


def allowed(name: str, value: str, private: list[str]) -> str:
    kept = REDACTOR.allow_listed([(name, value)], private)
    return kept[0][1] if kept else ""


@settings(deadline=None)
@given(
    ADDRESS, st.sampled_from(JOINTS), FILLER, FILLER, st.booleans(), st.sampled_from(["Subject", "From", "Received"])
)
def test_no_private_address_survives_in_any_spelling(
    address: str, joint: str, before: str, after: str, upper: bool, name: str
) -> None:
    written = address.replace("@", joint)
    written = written.upper() if upper else written
    shown = allowed(name, f"{before} {written} {after}", [address]).lower()
    assert address.lower() not in shown
    assert address.replace("@", joint).lower() not in shown


@settings(deadline=None)
@given(ADDRESS, FILLER)
def test_no_local_part_survives_as_a_word_in_free_text(address: str, before: str) -> None:
    local = address.partition("@")[0]
    assume(local.lower() not in _ROLES)
    shown = REDACTOR.text(f"{before} Dear {local}, buy now", [address])
    assert f" {local.lower()}," not in shown.lower()


def test_invisible_characters_inside_an_address_do_not_hide_it() -> None:
    assert "bob" not in allowed("Subject", "for b\u200bob.sm\u00adith@exam\u2060ple.com", ["bob.smith@example.com"])


def test_an_address_that_the_limit_cuts_in_two_is_gone() -> None:
    for length in range(3960, 4001):
        shown = REDACTOR.text(
            "x" * (length - 1) + " complainant.of.ours@example.com", ["complainant.of.ours@example.com"]
        )
        assert "complainant" not in shown


def test_the_same_person_has_the_same_token_however_spelt() -> None:
    assert REDACTOR.address("<Bob@Example.com>") == REDACTOR.address("bob@example.com ")
    assert REDACTOR.address("bob@example.com") != REDACTOR.address("eve@example.com")
    assert REDACTOR.address("bob@example.com") != Redactor(b"another key of 16").address("bob@example.com")
    assert REDACTOR.address("bob@example.com").endswith("@redacted.invalid")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Redactor(b"short")


def test_only_the_allow_list_leaves_and_in_order() -> None:
    kept = REDACTOR.allow_listed(
        [
            ("Return-Path", "<bounce-7-bob=example.com@list.example>"),
            ("Received", "from a.example ([192.0.2.1]) by mx.example.com; Fri, 2 Jan 2026 03:04:05 +0000"),
            ("DKIM-Signature", "v=1; b=abc"),
            ("List-Unsubscribe", "<http://list.example/u/123>"),
            ("Feedback-ID", "1:2:3:x"),
            ("X-Campaign", "for bob"),
            ("To", "bob@example.com"),
            ("FROM", "Shop <shop@shop.example>"),
            ("subject", "Hello"),
            ("Date", "Fri, 2 Jan 2026 03:04:05 +0000"),
            ("Message-Id", "<abc.123@shop.example>"),
        ],
        ["bob@example.com"],
    )
    assert [name for name, _ in kept] == ["Received", "From", "Subject", "Date", "Message-ID"]
    assert "abc.123" not in str(kept)


@pytest.mark.parametrize(
    "line",
    [
        "from a.example ([192.0.2.1]) by mx.example.com with ESMTP id Q1 for <bob@example.com>; Fri, 2 Jan 2026 03:04:05 +0000",
        "from a.example ([192.0.2.1]) by mx.example.com (8.1/8.1) with ESMTP id Q1\r\n\tfor bob@example.com; Fri, 2 Jan 2026",
        "from a.example ([192.0.2.1]:4711) by mx.example.com id Q1 (envelope-from <b-bob=example.com@l.example>)",
        "from a.example ([192.0.2.1]) (Authenticated sender: shop@isp.example) by mx.example.com id Q1",
        "from a.example (HELO bob@example.com) (192.0.2.1) by mx.example.com with SMTP id Q1",
    ],
)
def test_a_received_line_keeps_the_way_and_loses_recipients_and_queue_numbers(line: str) -> None:
    shown = allowed("Received", line, ["someone.else@example.com"])
    assert "192.0.2.1" in shown
    assert "by mx.example.com" in shown
    assert "Q1" not in shown
    assert "bob" not in shown
    assert "shop@" not in shown


def test_a_name_that_is_also_a_host_name_does_not_spoil_the_way() -> None:
    line = "from mail.isp.example ([192.0.2.1]) by mailer.example.com; Fri, 2 Jan 2026 03:04:05 +0000"
    assert allowed("Received", line, ["mailer@example.com", "isp"]) == line


def test_a_name_that_no_host_has_goes_from_the_way_too() -> None:
    line = "from x (HELO 王小明) ([192.0.2.1]) by mx.example.com (for Bob Smith); Fri, 2 Jan 2026 03:04:05 +0000"
    shown = allowed("Received", line, ["王小明", "Bob Smith"])
    assert "王小明" not in shown
    assert "Bob" not in shown
    assert "by mx.example.com" in shown


def test_a_mailbox_of_one_letter_is_found_and_takes_no_other_word_with_it() -> None:
    shown = REDACTOR.text("Schöne Grüße an a@x.example und a=x.example, 100% gern + mehr", ["a@x.example"])
    assert "x.example" not in shown
    assert shown.startswith("Schöne Grüße an ")
    assert shown.endswith(", 100% gern + mehr")


def test_the_complainants_name_goes_from_the_subject() -> None:
    for private in ("Bob Smith", "bob.smith@example.com", "Bob_Smith42@example.com"):
        shown = allowed(
            "Subject", "BOB SMITH, your parcel! Dear Bob: Smith? Bobby Smithson is not meant", [private]
        ).lower()
        assert "bob " not in shown
        assert "bob:" not in shown
        assert "smith?" not in shown
        assert "bobby smithson" in shown


def test_a_link_in_a_subject_keeps_its_host_alone() -> None:
    shown = allowed("Subject", "see https://shop.example/u/7f3a?id=9 now", [])
    assert re.fullmatch(r"see hxxps://shop\[\.\]example/[a-z2-7]{24} now", shown or "")


def test_a_date_is_written_anew_and_what_is_none_is_dropped() -> None:
    assert allowed("Date", "Fri, 2 Jan 2026 03:04:05 +0000 (bob@example.com)", []) == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert allowed("Date", "bob@example.com", []) == ""


def test_one_of_hundreds_of_recipients_is_found_and_a_text_that_names_dozens_is_withheld() -> None:
    many = [f"{chr(97 + n // 26)}{chr(97 + n % 26)}person@example.com" for n in range(300)]
    shown = REDACTOR.text("for BCperson@example.com only", many)
    assert shown == f"for {REDACTOR.address('bcperson@example.com')} only"
    assert REDACTOR.text(" ".join(many[:40]), many) == WITHHELD


def test_a_thousand_headers_leave_as_few() -> None:
    assert len(REDACTOR.allow_listed([("Received", "by mx.example.com")] * 1000)) == 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://shop.example/a.b", "hxxp://shop[.]example/a.b"),
        ("HTTPS://Shop.Example", "HxxPS://Shop[.]Example"),
        ("see www.shop.example/x.", "see www[.]shop[.]example/x."),
        ("ftp://shop.example/", "fxp://shop[.]example/"),
        ("请点击http://shop.example/a，谢谢", "请点击hxxp://shop[.]example/a，谢谢"),
        ("xhttps://shop.example", "xhxxps://shop[.]example"),
        ("https:/shop.example or http:\\\\shop.example", "hxxps:/shop[.]example or hxxp:\\\\shop[.]example"),
        ("//shop.example/a, shop.example/a", "//shop[.]example/a, shop[.]example/a"),
        ("tg://join?a=b", "tg[:]//join?a=b"),
        ("see bob@shop.example/x and/or A.B/C, 1.2.3.4/24", "see bob@shop.example/x and/or A.B/C, 1.2.3.4/24"),
        ("http://user@shop.example:8080/", "hxxp://user@shop[.]example:8080/"),
        ("no link, 1.2.3", "no link, 1.2.3"),
        ("a=http%3A%2F%2Fshop.example", "a=hxxp%3A%2F%2Fshop[.]example"),
    ],
)
def test_links_are_dead(text: str, expected: str) -> None:
    assert defang(text) == expected
    assert defang(expected) == expected


@settings(deadline=None)
@given(st.text(alphabet="htpsw:/.[]x @%32aF请?\\", max_size=120))
def test_no_text_keeps_a_live_scheme_and_twice_is_once(text: str) -> None:
    dead = defang(text)
    assert "http:/" not in dead.lower()
    assert defang(dead) == dead


def test_a_dead_uri_is_still_a_uri() -> None:
    assert dead_scheme("https://shop.example/a?b") == "hxxps://shop.example/a?b"
    assert dead_scheme("mailto:x@shop.example") == "mailto:x@shop.example"


PIECES = st.sampled_from(
    ["ann", "Ann.Lee", "ann.lee9", "lee", "@", "=", "%40", " at ", "[at]", "#", "+", "x", "_", "-", " ", "reader.example",
     "READER.example", "aaa", "aa", ".", "=40", "(at)", "9"]
)  # fmt: skip
PRIVATE = st.sampled_from(
    ["ann@reader.example", "ann.lee9@reader.example", "aaa@x", "Ann Lee", "lee", "a+b@reader.example", "aa.aaa@reader.example"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join), st.lists(PRIVATE, max_size=4), st.booleans())
def test_the_quick_search_replaces_what_the_pattern_finds(line, strings, names):
    wanted = quick.sought(strings).strings
    pattern = quick._pattern(wanted, names=names)
    expected = pattern.sub(lambda match: f"<{match[0]}>", line) if pattern else line
    assert quick.replaced(line, wanted, names=names, by=lambda found: f"<{found}>") == expected
