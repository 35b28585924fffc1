"""Every message of every format, broken in many ways, is still read without an error, within bounds, and always alike.

How long it takes is measured where nothing else runs: `tests/hostile/fuzz.py` and `tests/benchmarks`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile.mangling import mangled
from hostile.promises import kept
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import registry
from parsers.contract import to_json

FIXTURES = Path(__file__).parents[2] / "fixtures"
FOLDERS = sorted({path.parent.name for path in FIXTURES.glob("*/*.eml")})


def messages(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((FIXTURES / folder).glob("*.eml"))]


def test_every_format_is_among_them() -> None:
    assert set(registry.known()) <= set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_broken_message_is_read_within_bounds(folder: str, data: st.DataObject) -> None:
    raw = data.draw(st.sampled_from(messages(folder)).map(lambda raw: raw[:200_000]))
    broken = mangled(raw, data.draw(st.integers(0, 2**32)))
    once = to_json(kept(broken), "x", 0)
    assert to_json(kept(broken), "x", 0) == once


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_message_cut_anywhere_is_read(folder: str) -> None:
    for raw in messages(folder)[:3]:
        for at in range(0, min(len(raw), 20_000), max(1, len(raw) // 40)):
            kept(raw[:at])


@settings(max_examples=300, deadline=None)
@given(raw=st.binary(max_size=400))
def test_any_bytes_are_read(raw: bytes) -> None:
    kept(raw)


def test_what_is_said_is_the_same_in_every_process() -> None:
    """Text hashes differently in each: a set whose order shows would let `arfgate reparse` find changes for ever."""
    program = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "from parsers import parse\n"
        "from parsers.contract import to_json\n"
        "for path in sorted(Path(sys.argv[1]).glob('*/*.eml')):\n"
        "    print(path.name, json.dumps(to_json(parse(path.read_bytes()), '', 0)))\n"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program, str(FIXTURES)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
