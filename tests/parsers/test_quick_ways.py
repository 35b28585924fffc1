"""Quick ways within the parsers: each says what the careful one beside it says, or leaves the value to it."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import fields, links
from parsers.report import Limits, ResourceKind
from parsers.scan import PARAMETER, Budget, Part

PIECES = (
    *("multipart/mixed", ";", "; ", ";\n ", "boundary", "BOUNDARY", "name", "filename", "=", " = ", '"', '"a b"', "x"),
    *('"name=y"', "a;b", "--", "(c)"),
)
HOSTS = (
    "example",
    ".",
    "com",
    "shop",
    "-",
    "a" * 62,
    "1",
    "..",
    ":80",
    "@",
    "[",
    "www.w3.org",
    "é",
    "A",
    "/",
    "*",
    " ",
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14), st.sampled_from((b"boundary", b"name", b"filename")))
def test_a_parameter_is_the_first_of_its_name_that_the_whole_field_has(pieces: list[str], name: bytes) -> None:
    value = "".join(pieces).encode()
    raw = b"X-Field: " + value + b"\n\n"
    part = Part(raw, 0, len(raw), Budget(Limits()), 0)
    stated = part.headers.first(b"x-field") or b""
    hit = next((hit for hit in PARAMETER.finditer(stated) if hit[1].lower() == name), None)
    expected = None if hit is None else hit[2] if hit[2] is not None else hit[3]
    assert part.parameter(name, b"x-field") == expected


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(HOSTS), max_size=9), st.sampled_from(("", "/path", "?q", "#f", " ")))
def test_where_a_plain_link_leads_the_careful_reader_says_too(pieces: list[str], rest: str) -> None:
    host = "".join(pieces)
    quick = fields.place(f"https://{host}{rest}")
    assert quick == fields.place(f" https://{host}{rest}")  # with a blank before it, it is no plain one
    if re.fullmatch(r"[a-z.]+", host) and quick is not None and host not in ("www.w3.org", "www.w3.org."):
        found = links.found([links.Text(f"https://{host}{rest}", f"https://{host}{rest}", html=False)])
        assert links.Link(ResourceKind.HOST, quick[1], followed=True) in found
