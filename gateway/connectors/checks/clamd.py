"""ClamAV's clamd, by its INSTREAM command: the mail as it is, attachments and all. Must never name a file to it."""

from __future__ import annotations

import asyncio
import re
import struct
from dataclasses import dataclass

from gateway.connectors.checks.contract import EVIDENCE_CHARS, Judged, NoVerdict, in_time
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
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(mail), _CHUNK):
                chunk = mail[start : start + _CHUNK]
                writer.write(struct.pack(">I", len(chunk)) + chunk)
                await writer.drain()
            writer.write(struct.pack(">I", 0))
            await writer.drain()
            said = b""
            while len(said) < _MOST and b"\0" not in said and (more := await reader.read(_MOST)):
                said += more
        finally:
            writer.close()
        return read(said.partition(b"\0")[0].decode("utf-8", "replace"))


def read(said: str) -> Judged | NoVerdict:
    """Clamd's answer."""
    if said == "stream: OK":
        return Judged("nothing harmful found")
    if found := _FOUND.fullmatch(said):
        return Judged(clean(f"harmful: {found[1]}", EVIDENCE_CHARS))
    return NoVerdict(f"clamd said {clean(said, 100) or 'nothing'}")
