"""The body as DKIM hashes it: made quickly, and the same as dkimpy makes it."""

from __future__ import annotations

from datetime import UTC, datetime

import dkim
import pytest
from dkim.canonicalization import Relaxed, Simple
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.screening import signatures
from gateway.screening.raw_header import header
from gateway.screening.verify import Job, relaxed, simple, verify_all
from servers.signers import Signer

PIECES = st.lists(
    st.sampled_from([b" ", b"\t", b"\r\n", b"\n", b"\r", b"a", b"b c", b".", b"\x00", b"\xff"]), max_size=30
)


@given(PIECES)
def test_bodies_are_what_dkimpy_makes_of_them(pieces: list[bytes]) -> None:
    raw = b"From: a@b.example\r\n\r\n" + b"".join(pieces)
    _, body = dkim.rfc822_parse(raw)
    ours = b"".join(pieces).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert ours == body
    assert relaxed(ours) == Relaxed.canonicalize_body(body)
    assert simple(ours) == Simple.canonicalize_body(body)


@pytest.mark.parametrize("how", [b"relaxed/relaxed", b"relaxed/simple", b"simple/relaxed", b"simple/simple"])
@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"one  two \t\r\n\r\n\r\n", b"no end of line "])
def test_each_canonicalization_is_verified(how: bytes, body: bytes) -> None:
    signer = Signer("fbl.example")
    raw = b"From: a@fbl.example\r\nSubject:  x \r\n\r\n" + body
    head, _, whole = how.partition(b"/")
    signed = signer.sign(raw, include=(b"from", b"subject"), canonicalize=(head, whole))
    keys = {signer.name: signer.record.encode()}
    changed = signed + b"x"
    good, bad = verify_all([Job(signed, (0,), keys=keys), Job(changed, (0,), keys=keys)])
    assert good.signatures[0] == ""
    assert bad.signatures[0] == "the body was changed"


SIGNER = Signer("fbl.example")
GENUINE = SIGNER.sign(
    b"From: a@fbl.example\r\nSubject: Two words\r\n\r\nSome text here.\r\n", include=(b"from", b"subject")
)
KEYS = {SIGNER.name: SIGNER.record.encode()}


@given(st.integers(0, len(GENUINE)), st.integers(0, 40), st.binary(max_size=30))
@example(0, 0, b"\t")  # the fold of no field
def test_what_was_changed_anywhere_that_counts_never_verifies_and_never_breaks(at: int, cut: int, put: bytes) -> None:
    """Whatever stands in the place of some bytes: no exception, and a pass only for the same author, subject and text."""
    raw = GENUINE[:at] + put + GENUINE[at + cut :]
    found = header(raw)
    (done,) = verify_all([Job(raw, (0,), arc=True, keys=KEYS)])
    if found is None:
        return
    signatures.of(found, datetime.now(UTC))
    signatures.seals(found)
    if done.signatures.get(0) == "":
        assert [b"".join(v.split()) for v in found.all_of(b"from")] == [b"a@fbl.example"]
        assert b"".join(found.first(b"subject").split()) == b"Twowords"
        assert b"".join(raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2].split()) == b"Sometexthere."
