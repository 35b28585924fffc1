"""`arfgate run`: polls on a schedule, wakes on IDLE, ticks, sends, serves the page, until SIGTERM.

APScheduler only ticks: what is due lies in the database, so a restart loses nothing. Each
loop catches what went wrong once, says it in the log and goes on. Must never hold state
that a crash would lose.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import structlog
import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from gateway import pipeline
from gateway.doors import mailbox_accesses
from gateway.house import House
from gateway.intake.imap import MailboxConnection, MailboxError, pause_after
from gateway.intake.poll import poll
from gateway.sections import Mailbox
from gateway.store import mailboxes, messages, notices
from gateway.store.database import StoreError
from gateway.web.page import page
from gateway.workers import WorkersBrokenError

_TURN_SECONDS = 5
_IDLE_SECONDS = 25 * 60  # RFC 2177: servers may hang up after 30 minutes

log = structlog.get_logger()


class Service:
    """One running gateway. `turn` and `poll` may be called by hand too; each runs once at a time."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._turning = asyncio.Lock()
        self._polling = {box.name: asyncio.Lock() for box in house.settings.mailboxes}
        self._waits: dict[str, float] = {}  # mailbox -> not before (loop time), after failures

    async def run(self, stopped: asyncio.Event | None = None) -> None:
        """Serve until SIGTERM or SIGINT (or `stopped`), then finish what is in hand and return."""
        stopped = stopped or asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        for warning in self.house.settings.warnings():
            log.warning(warning)
        async with self.house.database.writing() as connection:  # what this node had in hand when it died
            await messages.release(connection, self.house.node)
            await notices.release(connection, self.house.node)
        scheduler = self._schedule()
        # at once, by the loop and not by the house's clock, which may not be the real one that the scheduler goes by
        first = [asyncio.create_task(self.poll(box)) for box in self.house.settings.mailboxes]
        tasks = first + [asyncio.create_task(self._watch(box)) for box in self.house.settings.mailboxes if box.idle]
        server = self._server()
        serving = asyncio.create_task(server.serve()) if server else None
        scheduler.start()
        log.info("running", mailboxes=[box.name for box in self.house.settings.mailboxes])
        await stopped.wait()
        log.info("stopping")
        scheduler.shutdown(wait=False)
        for task in tasks:
            task.cancel()
        if server and serving:
            server.should_exit = True
            await serving
        await asyncio.gather(*tasks, return_exceptions=True)
        async with self._turning:  # what is in hand is finished, not cut
            log.info("stopped")

    async def poll(self, box: Mailbox) -> None:
        """Read one mailbox, then do what follows from it. Failures wait ever longer, with jitter."""
        lock = self._polling[box.name]
        if lock.locked() or asyncio.get_running_loop().time() < self._waits.get(box.name, 0):
            return
        async with lock:
            try:
                await poll(self.house, box)
                self._waits.pop(box.name, None)
            except MailboxError:
                await self._wait_longer(box)
            except (StoreError, WorkersBrokenError) as error:
                log.error("nothing can be stored; mail stays in the mailbox", mailbox=box.name, error=str(error))  # noqa: TRY400
            except Exception:
                log.exception("poll failed", mailbox=box.name)
        await self.turn()

    async def turn(self) -> None:
        """Everything that needs no mailbox: work, tick, look up, send."""
        if self._turning.locked():
            return
        async with self._turning:
            try:
                await pipeline.drain(self.house)
            except (StoreError, WorkersBrokenError) as error:
                log.error("put off", error=str(error))  # noqa: TRY400
            except Exception:
                log.exception("turn failed")

    def _schedule(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(timezone="UTC")
        often = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler.add_job(self.turn, "interval", seconds=_TURN_SECONDS, **often)
        for box in self.house.settings.mailboxes:
            job: Callable[[], Awaitable[None]] = partial(self.poll, box)
            scheduler.add_job(job, "interval", seconds=box.poll_seconds, **often)
        return scheduler

    async def _wait_longer(self, box: Mailbox) -> None:
        async with self.house.database.reading() as connection:
            failures = (await mailboxes.all_of(connection))[box.name].failures
        pause = pause_after(failures, box.name)
        self._waits[box.name] = asyncio.get_running_loop().time() + pause

    async def _watch(self, box: Mailbox) -> None:
        """Wake the poll when the server says that there is mail."""
        failures = 0
        while True:
            try:
                async with await MailboxConnection.open(mailbox_accesses(box)[0]) as mail:
                    failures = 0
                    while mail.alive:
                        if await mail.idle(_IDLE_SECONDS):
                            await self.poll(box)
            except MailboxError:
                pass  # the poll says what is wrong
            except Exception:
                log.exception("watching failed", mailbox=box.name)
            failures += 1
            await asyncio.sleep(pause_after(failures, f"watch {box.name}"))

    def _server(self) -> uvicorn.Server | None:
        web = self.house.settings.web
        if not web.enabled:
            return None
        config = uvicorn.Config(page(self.house), host=web.host, port=web.port, log_config=None, access_log=False)
        return _Server(config)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service ends it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # ours does nothing
        return nullcontext()
