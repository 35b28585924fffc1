"""ClamAV's clamd, by its INSTREAM command: the mail as it is, attachments and all. Must never name a file to it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.connectors.checks.contract import EVIDENCE_CHARS, Judged, NoVerdict, exchange, in_time
from notifier.headers import clean

_CHUNK = 64 * 1024
_MOST = 4096
_FOUND = re.compile(r"stream: (.{1,500}) FOUND")


@dataclass(frozen=True, slots=True)
class Clamd:
    """The check. `seconds` bounds one mail."""

    host: str
    port: int
    seconds: float
    code: str = "content-filter/clamd"

    async def judge(self, mail: bytes) -> Judged | NoVerdict:
        return await in_time(f"clamd at {self.host}:{self.port}", self.seconds, self._ask(mail))

    async def _ask(self, mail: bytes) -> Judged | NoVerdict:
        said = await exchange(self.host, self.port, _asked(mail), _MOST, end=b"\0")
        return read(said.partition(b"\0")[0].decode("utf-8", "replace"))


def _asked(mail: bytes) -> Iterator[bytes]:
    yield b"zINSTREAM\0"
    for start in range(0, len(mail), _CHUNK):
        chunk = mail[start : start + _CHUNK]
        yield struct.pack(">I", len(chunk)) + chunk
    yield struct.pack(">I", 0)


def read(said: str) -> Judged | NoVerdict:
    """Clamd's answer."""
    if said == "stream: OK":
        return Judged("nothing harmful found")
    if found := _FOUND.fullmatch(said):
        return Judged(clean(f"harmful: {found[1]}", EVIDENCE_CHARS))
    return NoVerdict(f"clamd said {clean(said, 100) or 'nothing'}")
