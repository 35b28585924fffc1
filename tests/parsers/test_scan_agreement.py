"""scan.py, `email` (compat32) and flanker find the same parts in a regular message; where they would not, it is irregular.

Structure is what is compared: the tree of media types, the fields of each part, the text of each leaf. The broken
messages are regular ones with one thing wrong, of the kinds that are seen in abuse mail.
"""

from __future__ import annotations

import contextlib
import email
import email.message
from collections.abc import Callable
from typing import NamedTuple

import pytest
from flanker import mime
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from parsers.envelope import embedded
from parsers.errors import ParserError
from parsers.report import Limits
from parsers.scan import Part, scan

LIMITS = Limits()
MESSAGES = ("message/rfc822",)


class Node(NamedTuple):
    """One part as a reader sees it: fields by lower-case name with their white space made one, the leaf's words."""

    type: str
    fields: tuple[tuple[str, str], ...]
    text: str
    children: tuple[Node, ...]


# --- regular messages

token = st.text(st.sampled_from("abcdefgh0123456789"), min_size=1, max_size=8)
phrase = st.lists(token, min_size=1, max_size=4).map(" ".join)
fold = st.sampled_from([" ", "\n ", "\n\t", "\n  "])
value = st.tuples(phrase, fold, phrase).map(lambda one: f"{one[0]}{one[1]}{one[2]}")
field = st.tuples(st.sampled_from(["Subject", "X-One", "X-Two", "Comments"]), st.one_of(phrase, value))
fields = st.lists(field, max_size=3)
line = st.text(st.sampled_from("abc .,:;-=>@()[]"), max_size=40)
words = st.lists(line, max_size=5).map("\n".join)
LEAVES = (
    "text/plain",
    "text/html",
    "text/plain; charset=utf-8",
    'Text/Plain;\n\tname="a b.txt"',
    "application/octet-stream",
)
CONTAINERS = ("mixed", "alternative", "report; report-type=feedback-report", "related", "signed")

trees = st.recursive(
    st.tuples(st.just("leaf"), st.sampled_from(LEAVES), fields, words),
    lambda inner: st.one_of(
        st.tuples(st.just("multi"), st.sampled_from(CONTAINERS), fields, st.lists(inner, min_size=1, max_size=3)),
        # flanker leaves the inner one closed where a message is the whole of a message.
        st.tuples(st.just("message"), st.just(""), fields, inner.filter(lambda one: one[0] != "message")),
    ),
    max_leaves=7,
)


class Style(NamedTuple):
    quoted: bool
    preamble: bool
    epilogue: bool
    crlf: bool


# Begins with a word and has no colons: a part that is nothing but header fields is allowed (RFC 2046 section 5.1.1),
# but flanker reads on into the next part.
some_words = words.map(lambda text: "words " + text.replace(":", ""))
leaf = st.tuples(st.just("leaf"), st.sampled_from(LEAVES), fields, some_words)
# Holds everything that can be broken: a multipart in a multipart, a message, several leaves.
rich = st.tuples(leaf, leaf, leaf, fields).map(
    lambda one: (
        "multi",
        "mixed",
        one[3],
        [one[0], ("multi", "mixed", [], [one[1], one[2]]), ("message", "", [], ("multi", "mixed", [], [one[0]]))],
    )
)

styles = st.builds(Style, *[st.booleans()] * 4)


def written(tree: tuple, style: Style, path: str = "0") -> str:
    kind, what, header, content = tree
    head = "".join(f"{name}: {text}\n" for name, text in header)
    if kind == "leaf":
        return f"{head}Content-Type: {what}\n\n{content}\n"
    if kind == "message":
        return f"{head}Content-Type: message/rfc822\n\nFrom: b@sender.example\n{written(content, style, path + 'm')}"
    boundary = f"=_{path}x"
    sign = '"' if style.quoted or "=" in boundary else ""
    parts = "".join(f"--{boundary}\n{written(one, style, f'{path}{n}')}\n" for n, one in enumerate(content))
    before = "a preamble\n" if style.preamble else ""
    after = "\nan epilogue\n" if style.epilogue else "\n"
    return f"{head}Content-Type: multipart/{what};\n boundary={sign}{boundary}{sign}\n\n{before}{parts}--{boundary}--{after}"


