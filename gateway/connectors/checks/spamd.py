"""SpamAssassin's spamd, by its own protocol (SPAMC/1.5, SYMBOLS). Must never let it learn or report anything."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.connectors.checks.contract import EVIDENCE_CHARS, Judged, NoVerdict, exchange, in_time
from notifier.headers import clean

_MOST = 65536  # bytes of an answer
_STATUS = re.compile(rb"SPAMD/[0-9.]{1,8} (\d{1,5}) ")
_SPAM = re.compile(rb"(?mi)^Spam: {0,5}(True|False|Yes|No) ; (-?[0-9.]{1,12}) / (-?[0-9.]{1,12})\r?$")


@dataclass(frozen=True, slots=True)
class Spamd:
    """The check. `seconds` bounds one mail."""

    host: str
    port: int
    seconds: float
    code: str = "content-filter/spamd"

    async def judge(self, mail: bytes) -> Judged | NoVerdict:
        return await in_time(f"spamd at {self.host}:{self.port}", self.seconds, self._ask(mail))

    async def _ask(self, mail: bytes) -> Judged | NoVerdict:
        question = b"SYMBOLS SPAMC/1.5\r\nContent-length: %d\r\n\r\n" % len(mail) + mail
        return read(await exchange(self.host, self.port, [question], _MOST))


def read(said: bytes) -> Judged | NoVerdict:
    """Spamd's answer."""
    head, _, symbols = said.partition(b"\r\n\r\n")
    status, spam = _STATUS.match(head), _SPAM.search(head)
    if status is None or status[1] != b"0" or spam is None:
        return NoVerdict(f"spamd said {clean(head.decode('utf-8', 'replace'), 100)}")
    word = "spam" if spam[1].lower() in (b"true", b"yes") else "not spam"
    names = ", ".join(symbols.decode("utf-8", "replace").strip().split(","))
    text = f"{word}, {spam[2].decode()} of {spam[3].decode()}" + (f": {names}" if names else "")
    return Judged(clean(text, EVIDENCE_CHARS))
