"""Signed HTTP calls: who gets one can tell that it is ours, how old it is, and whether it came before.

The signature is HMAC-SHA256 over `TIMESTAMP.BODY` with a secret that both sides hold; the timestamp (Unix seconds)
lets the other side refuse what is old, `Idempotency-Key` what it has done already: it is the same for every
attempt. Must never be called with an address out of a report.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

from notifier.headers import clean
from notifier.http import Call, HttpClient, HttpWhy, NotFetched
from notifier.notice import Deferred, Delivered, Outcome, Refused, Why

SIGNATURE = "X-Arfgate-Signature"
TIMESTAMP = "X-Arfgate-Timestamp"
_WORTH_ANOTHER = frozenset({408, 409, 425, 429})  # and every 5xx; 409: the same key is being worked on
_WHY = {HttpWhy.TIMEOUT: Why.TIMEOUT, HttpWhy.RATE: Why.RATE}


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """`v1=` and the hex digest: what the receiver computes too, and compares in constant time."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"v1={digest}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address that is called. `allow_hosts`: `host:port` that may be private or plain HTTP."""

    http: HttpClient
    url: str
    secret: str = field(repr=False)  # empty: not signed, where the address itself is the secret
    clock: Callable[[], datetime]
    seconds: float = 10.0
    allow_hosts: Collection[str] = ()

    async def call(self, key: str, body: bytes) -> Outcome:
        """POST `body` (JSON). Delivered: any 2xx. Never raises for what the world does."""
        timestamp = int(self.clock().timestamp())
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self.secret:
            headers |= {TIMESTAMP: str(timestamp), SIGNATURE: sign(self.secret, timestamp, body)}
        answer = await self.http.post(self.url, Call(body, headers), seconds=self.seconds, allow_hosts=self.allow_hosts)
        if isinstance(answer, NotFetched):
            why = _WHY.get(answer.why, Why.CONNECTION)
            return Refused(why, answer.detail) if answer.why is HttpWhy.NOT_ALLOWED else Deferred(why, answer.detail)
        text = clean(answer.body.decode("utf-8", "replace"), 200)
        said = f"status {answer.status}" + (f": {text}" if text else "")
        if 200 <= answer.status < 300:
            return Delivered(said, self.url)
        if answer.status in _WORTH_ANOTHER or answer.status >= 500:
            return Deferred(Why.RATE if answer.status == 429 else Why.SERVER, said)
        return Refused(Why.SERVER, said)
