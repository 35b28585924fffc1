"""`arfgate run`: polls on a schedule, wakes on IDLE, ticks, sends, serves the page, until SIGTERM.

APScheduler only ticks: what is due lies in the database, so a restart loses nothing. Each
loop catches what went wrong once, says it in the log and goes on. Must never hold state
that a crash would lose.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any

import structlog
import uvicorn
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from gateway import (
    advertised_hosts,
    content,
    enforcement,
    figures,
    pipeline,
    registries,
    sources,
    third_parties,
    volumes,
)
from gateway.doors import mailbox_accesses
from gateway.house import House
from gateway.intake.imap import MailboxConnection, MailboxError, pause_after
from gateway.intake.poll import poll
from gateway.mailbox_sections import Mailbox
from gateway.store import action_steps, mailboxes, messages, notices
from gateway.store.database import StoreError
from gateway.watch import blocklists
from gateway.web.app import application
from gateway.workers import WorkersBrokenError

_TURN_SECONDS = 5
_SOON = 0.01  # seconds between two looks whether the page answers
_FINISH_SECONDS = 10  # for polls under way when we are to stop; what is cut then is done again by the next start
_IDLE_SECONDS = 25 * 60  # RFC 2177: servers may hang up after 30 minutes

_BESIDE: dict[str, Callable[[House], Coroutine[Any, Any, int]]] = {
    "actions": enforcement.run,
    "block lists": blocklists.run,
    "content filters": content.run,
    "bootstrap files": registries.refresh,
    "contacts outside": third_parties.look_up,
    "sources": sources.run_due,
    "advertised hosts": advertised_hosts.run,
    "rates": volumes.run,
    "figures of days": figures.run,
}

log = structlog.get_logger(module=__name__)


class Service:
    """One running gateway. `turn` and `poll` may be called by hand too; each runs once at a time."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._turn: asyncio.Task[None] | None = None
        self._polling = {box.name: asyncio.Lock() for box in house.settings.mailboxes}
        self._beside: set[str] = set()  # what is under way of _BESIDE
        self._begun: set[asyncio.Task[None]] = set()
        self._waits: dict[str, float] = {}  # mailbox -> not before (loop time), after failures
        self.ready = asyncio.Event()  # mailboxes are read, and the page answers where there is one

    async def run(self, stopped: asyncio.Event | None = None) -> None:
        """Serve until SIGTERM or SIGINT (or `stopped`), then finish what is in hand and return."""
        stopped = stopped or asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        for warning in self.house.settings.warnings():
            log.warning(warning)
        await self._free_claims()  # what this node had in hand when it died
        scheduler = self._schedule()
        # at once, by the loop and not by the house's clock, which may not be the real one that the scheduler goes by
        for box in self.house.settings.mailboxes:
            await self._begin(partial(self.poll, box))
        watches = [asyncio.create_task(self._watch(box)) for box in self.house.settings.mailboxes if box.idle]
        server = self._server()
        serving = asyncio.create_task(server.serve()) if server else None
        self.house.stopping = False
        scheduler.start()
        gc.freeze()  # what is loaded by now stays: looking through it again and again cost a tenth of the time
        while server and serving and not (server.started or serving.done()):  # noqa: ASYNC110  uvicorn has no event for it
            await asyncio.sleep(_SOON)
        self.ready.set()
        self._say_where()
        await stopped.wait()
        log.info("stopping")
        self.house.stopping = True
        scheduler.shutdown(wait=False)
        if server and serving:
            server.should_exit = True
            await serving
        await self._finish(watches)
        log.info("stopped")

    def _say_where(self) -> None:
        settings = self.house.settings
        web = settings.web
        page = settings.public_url or f"http://{web.host}:{web.port}/" if web.enabled else None
        log.info("running", mailboxes=[box.name for box in settings.mailboxes], page=page)
        if not settings.mailboxes:
            log.warning("no mailbox is read: add [[mailboxes]] to the settings", file=str(settings.path))

    async def _finish(self, watches: list[asyncio.Task[None]]) -> None:
        """End what goes on: the mail in hand is handed over and noted, so that nobody gets it twice."""
        for task in watches:
            task.cancel()
        if self._begun:
            await asyncio.wait(self._begun, timeout=_FINISH_SECONDS)
        for task in self._begun:
            task.cancel()
        await asyncio.gather(*watches, *self._begun, return_exceptions=True)
        if self._turn is not None:
            await self._turn
        with suppress(StoreError):  # else the next start does it
            await self._free_claims()

    async def _free_claims(self) -> None:
        async with self.house.database.writing() as connection:
            await messages.release(connection, self.house.node)
            await notices.release(connection, self.house.node)
            await action_steps.release(connection, self.house.node)

    async def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """A task of ours: the scheduler would cut one of its own, with an error, when we stop."""
        task = asyncio.create_task(work())
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    async def poll(self, box: Mailbox) -> None:
        """Read one mailbox, then do what follows from it. Failures wait ever longer, with jitter."""
        lock = self._polling[box.name]
        if lock.locked() or asyncio.get_running_loop().time() < self._waits.get(box.name, 0):
            return
        async with lock:
            try:
                await self._read(box)
            except (StoreError, WorkersBrokenError) as error:
                log.error("nothing can be stored; mail stays in the mailbox", mailbox=box.name, error=str(error))  # noqa: TRY400
            except Exception:
                log.exception("poll failed", mailbox=box.name)
        await self.turn()

    async def _read(self, box: Mailbox) -> None:
        try:
            await poll(self.house, box, self.follow)
            self._waits.pop(box.name, None)
        except MailboxError:
            await self._wait_longer(box)

    async def turn(self) -> None:
        """Everything that needs no mailbox: work, tick, look up, send. Whoever waits for it may be cancelled; it goes
        on to its end, since a mail must not be cut between the server's acceptance and our commit."""
        self.follow()
        if self._turn is not None:
            await asyncio.shield(self._turn)

    def follow(self) -> None:
        """Begin a turn where none is under way; one that is finds what was filed meanwhile."""
        if self._turn is None or self._turn.done():
            self._turn = asyncio.create_task(self._drain())

    async def _follow_on_time(self) -> None:
        self.follow()

    async def beside(self, name: str, work: Callable[[House], Coroutine[Any, Any, int]]) -> None:
        """Work that waits for others (connectors, filters, name servers) and so must not hold the turn up."""
        if name in self._beside:
            return
        self._beside.add(name)
        try:
            while not self.house.stopping and await work(self.house):
                pass
        except StoreError as error:
            log.error("put off", what=name, error=str(error))  # noqa: TRY400
        except Exception:
            log.exception("failed", what=name)
        finally:
            self._beside.discard(name)

    async def _drain(self) -> None:
        try:
            await pipeline.drain(self.house, contacts=False)
        except (StoreError, WorkersBrokenError) as error:
            log.error("put off", error=str(error))  # noqa: TRY400
        except Exception:
            log.exception("turn failed")

    def _schedule(self) -> AsyncIOScheduler:
        scheduler = AsyncIOScheduler(timezone="UTC")
        often = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        scheduler.add_job(self._begin, "interval", args=[self._follow_on_time], seconds=_TURN_SECONDS, **often)
        for name, work in _BESIDE.items():
            scheduler.add_job(
                self._begin, "interval", args=[partial(self.beside, name, work)], seconds=_TURN_SECONDS, **often
            )
        for box in self.house.settings.mailboxes:
            scheduler.add_job(
                self._begin, "interval", args=[partial(self.poll, box)], seconds=box.poll_seconds, **often
            )
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
                async with await MailboxConnection.open(
                    mailbox_accesses(box, self.house.logins.get(box.name))[0]
                ) as mail:
                    failures = 0
                    while mail.alive:
                        if await mail.idle(_IDLE_SECONDS):
                            async with self._polling[box.name]:
                                pass  # a poll that is under way may have looked before this mail came
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
        config = uvicorn.Config(
            application(self.house), host=web.host, port=web.port, log_config=None, access_log=False,
            proxy_headers=False,  # whom to believe is the guard's to say
            timeout_graceful_shutdown=_FINISH_SECONDS,  # pages that listen for changes
        )  # fmt: skip
        return _Server(config)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the service ends it."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # ours does nothing
        return nullcontext()
