"""A second opinion from the operator's own system: one signed call for a batch of (address, time, port).

It answers with an account (`customer` or `customer/account`) or null for each, in order. Must never be called with
anything but addresses of ours, their times and ports: nothing of a complainant leaves the house.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from notifier.http import Call, HttpClient, NotFetched
from notifier.webhook import SIGNATURE, TIMESTAMP, sign

_SECONDS = 5.0
_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Outside:
    """`allow_hosts`: `host:port` that may be private or plain HTTP."""

    http: HttpClient
    url: str
    secret: str = field(repr=False)
    clock: Callable[[], datetime]
    allow_hosts: tuple[str, ...] = ()

    async def ask(self, asked: Sequence[tuple[str, datetime | None, int | None]]) -> list[str | None] | str:
        """What it says of each, or why it said nothing. Never raises for what the world does."""
        questions = [{"address": ip, "time": at.isoformat() if at else None, "port": port} for ip, at, port in asked]
        body = json.dumps({"questions": questions}).encode()
        stamp = int(self.clock().timestamp())
        headers = {"Content-Type": "application/json", TIMESTAMP: str(stamp), SIGNATURE: sign(self.secret, stamp, body)}
        answer = await self.http.post(self.url, Call(body, headers), seconds=_SECONDS, allow_hosts=self.allow_hosts)
        if isinstance(answer, NotFetched):
            return answer.detail
        try:
            said = json.loads(answer.body)["answers"] if answer.status == 200 else None
        except (ValueError, KeyError, TypeError, RecursionError):
            said = None
        if not isinstance(said, list) or len(said) != len(asked):
            return f"status {answer.status}: no list of {len(asked)} answers"
        return [one[:_NAME_CHARS] if isinstance(one, str) else None for one in said]