def message(tree: tuple, style: Style) -> bytes:
    raw = f"From: a@reader.example\nMIME-Version: 1.0\n{written(tree, style)}".encode()
    return raw.replace(b"\n", b"\r\n") if style.crlf else raw


# --- the same shape out of three readers


def _one_space(text: str) -> str:
    return " ".join(text.split())


def _leaf(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def by_scan(part: Part) -> Node:
    header = tuple((name.decode().lower(), _one_space(text.decode())) for name, text in part.headers.pairs())
    kind = part.content_type.decode()
    if kind in MESSAGES:
        return Node(kind, header, "", (by_scan(embedded(part)),))
    children = tuple(by_scan(child) for child in part.children)
    return Node(kind, header, "" if children else _leaf(part.body.decode()), children)


def by_email(part: email.message.Message) -> Node:
    header = tuple((name.lower(), _one_space(str(text))) for name, text in part.items())
    kind = part.get_content_type()
    if part.is_multipart():
        return Node(kind, header, "", tuple(by_email(child) for child in part.get_payload()))
    return Node(kind, header, _leaf(part.get_payload()), ())


def by_flanker(part) -> Node:
    header = tuple((name.lower(), _one_space(str(text))) for name, text in part.headers.iteritems())
    kind = str(part.content_type).partition(";")[0].lower()
    if part.enclosed is not None:
        return Node(kind, header, "", (by_flanker(part.enclosed),))
    if part.parts:
        return Node(kind, header, "", tuple(by_flanker(child) for child in part.parts))
    body = part.body or ""
    return Node(kind, header, _leaf(body.decode() if isinstance(body, bytes) else body), ())


def types(node: Node) -> tuple:
    return (node.type, node.text, tuple(types(child) for child in node.children))


def names(node: Node) -> tuple:
    """Without Content-Type, which flanker parses and writes anew."""
    own = tuple(pair for pair in node.fields if not pair[0].startswith("content-"))
    return (own, tuple(names(child) for child in node.children))


@settings(max_examples=200, deadline=None, database=None)
@given(trees, styles)
def test_on_regular_messages_all_three_find_the_same(tree: tuple, style: Style) -> None:
    raw = message(tree, style)
    scanned = scan(raw, LIMITS)
    ours, standard, flankers = (
        by_scan(scanned),
        by_email(email.message_from_bytes(raw)),
        by_flanker(mime.from_string(raw)),
    )
    assert not scanned.budget.irregular
    assert not scanned.budget.defects
    assert ours == standard
    assert (types(ours), names(ours)) == (types(flankers), names(flankers))


# --- one thing wrong

Break = Callable[[bytes], bytes]


def _replaced(old: bytes, new: bytes, times: int = 1) -> Break:
    return lambda raw: raw.replace(old, new, times)


# Applied to a message with LF line ends, which then may become CRLF.
BREAKS: dict[str, Break] = {
    "the named boundary is another": _replaced(b'boundary="=_', b'boundary="=-'),
    "no boundary parameter": _replaced(b"boundary=", b"border="),
    "boundary in pieces": _replaced(b'boundary="=_', b'boundary*0="=_'),
    "boundary percent-encoded": _replaced(b'boundary="=_0x"', b"boundary*=us-ascii''%3D_0x"),
    "boundary in single quotes": _replaced(b'"=_0x"', b"'=_0x'"),
    "boundary with a blank before its closing quote": _replaced(b'x"', b'x "'),
    "the closing boundary is missing": lambda raw: raw.replace(b"=_0x--", b"gone"),
    "blanks after a boundary": _replaced(b"x\n", b"x \t\n", 3),
    "a blank before a boundary": _replaced(b"\n--=_0x\n", b"\n --=_0x\n"),
    "words after a boundary": _replaced(b"\n--=_0x\n", b"\n--=_0x and more\n"),
    "all closing boundaries are missing": lambda raw: raw.replace(b"x--", b"x -"),
    "two Content-Type fields": _replaced(b"Content-Type: ", b"Content-Type: text/plain\nContent-Type: "),
    "Content-Type without a subtype": _replaced(b"multipart/mixed", b"multipart"),
    "Content-Type with a comment": _replaced(b"Content-Type: multipart/", b"Content-Type: (this) multipart/"),
    "a comment after the type": _replaced(b"multipart/mixed;", b"multipart/mixed (parts);"),
    "blanks around the slash": _replaced(b"multipart/", b"multipart / "),
    "a blank before the colon": _replaced(b"Content-Type:", b"Content-Type :", 9),
    "a line in the header that is no field": _replaced(b"Content-Type: ", b"no field here\nContent-Type: "),
    "a line of blanks in the header": _replaced(b"\nMIME-Version", b"\n \t\nMIME-Version"),
    "a line of blanks instead of the empty one": _replaced(b"text/plain\n\n", b"text/plain\n \n"),
    "no empty line after a part's header": _replaced(b"text/plain\n\n", b"text/plain\n"),
    "an empty first line": lambda raw: b"\n" + raw,
    "an mbox line first": lambda raw: b"From a Tue Jan  6 00:00:00 2026\n" + raw,
    "an escaped mbox line first": lambda raw: b">From a Tue Jan  6 00:00:00 2026\n" + raw,
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "bare carriage returns": lambda raw: raw.replace(b"\n", b"\r"),
    "a carriage return too many": lambda raw: raw.replace(b"\n", b"\r\r\n"),
    "both line ends": lambda raw: raw.replace(b"\n", b"\r\n", 4),
    "a NUL in the boundary": _replaced(b'"=_0x"', b'"=_0\0x"'),
    "a NUL in the type": _replaced(b"multipart/", b"multi\0part/"),
    "base64 on a message": _replaced(b"message/rfc822\n", b"message/rfc822\nContent-Transfer-Encoding: base64\n"),
    "an inner boundary that is the outer one": lambda raw: raw.replace(b"=_01x", b"=_0x"),
    "an inner boundary that begins with the outer one": lambda raw: raw.replace(b"=_01x", b"=_0xy"),
    "cut off in the middle": lambda raw: raw[: len(raw) * 2 // 3],
    "a boundary of blanks": _replaced(b'"=_0x"', b'" "'),
    "a semicolon too many": _replaced(b";\n boundary", b";;\n boundary"),
    "no semicolon": _replaced(b";\n boundary", b"\n boundary"),
    "parameters run together": _replaced(b'x"\n', b'x"charset=utf-8\n'),
    "an escaped sign in the boundary": _replaced(b'"=_0x"', b'"=_\\0x"'),
}


def broken(wrong: str, tree: tuple, style: Style) -> bytes:
    whole = message(tree, style._replace(crlf=False))
    raw = BREAKS[wrong](whole)
    assume(raw != whole)
    ends = b"\r\n" if style.crlf and b"\r" not in raw else b"\n"
    return raw.replace(b"\n", ends)


def noticed(part: Part) -> bool:
    return bool(part.budget.irregular or part.budget.defects)


@pytest.mark.parametrize("wrong", BREAKS)
@settings(max_examples=12, deadline=None, database=None)
@given(tree=rich, style=styles)
def test_where_they_would_disagree_the_message_is_irregular(wrong: str, tree: tuple, style: Style) -> None:
    raw = broken(wrong, tree, style)
    try:
        scanned = scan(raw, LIMITS)
        ours = by_scan(scanned)
    except ParserError:
        return  # `unreadable`: a person looks
    others = [types(by_email(email.message_from_bytes(raw)))]
    with contextlib.suppress(Exception):  # flanker refuses some of them whole
        others.append(types(by_flanker(mime.from_string(raw))))
    if any(other != types(ours) for other in others):
        assert noticed(scanned)
