"""What a content filter is: something outside that is shown a mail and says what it thinks of it.

Its verdict is evidence for people and decides nothing. It answers in bounded time or not at all, and never raises for
what the world does. Must never be shown who complained: it gets the reported mail alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Protocol

EVIDENCE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Judged:
    """`evidence`: one line, such as "spam, 1000.0 of 5.0: GTUBE"."""

    evidence: str


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """It did not answer, or not in its protocol. `why` for the log."""

    why: str


class Check(Protocol):
    """`code` is that of the finding: `content-filter/NAME`."""

    @property
    def code(self) -> str: ...

    async def judge(self, mail: bytes) -> Judged | NoVerdict: ...


async def in_time(name: str, seconds: float, answer: Awaitable[Judged | NoVerdict]) -> Judged | NoVerdict:
    """The answer, or that there was none within `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        return NoVerdict(f"{name}: no answer within {seconds:g} seconds")
    except (OSError, EOFError, ValueError) as error:  # EOFError: it hung up in the middle
        return NoVerdict(f"{name}: {type(error).__name__}: {error}")


async def exchange(host: str, port: int, pieces: Iterable[bytes], most: int, *, end: bytes = b"") -> bytes:
    """What a server answers to `pieces`: at most `most` bytes, up to `end`, or all until it hangs up; then our side is
    closed first, since nothing else tells it that the question is over."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if not end:
            writer.write_eof()
        said = b""
        while len(said) < most and not (end and end in said) and (more := await reader.read(most)):
            said += more
    finally:
        writer.close()
    return said[:most]
