"""plain_header.py: what its one pattern reads, `header_block` reads alike."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import media_type, plain_header
from parsers.header_block import FIELD, Headers, cut

LINES = (
    *("Content-Type: text/plain; charset=utf-8", "content-type:TEXT/html", "Content-Type: a/b; c=d;\n\te=f"),
    *("Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: 7bit (x)", "Content-Transfer-Encoding:  8BIT"),
    *(
        "X-One: 1",
        "Content-Disposition: inline;\n filename=x",
        "",
        " ",
        "X :y",
        "Content-Type text",
        ">From x",
        "Subject:",
    ),
    *("Content-Type: text/plain (comment)", "Content-Typed: no/type", "\t", "X-Two: \u00e4"),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=6), st.sampled_from(("\n", "\r\n", "\n\r\n")), st.booleans())
def test_a_header_that_it_reads_is_read_alike_field_by_field(lines: list[str], end: str, ended: bool) -> None:
    raw = ("".join(line.replace("\n", end[-2:]) + end for line in lines) + (end + "body\n" if ended else "")).encode()
    found = plain_header.read(raw)
    if found is None:
        return
    header_end, body_start = cut(raw, 0, len(raw), 1_000)
    headers = Headers(raw[:header_end], 1_000)
    assert (found.end(), found.end(4)) == (header_end, body_start)
    assert headers.regular
    (stated,) = headers.all(b"content-type")
    assert (found[1][:-1], found[2].lower()) == (stated, media_type.read(stated).name)
    encodings = [hit[2].strip() for hit in FIELD.finditer(raw[:header_end]) if hit[1].lower().endswith(b"-encoding")]
    assert encodings == ([found[3]] if found[3] else [])
