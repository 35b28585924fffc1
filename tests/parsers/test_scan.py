"""scan.py finds what `email` finds in regular messages, copies nothing, and stops at each limit."""

from __future__ import annotations

import email
import email.message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.errors import LimitError, MalformedError
from parsers.report import Limits
from parsers.scan import NEAR_BOUNDARIES, Part, scan

LIMITS = Limits()
HEAD = b"From: a@reader.example\nSubject: x\n"

names = st.sampled_from(["Subject", "X-One", "Received", "x-two"])
values = st.text(st.sampled_from("abc :;=.-<>@"), min_size=1, max_size=30).map(lambda text: "v" + text.strip())
folded = st.lists(values, min_size=1, max_size=3).map("\n\t".join)
headers = st.lists(st.tuples(names, folded), max_size=4)
words = st.text(st.sampled_from("abc -\n\t:"), max_size=60)


def leaf(fields: list[tuple[str, str]], text: str) -> tuple[str, list[tuple[str, str]], str]:
    return ("leaf", fields, text)


trees = st.recursive(
    st.builds(leaf, headers, words),
    lambda inner: st.tuples(st.just("multi"), headers, st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)


def written(tree: tuple, depth: int = 0) -> str:
    """A regular message: every boundary is another, none begins another, all are closed."""
    kind, fields, content = tree
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    if kind == "leaf":
        return f"{head}Content-Type: text/plain\n\n{content}"
    boundary = f"=_{depth}_{id(tree)}_="
    parts = "".join(f"--{boundary}\n{written(one, depth + 1)}\n" for one in content)
    return (
        f'{head}Content-Type: multipart/mixed;\n boundary="{boundary}"\n\npreamble\n{parts}--{boundary}--\nepilogue\n'
    )


def shape_of_scan(part: Part) -> list:
    fields = [(name.lower(), value.replace(b"\r\n", b"\n").rstrip(b"\r")) for name, value in part.headers.pairs()]
    children = [shape_of_scan(child) for child in part.children]
    return [part.content_type, fields, children or part.body]


def shape_of_email(message: email.message.Message) -> list:
    fields = [(name.lower().encode(), value.encode()) for name, value in message.items()]
    payload = message.get_payload()
    body = [shape_of_email(child) for child in payload] if message.is_multipart() else payload.encode()
    return [message.get_content_type().encode(), fields, body]


@settings(max_examples=150, deadline=None, database=None)
@given(trees, st.booleans())
def test_it_agrees_with_email_on_regular_messages(tree: tuple, crlf: bool) -> None:
    raw = ("From: a@reader.example\n" + written(tree)).encode()
    expected = shape_of_email(email.message_from_bytes(raw))
    if crlf:
        got = shape_of_scan(scan(raw.replace(b"\n", b"\r\n"), LIMITS))
        got = _lf(got)
    else:
        got = shape_of_scan(scan(raw, LIMITS))
    assert got == expected


def _lf(shape: list) -> list:
    kind, fields, body = shape
    return [kind, fields, body.replace(b"\r\n", b"\n") if isinstance(body, bytes) else [_lf(one) for one in body]]


def test_parts_are_ranges_of_one_buffer() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n"
    root = scan(raw, LIMITS)
    assert [child.body for child in root.children] == [b"one", b"two"]
    assert all(child.raw is raw for child in root.children)


def test_a_boundary_that_begins_another_cuts_only_its_own_lines() -> None:
    raw = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=b2\n\n"
        b"--b2\n\ninner --b\n--bx\n--b2--\n--b \t\n\ntwo\n--b--\t\nlast\n"
    )
    first, second = scan(raw, LIMITS).children
    assert [child.body for child in first.children] == [b"inner --b\n--bx"]
    assert second.body == b"two"


def test_a_missing_closing_boundary_is_a_defect_and_loses_nothing() -> None:
    root = scan(HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo", LIMITS)
    assert [child.body for child in root.children] == [b"one", b"two"]
    assert "missing-closing-boundary" in root.budget.defects


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Type: multipart/mixed",
        b"Content-Type: multipart/mixed; boundary=other",
        b"Content-Type: multipart/mixed; boundary*0=b",
    ],
)
def test_irregular_structure_is_noted_not_repaired(header: bytes) -> None:
    root = scan(HEAD + header + b"\n\n--b\n\none\n--b--\n", LIMITS)
    assert root.children == []
    assert root.budget.irregular


def test_the_parts_of_a_digest_are_messages() -> None:
    root = scan(HEAD + b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: y\n\nz\n--b--\n", LIMITS)
    assert [child.content_type for child in root.children] == [b"message/rfc822"]


def test_lines_before_the_header_are_skipped() -> None:
    root = scan(b"\n\r\n>From a Tue Jan  6 00:00:00 2026\nFrom b Tue Jan  6 00:00:00 2026\nSubject: x\n\ny", LIMITS)
    assert root.headers.first(b"subject") == b"x"


def test_bare_carriage_returns_are_line_ends_where_there_are_no_others() -> None:
    root = scan(b"Subject: x\rFrom: a@reader.example\r\ry", LIMITS)
    assert root.headers.first(b"from") == b"a@reader.example"
    assert root.body == b"y"


@pytest.mark.parametrize(
    ("raw", "limits", "named"),
    [
        (HEAD + b"\n" + b"x" * 100, Limits(message_bytes=50), "50 bytes"),
        (HEAD + b"X: " + b"a" * 300 + b"\n\nx", Limits(header_bytes=100), "100 bytes"),
        (HEAD + b"X-Long: " + b"a" * 80 + b"\n\nx", Limits(header_line_bytes=60), "X-Long"),
        (HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 9, Limits(parts=5), "5 parts"),
        (
            HEAD + b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(9)),
            Limits(depth=4),
            "deeper than 4",
        ),
        (
            HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * (NEAR_BOUNDARIES + 1),
            LIMITS,
            "resemble",
        ),
    ],
)
def test_a_limit_that_is_reached_is_an_error_never_a_silent_miss(raw: bytes, limits: Limits, named: str) -> None:
    with pytest.raises(LimitError, match=named):
        list(scan(raw, limits).walk())


@pytest.mark.parametrize("raw", [b"", b"\r\n \n", b"no header at all\nin here\n", b"\x00\x01\x02"])
def test_what_has_no_header_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        scan(raw, LIMITS)


def test_a_parameter_may_be_quoted_folded_or_bare() -> None:
    root = scan(b'Content-Type: text/plain;\n\tCharset = "gb 18030" ; name=x.eml;flag;format=flowed\n\ny', LIMITS)
    found = [root.parameter(name) for name in (b"charset", b"name", b"format", b"flag")]
    assert found == [b"gb 18030", b"x.eml", b"flowed", None]
