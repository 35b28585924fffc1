"""Steps against the real database: whatever comes, in whatever order, with crashes and restarts in between, no step runs
twice and none is left out.

A gateway is driven through complaints, answers, bounces, staff's decisions, sleep and kills: a kill loses what was not
committed, or comes between the mail server's acceptance and our commit. Afterwards time runs to the end, and the trail
of events, the notices and the mails that really went out are held against the policy.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from whole.scene import ALDER, NOW, answer, bounce
from whole.world import CUSTOMERS, World

from gateway import pipeline, staff
from gateway.app import opened
from gateway.casework.states import NotAllowedError
from gateway.house import House
from gateway.intake.customers import read_customers
from gateway.service import Service
from gateway.settings import load
from gateway.staff import Solved
from gateway.store import customers, messages
from gateway.store.messages import Arrived
from notifier.compose import Composed
from notifier.notice import Delivered
from servers.waiting import ParserHere, arf

OTHER = "198.51.100.9"
HALF = timedelta(hours=12)
MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """kill -9: nothing in the code may catch it."""


class Post:
    """The mail server: keeps what it took, and can see the gateway die right after it."""

    def __init__(self) -> None:
        self.taken: list[Composed] = []
        self.kill_after: int | None = None
        self.killed_at: list[str] = []

    async def send(self, composed: Composed) -> Delivered:
        self.taken.append(composed)
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after < 0:
                self.kill_after = None
                self.killed_at.append(composed.message_id)
                raise Killed
        return Delivered("250 taken", "mx.example")


class Life:
    """One gateway over several lives of its process."""

    def __init__(self, world: World) -> None:
        self.world, self.now, self.post = world, NOW, Post()
        self.commits_left: int | None = None
        self._doors = AsyncExitStack()
        self.house: House = None  # type: ignore[assignment]  # until born

    async def born(self) -> None:
        await self._doors.aclose()
        self._doors = AsyncExitStack()
        self.house = await self._doors.enter_async_context(opened(load(self.world.config), clock=lambda: self.now))
        self.house.workers.close()
        self.house.workers = ParserHere()  # type: ignore[assignment]
        self.house.mailer = self.post  # type: ignore[assignment]
        await Service(self.house)._free_claims()
        self._mortal(self.house.database)

    async def dies(self) -> None:
        await self._doors.aclose()

    def _mortal(self, database: Any) -> None:
        begin: Callable[..., Any] = database.writing

        @contextlib.asynccontextmanager
        async def writing() -> AsyncIterator[Any]:
            async with begin() as connection:
                yield connection
                if self.commits_left is not None:
                    self.commits_left -= 1
                    if self.commits_left < 0:
                        self.commits_left = None
                        raise Killed

        database.writing = writing

    # --- what can happen ---

    async def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    async def sleep(self, minutes: int) -> None:
        """The machine slept: a day and more passes at once, then everything is due."""
        self.now += timedelta(hours=25, minutes=minutes)
        await pipeline.drain(self.house)

    async def turn(self, _: int) -> None:
        await pipeline.drain(self.house)

    async def complaint(self, minutes: int) -> None:
        source = ALDER if minutes % 3 else OTHER
        await self._arrive(arf(source, self.now - minutes * MINUTE))

    async def answer(self, minutes: int) -> None:
        if self.post.taken:
            await self._arrive(
                answer(self.post.taken[minutes % len(self.post.taken)].message, f"X-Number: {minutes}\r\n")
            )

    async def bounce(self, minutes: int) -> None:
        if self.post.taken:
            await self._arrive(bounce(self.post.taken[minutes % len(self.post.taken)].message))

    async def reject(self, _: int) -> None:
        with suppress(NotAllowedError):
            await staff.reject_answer(self.house, "1", who="ann", why="no")

    async def extend(self, minutes: int) -> None:
        with suppress(NotAllowedError):
            await staff.extend(self.house, "1", minutes / 60 + 0.1, who="ann", why="asked")

    async def resolve(self, _: int) -> None:
        with suppress(NotAllowedError):
            await staff.resolve(self.house, "1", Solved("done"), who="ann")

    async def killed_between_commits(self, minutes: int) -> None:
        self.commits_left = minutes % 5
        await self._killed()

    async def killed_after_a_mail(self, minutes: int) -> None:
        self.post.kill_after = minutes % 2
        await self._killed()

    async def restart(self, _: int) -> None:
        await self.born()

    async def _killed(self) -> None:
        with suppress(Killed):
            await pipeline.drain(self.house)
        self.commits_left = self.post.kill_after = None
        await self.born()

    async def _arrive(self, raw: bytes) -> None:
        async with self.house.database.writing() as connection:
            await messages.store(connection, [Arrived(raw, self.now)], None, self.now)
        await pipeline.drain(self.house)

    async def to_the_end(self) -> None:
        """Nothing more happens but time, punctually."""
        for _ in range(60):
            await pipeline.drain(self.house)
            rows = await self.ask("SELECT min(next_at) FROM clocks")
            following = rows[0][0]
            if following is None:
                return
            self.now = max(self.now, _moment(following))
        raise AssertionError("time goes on and on")

    async def ask(self, question: str) -> list[Any]:
        async with self.house.database.reading() as connection:
            return list(await connection.execute(text(question)))

    # --- what must hold ---

    async def check(self) -> None:
        trail = await self.ask("SELECT clock_id, what, why FROM events WHERE what LIKE 'clock %' ORDER BY id")
        ends = Counter[int]()
        reminded: dict[int, int] = {}
        shortened: set[int] = set()  # the rest of the time after a rejected answer is not divided again
        for clock, what, why in trail:
            trigger = what.removeprefix("clock ")
            if trigger in ("bounced", "new-conduct") or (trigger == "delivered" and why.startswith("the customer has")):
                reminded[clock] = 0
                shortened.discard(clock)
            elif trigger == "reminder" and why.startswith("reminder; "):
                reminded[clock] = reminded.get(clock, 0) + 1
                assert reminded[clock] == 1, "a second reminder in one term"
            elif trigger == "answer-rejected":
                shortened.add(clock)
            elif trigger == "due":
                ends[clock] += 1
                assert reminded.get(clock) == 1 or clock in shortened, "the end came without its warning"
        proposed = Counter(row[0] for row in await self.ask("SELECT clock_id FROM actions"))
        assert proposed == ends, "each end proposes once, and nothing else does"
        sent = Counter(mail.message_id for mail in self.post.taken)
        twice = {mail for mail, count in sent.items() if count > 1 + self.post.killed_at.count(mail)}
        assert not twice, "a mail went out twice without a kill in between"

    async def check_the_end(self) -> None:
        await self.check()
        states = {row[0] for row in await self.ask("SELECT DISTINCT state FROM clocks")}
        assert not states & {"running", "waiting"}, "a clock stands still before its end"
        assert await self.ask("SELECT id FROM notices WHERE state = 'pending' OR NOT settled") == []
        known = {row[0] for row in await self.ask("SELECT mail_id FROM notices WHERE state IN ('sent', 'bounced')")}
        assert {mail.message_id for mail in self.post.taken} >= known, "said to be sent and was not"
        for warned, ended in await self.ask(
            "SELECT r.sent_at, o.created_at FROM notices o JOIN notices r ON r.clock_id = o.clock_id"
            " AND r.round = o.round AND r.\"to\" = o.\"to\" AND r.kind = 'reminder' WHERE o.kind = 'overdue'"
            " AND NOT EXISTS (SELECT 1 FROM notices x WHERE x.clock_id = o.clock_id AND x.kind = 'answer-rejected')"
        ):
            assert _moment(ended) - _moment(warned) >= HALF - MINUTE, "the warning did not keep its distance"


def _moment(value: object) -> datetime:
    read = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return read if read.tzinfo else read.replace(tzinfo=NOW.tzinfo)


OFTEN = ["wait", "turn", "complaint", "sleep"]
ALSO = [
    "answer", "bounce", "reject", "extend", "resolve", "killed_between_commits", "killed_between_commits",
    "killed_after_a_mail", "restart",
]  # fmt: skip
HAPPENS = st.lists(st.tuples(st.sampled_from(3 * OFTEN + ALSO), st.integers(0, 2000)), max_size=14)


async def _live(folder: Path, happens: list[tuple[str, int]]) -> None:
    world = World(folder, f"sqlite+aiosqlite:///{folder / 'arfgate.db'}")
    world.write()
    life = Life(world)
    await life.born()
    try:
        file = folder / "customers.csv"
        file.write_text(CUSTOMERS, encoding="utf-8")
        async with life.house.database.writing() as connection:
            await customers.import_file(connection, read_customers(file), who="test", now=NOW)
        await life.complaint(60)
        for what, minutes in happens:
            await getattr(life, what)(minutes)
            await life.check()
        await life.to_the_end()
        await life.check_the_end()
    finally:
        await life.dies()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HAPPENS)
def test_no_step_runs_twice_and_none_is_left_out(tmp_path: Path, migrated_file: Path, happens: list[tuple[str, int]]):
    folder = tmp_path / "life"
    folder.mkdir()
    shutil.copy(migrated_file, folder / "arfgate.db")
    try:
        asyncio.run(_live(folder, happens))
    finally:
        shutil.rmtree(folder)
