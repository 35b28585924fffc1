"""Rspamd, by HTTP (`POST /checkv2`). Must never let it learn anything."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from gateway.connectors.checks.contract import EVIDENCE_CHARS, Judged, NoVerdict
from notifier.headers import clean
from notifier.http import Call, HttpClient, NotFetched

_MOST = 1024 * 1024
_NAMED = 10  # symbols, the heaviest first


@dataclass(frozen=True, slots=True)
class Rspamd:
    """The check. `place` is host:port; `seconds` bounds one mail."""

    http: HttpClient = field(repr=False)
    place: str
    seconds: float
    code: str = "content-filter/rspamd"

    async def judge(self, mail: bytes) -> Judged | NoVerdict:
        call = Call(mail, {"Content-Type": "message/rfc822"}, _MOST)
        url = f"http://{self.place}/checkv2"
        answer = await self.http.post(url, call, seconds=self.seconds, allow_hosts=(self.place,))
        if isinstance(answer, NotFetched):
            return NoVerdict(f"rspamd: {answer.detail}")
        if answer.status != 200:
            return NoVerdict(f"rspamd at {self.place}: status {answer.status}")
        return read(answer.body)


def read(body: bytes) -> Judged | NoVerdict:
    """Rspamd's answer."""
    try:
        said = json.loads(body)
        score, most, action = float(said["score"]), float(said["required_score"]), str(said["action"])
        weighed = sorted(((abs(float(s.get("score", 0))), name) for name, s in said["symbols"].items()), reverse=True)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return NoVerdict("rspamd: no answer of its protocol")
    names = ", ".join(name for weight, name in weighed[:_NAMED] if weight)
    return Judged(clean(f"{action}, {score:.1f} of {most:.1f}" + (f": {names}" if names else ""), EVIDENCE_CHARS))
