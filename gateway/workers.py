"""Parses and verifies in worker processes with time and memory limits: a hostile mail costs its own worker, no more.

A batch goes to a worker as one task; if that dies or runs out of time, its messages are
tried one by one, and the one that does it again comes back as `unreadable` for a person, or as unverified.
Must never look at what a message says.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from gateway.screening.likeness import sketch
from gateway.screening.verify import Job, Verified, verify_all
from parsers import parse
from parsers.bodies import bodies, written
from parsers.claims import Claim, claims
from parsers.report import Envelope, Kind, Limits, Parsed
from parsers.reported_mails import reported_mails
from parsers.reported_texts import Shown, shown

CHUNK = 25  # messages a task: large enough to pay for the trip, small enough to share two workers


VERIFY_SECONDS = 5.0  # a mail's signatures; the largest mail takes one

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[list[Item]], list[Result]]


class WorkersBrokenError(Exception):
    """No worker could be had: nothing is known of the messages, they are to be tried again."""


class ParserWorkers:
    """`seconds` and `memory` (bytes of address space) bound one message; `workers` processes stay up."""

    def __init__(self, limits: Limits, seconds: float, memory: int, workers: int) -> None:
        self.limits = limits
        self.seconds = seconds
        self._memory = memory
        self._workers = workers
        self._pool = self._start()

    async def parse(self, raws: Sequence[bytes]) -> list[Parsed]:
        """What each message says, in order. Never raises for what a message does to its worker."""
        unreadable = partial(_unreadable, seconds=self.seconds)
        return await self._each(partial(_parse_all, limits=self.limits), raws, self.seconds, unreadable)

    async def originals(self, jobs: Sequence[tuple[bytes, int]]) -> list[Shown]:
        """The reported mails of messages, each with the position of its report. Never raises for what they do."""
        return await self._each(partial(_show_all, limits=self.limits), jobs, self.seconds, lambda _: Shown())

    async def verify(self, jobs: Sequence[Job]) -> list[Verified]:
        """What holds of each message's signatures, in order. Never raises for what a message does to its worker."""
        return await self._each(verify_all, jobs, VERIFY_SECONDS, _unverified)

    async def reported_mails(self, raws: Sequence[bytes]) -> list[list[bytes | None]]:
        """The reported mails in each message, in order. Never raises for what a message does to its worker."""
        return await self._each(partial(_mails_all, limits=self.limits), raws, self.seconds, lambda _: [])

    async def written(self, raw: bytes) -> str:
        """What the sender of a message wrote itself, for people's eyes. Never raises for what it does."""
        return (await self._each(partial(_written_all, limits=self.limits), [raw], self.seconds, lambda _: ""))[0]

    async def claims(self, raw: bytes) -> list[Claim]:
        """What every format says of a message; empty where that cannot be told. Never raises for what it does."""
        return (await self._each(partial(_claims_all, limits=self.limits), [raw], self.seconds, lambda _: []))[0]

    async def _each(
        self,
        work: Work[Item, Result],
        items: Sequence[Item],
        seconds: float,
        given_up: Callable[[BaseException], Result],
    ) -> list[Result]:
        chunks = [list(items[i : i + CHUNK]) for i in range(0, len(items), CHUNK)]
        done = await asyncio.gather(*(self._chunk(work, chunk, seconds, given_up) for chunk in chunks))
        return [one for chunk in done for one in chunk]

    async def sketches(self, raws: Sequence[bytes]) -> list[int | None]:
        """What the reported mails are like (screening.likeness), a number for each message; None: it cannot be told."""
        with _without_interrupts():
            future = self._pool.schedule(_sketch_all, args=[list(raws), self.limits], timeout=self.seconds * 2)
        try:
            found: list[int | None] = await asyncio.wrap_future(future)
        except (FutureTimeoutError, ProcessExpired, MemoryError):
            return [None] * len(raws)
        return found

    async def _chunk(
        self, work: Work[Item, Result], chunk: list[Item], seconds: float, given_up: Callable[[BaseException], Result]
    ) -> list[Result]:
        try:
            return await self._task(work, chunk, seconds * 2)
        except (FutureTimeoutError, ProcessExpired, MemoryError) as error:
            if len(chunk) == 1:
                return [given_up(error)]
            return [one for item in chunk for one in await self._chunk(work, [item], seconds, given_up)]

    async def _task(self, work: Work[Item, Result], chunk: list[Item], seconds: float) -> list[Result]:
        try:
            with _without_interrupts():
                future = self._pool.schedule(work, args=[chunk], timeout=seconds)
        except RuntimeError as error:  # the pool itself broke: a fresh one for the next batch
            self.close()
            self._pool = self._start()
            raise WorkersBrokenError(f"the reading processes cannot be used: {error}") from error
        done: list[Result] = await asyncio.wrap_future(future)
        return done

    def close(self) -> None:
        """End the workers; what they were doing is done again later."""
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble's
        self._pool.join(timeout=10)

    def _start(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._workers,
            max_tasks=2000,  # a worker is renewed now and then: no slow leak lives for ever
            initializer=_confine,
            initargs=(self._memory,),
            context=multiprocessing.get_context("spawn"),
        )


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """The pool's threads start here and hand their signal mask to the workers: Ctrl-C is for the gateway,
    which then ends them; in a worker that is just starting it would print a traceback."""
    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _parse_all(raws: list[bytes], limits: Limits) -> list[Parsed]:
    return [parse(raw, limits) for raw in raws]


def _written_all(raws: list[bytes], limits: Limits) -> list[str]:
    return [written(raw, limits) for raw in raws]


def _claims_all(raws: list[bytes], limits: Limits) -> list[list[Claim]]:
    return [claims(raw, limits) for raw in raws]


def _mails_all(raws: list[bytes], limits: Limits) -> list[list[bytes | None]]:
    return [reported_mails(raw, limits) for raw in raws]


def _sketch_all(raws: list[bytes], limits: Limits) -> list[int | None]:
    return [sketch("\n".join(bodies(raw, limits))) for raw in raws]


def _show_all(jobs: list[tuple[bytes, int]], limits: Limits) -> list[Shown]:
    return [shown(raw, position, limits) for raw, position in jobs]


def _confine(memory: int) -> None:
    """Runs in the worker: no more address space than this, and no core file of somebody's mail."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()  # the parsers themselves are never garbage


def _unreadable(error: BaseException, seconds: float) -> Parsed:
    if isinstance(error, FutureTimeoutError):
        why = f"reading it took longer than {seconds:g} seconds"
    else:
        why = "reading it used more memory than a message may, or ended the process that read it"
    return Parsed(kind=Kind.UNREADABLE, format=None, envelope=Envelope(), error=why)


def _unverified(error: BaseException) -> Verified:
    if isinstance(error, FutureTimeoutError):
        return Verified(error=f"verifying it took longer than {VERIFY_SECONDS:g} seconds")
    return Verified(error="verifying it ended the process that did")
