"""Several connections and several relays behind one `send`: who is free takes the mail, who is down is passed over.

A mail that a relay may already have is never given to the next one: that is how one mail becomes two. Per destination
no more than so many a minute. Must never decide whether a mail is sent again: `retry` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Self

from notifier.compose import Composed
from notifier.connection import SmtpSettings
from notifier.dns import Resolver
from notifier.notice import Deferred, Outcome, Why
from notifier.pace import Pace
from notifier.smtp import Mailer

_REST = timedelta(minutes=1)  # for which a relay that failed is only the last resort
# What the next relay may do better: nothing of it is about the mail or its recipient.
_PASSED_ON = frozenset({Why.CONNECTION, Why.TIMEOUT, Why.TLS, Why.AUTHENTICATION, Why.SERVER})


class Mailers:
    """`relays` in order of preference (in direct mode one), each with up to `connections` at a time; `a_minute` mails
    to one domain at most (0: no limit). `clock` gives aware UTC. Close it, or use `async with`."""

    def __init__(
        self,
        relays: Sequence[SmtpSettings],
        clock: Callable[[], datetime],
        resolver: Resolver | None = None,
        connections: int = 1,
        a_minute: int = 0,
    ) -> None:
        if not relays:
            raise ValueError("there is no relay to send through")
        self._relays = [[Mailer(one, resolver) for _ in range(connections)] for one in relays]
        self._clock = clock
        self._pace = Pace(a_minute, clock)
        self._free: list[int] = list(range(connections))
        self._lanes = asyncio.Semaphore(connections)
        self._resting: dict[int, datetime] = {}  # relay -> until when it is the last resort

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Say goodbye on all connections; never raises."""
        await asyncio.gather(*(mailer.aclose() for lanes in self._relays for mailer in lanes))

    async def send(self, composed: Composed) -> Outcome:
        """Hand one mail to the first relay that takes it. Raises only CancelledError."""
        domain = composed.envelope_to.rpartition("@")[2].lower()
        if (wait := self._pace.wait(domain)) is not None:
            return Deferred(Why.RATE, f"{domain} gets no more mails a minute from us", wait=wait)
        async with self._lane() as lane:
            outcome: Outcome = Deferred(Why.CONNECTION, "no relay could be reached")
            for relay in self._order():
                outcome = await self._relays[relay][lane].send(composed)
                if not isinstance(outcome, Deferred) or outcome.why not in _PASSED_ON:
                    self._resting.pop(relay, None)
                    return outcome
                self._resting[relay] = self._clock() + _REST
                if outcome.may_have_it:
                    return outcome
            return outcome

    def _order(self) -> list[int]:
        now = self._clock()
        return sorted(range(len(self._relays)), key=lambda relay: (self._resting.get(relay, now) > now, relay))

    @asynccontextmanager
    async def _lane(self) -> AsyncIterator[int]:
        async with self._lanes:
            lane = self._free.pop(0)
            try:
                yield lane
            finally:
                self._free.insert(0, lane)  # the warm one first
