"""One mailbox over IMAP: list, fetch, move, delete, wait. A thin, safe layer over aioimaplib.

Listing is by UID SEARCH only and FETCH in small batches (aioimaplib recurses for each
line it reads), sizes come before bodies, names are quoted. After any error the
connection is dead (guard.py): open a new one, `pause_after` says when.

Must never touch the database, change a flag by reading, or decide what is done with a mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aioimaplib import aioimaplib

from gateway.intake.connect import (
    CertificateRefused,
    ConnectionLost,
    FolderMissing,
    LoginRefused,
    MailboxAccess,
    MailboxError,
    Unreachable,
    pause_after,
)
from gateway.intake.guard import GuardedClient
from gateway.intake.wire import Item, mailbox_name, read_code, read_fetch, read_search, said, uid_set

__all__ = [
    "CertificateRefused",
    "ConnectionLost",
    "Fetched",
    "FolderMissing",
    "LoginRefused",
    "MailboxAccess",
    "MailboxConnection",
    "MailboxError",
    "Unreachable",
    "pause_after",
]

HEAD_BYTES = 65_536
BATCH_MESSAGES = 100
BATCH_BYTES = 16 * 1024 * 1024  # of messages asked for in one FETCH, unless one alone is larger
SLOWEST = 32 * 1024  # bytes a second that a line must carry to stay in the time limit
MOVE_MESSAGES = 100
GOODBYE_SECONDS = 2.0


@dataclass(frozen=True)
class Fetched:
    """One mail. `raw` is None when it is larger than was asked for; `head` is then its first 64 KiB.

    `size` in bytes as the server counts, `internal_date` (aware UTC) is when the server took it.
    """

    uid: int
    internal_date: datetime
    size: int
    raw: bytes | None = field(repr=False)
    head: bytes | None = field(default=None, repr=False)


class MailboxConnection:
    """A selected folder. Every method raises MailboxErrors only, and after one the connection is dead (`alive`).

    `uidvalidity` and `uidnext` (None: the server did not say) are those of the moment of opening.
    """

    def __init__(self, guard: GuardedClient) -> None:
        self.access = guard.access
        self.uidvalidity = 0
        self.uidnext: int | None = None
        self._guard = guard
        self._protocol = guard.client.protocol
        self._news = asyncio.Event()
        self._watch_for_news()

    @classmethod
    async def open(cls, access: MailboxAccess) -> Self:
        """Connect, log in, select the folder. Raises Unreachable, CertificateRefused, LoginRefused, FolderMissing."""
        guard = GuardedClient(access)
        await guard.open()
        box = cls(guard)
        await guard.run(box._select())
        return box

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def alive(self) -> bool:
        return self._guard.alive

    async def close(self) -> None:
        """Say goodbye, shortly, and end the connection. Never raises a MailboxError."""
        with suppress(MailboxError):
            if self.alive and not self._guard.busy:
                await self._guard.run(self._protocol.logout(), GOODBYE_SECONDS)
        self._guard.give_up()

    async def uids(self, after: int = 0) -> list[int]:
        """The UIDs above `after`, ascending, but for those with the flag Deleted (see `move`)."""

        async def search() -> list[int]:
            await self._protocol.simple_command("NOOP")  # else some servers list what was there at the last command
            self._news.clear()
            criteria = ["UNDELETED"] if after <= 0 else ["UNDELETED", "UID", f"{after + 1}:*"]
            answer = await self._protocol.search(*criteria, charset=None, by_uid=True)
            self._expect_ok(answer, "the folder cannot be listed")
            return [uid for uid in read_search(answer.lines[:-1]) if uid > after]

        return await self._guard.run(search())

    async def fetch(self, uids: Sequence[int], max_bytes: int) -> list[Fetched]:
        """These mails, ascending by UID, all at once: for few. Uids that are gone are absent.

        A mail of more than `max_bytes` comes as its head; one whose answer cannot be read is
        absent too, and never spoils the others.
        """
        return [mail async for batch in self.fetch_batches(uids, max_bytes) for mail in batch]

    async def fetch_batches(self, uids: Sequence[int], max_bytes: int) -> AsyncIterator[list[Fetched]]:
        """As `fetch`, in pieces of at most 100 mails and about 16 MiB, so that memory stays bounded."""
        for some in _chunks(sorted(set(uids)), BATCH_MESSAGES):
            sizes = await self._fetch(some, "(UID RFC822.SIZE INTERNALDATE)", 0)
            for part in _by_weight([item for item in sizes.values() if item.size is not None], max_bytes):
                yield await self._bodies(part, max_bytes)

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Into `folder`, which is made if missing. Uids that are gone are fine.

        By UID MOVE; on older servers by COPY, the flag Deleted, and UID EXPUNGE. A server with neither MOVE
        nor UIDPLUS keeps them flagged (a bare EXPUNGE would remove other people's too): `uids` hides them.
        """
        for some in _chunks(sorted(set(uids)), MOVE_MESSAGES):
            await self._guard.run(self._move(uid_set(some), folder))

    async def delete(self, uids: Sequence[int]) -> None:
        """For good, where the server has UIDPLUS; else they stay flagged Deleted, and `uids` hides them."""
        for some in _chunks(sorted(set(uids)), MOVE_MESSAGES):
            await self._guard.run(self._remove(uid_set(some)))

    async def idle(self, seconds: float) -> bool:
        """Wait for new mail. True: look (mail came since `uids` or `idle` last told, or the connection is lost, which
        the next call tells). False after `seconds` without news. The first after opening is True at once.

        Without IDLE on the server it merely waits. Never raises a MailboxError. Holds the connection
        meanwhile; cancelling it throws the connection away.
        """
        try:
            work = self._idle(seconds) if "IDLE" in self._protocol.capabilities else _wait(seconds)
            return await self._guard.run(work, seconds + 3 * self.access.timeout)
        except MailboxError:
            return True

    def _expect_ok(self, answer: aioimaplib.Response, problem: str) -> None:
        if answer.result != "OK":
            raise MailboxError(self.access, f"{problem}: {said(answer.lines)}", "see the server's log")

    async def _select(self) -> None:
        answer = await self._protocol.select(mailbox_name(self.access.folder))
        if answer.result != "OK":
            problem = f'folder "{self.access.folder}" cannot be opened: {said(answer.lines)}'
            raise FolderMissing(self.access, problem, "correct the folder's name, or make it", "folder")
        validity = read_code(answer.lines, "UIDVALIDITY")
        if validity is None:
            raise MailboxError(self.access, "the server gives no UIDVALIDITY", "a server without UIDs cannot be used")
        self.uidvalidity, self.uidnext = validity, read_code(answer.lines, "UIDNEXT")

    async def _fetch(self, uids: Sequence[int], parts: str, expected_bytes: int) -> dict[int, Item]:
        async def fetch() -> dict[int, Item]:
            answer = await self._guard.client.uid("FETCH", uid_set(uids), parts)
            # NO: RFC 3501 lets a server refuse when some are gone, and give the others all the same
            if answer.result not in ("OK", "NO"):
                self._expect_ok(answer, "the mails cannot be fetched")
            found = read_fetch(answer.lines)
            return {uid: found[uid] for uid in uids if uid in found}

        return await self._guard.run(fetch(), self.access.timeout + expected_bytes / SLOWEST)

    async def _bodies(self, items: Sequence[Item], max_bytes: int) -> list[Fetched]:
        whole = [item for item in items if (item.size or 0) <= max_bytes]
        large = [item for item in items if (item.size or 0) > max_bytes]
        bodies: dict[int, Item] = {}
        for some, parts, weight in (
            (whole, "(UID BODY.PEEK[])", sum(item.size or 0 for item in whole)),
            (large, f"(UID BODY.PEEK[]<0.{HEAD_BYTES}>)", HEAD_BYTES * len(large)),
        ):
            if some:
                bodies |= await self._fetch([item.uid for item in some], parts, weight)
        got = (_fetched(item, bodies[item.uid].body, max_bytes) for item in items if item.uid in bodies)
        return sorted((mail for mail in got if mail is not None), key=lambda mail: mail.uid)

    async def _move(self, uids: str, folder: str) -> None:
        protocol, name = self._protocol, mailbox_name(folder)
        transfer: Callable[..., Awaitable[aioimaplib.Response]]
        transfer = protocol.move if "MOVE" in protocol.capabilities else protocol.copy
        answer = await transfer(uids, name, by_uid=True)
        if answer.result != "OK":
            # TRYCREATE is a courtesy, not a duty: on any refusal make the folder and try once more
            created = await protocol.simple_command("CREATE", name)
            answer = await transfer(uids, name, by_uid=True)
            if answer.result != "OK" and created.result != "OK" and "ALREADYEXISTS" not in said(created.lines):
                settings = {self.access.processed: "processed", self.access.failed: "failed"}
                problem = f'folder "{folder}" is missing and cannot be made: {said(created.lines)}'
                raise FolderMissing(self.access, problem, "make it, or name another one", settings.get(folder))
        self._expect_ok(answer, f'mail cannot be moved to folder "{folder}"')
        if "MOVE" not in protocol.capabilities:
            await self._remove(uids)

    async def _remove(self, uids: str) -> None:
        protocol = self._protocol
        answer = await protocol.store(uids, "+FLAGS.SILENT", r"(\Deleted)", by_uid=True)
        self._expect_ok(answer, "mail cannot be marked as deleted")
        if "UIDPLUS" in protocol.capabilities:
            self._expect_ok(await protocol.expunge(uids, by_uid=True), "mail cannot be expunged")

    async def _idle(self, seconds: float) -> bool:
        """Not by IMAP4.idle_start: that waits for ever when the server hangs up before its `+`."""
        protocol, limit = self._protocol, self.access.timeout
        if not self._news.is_set():
            async with asyncio.timeout(limit):  # in IDLE some servers tell only of what comes after its beginning
                await protocol.simple_command("NOOP")
        if self._news.is_set():
            self._news.clear()
            return True
        while not protocol.idle_queue.empty():
            protocol.idle_queue.get_nowait()
        idling = asyncio.ensure_future(protocol.idle())
        ready = asyncio.ensure_future(protocol.wait_for_idle_response())
        try:
            await asyncio.wait({idling, ready}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if idling.done():
                idling.result()
                protocol.capabilities.discard("IDLE")  # offered and refused: from now on only wait
                return await _wait(seconds)
            if not ready.done():
                raise TimeoutError
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            news = self._news.is_set()
            self._news.clear()  # before DONE: what its answer brings is for the next time
            protocol.idle_done()
            async with asyncio.timeout(limit):
                await asyncio.shield(idling)
        finally:
            idling.cancel()
            ready.cancel()
        return news

    def _watch_for_news(self) -> None:
        """Notice each `* n EXISTS`. aioimaplib drops those that come with another command's answer, and the server
        does not repeat them in IDLE: such mail would lie until the next poll."""
        pass_on = self._protocol._untagged_response  # noqa: SLF001  no public place sees these lines

        def watch(line: bytes) -> object:
            if line.endswith(b" EXISTS"):
                self._news.set()
            return pass_on(line)

        self._protocol._untagged_response = watch  # noqa: SLF001


def _fetched(item: Item, body: bytes | None, max_bytes: int) -> Fetched | None:
    if body is None or item.size is None:
        return None
    # no date, against the RFC: so old that it is recorded and nobody acts on it
    when = item.internal_date or datetime(1970, 1, 1, tzinfo=UTC)
    if item.size > max_bytes or len(body) > max_bytes:  # some servers' sizes are guesses
        return Fetched(item.uid, when, max(item.size, len(body)), raw=None, head=body[:HEAD_BYTES])
    return Fetched(item.uid, when, len(body), raw=body)


def _chunks(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(uids), size):
        yield uids[start : start + size]


def _by_weight(items: Sequence[Item], max_bytes: int) -> Iterator[list[Item]]:
    """Pieces of about BATCH_BYTES of what will be pulled; a mail that is larger stands alone."""
    part: list[Item] = []
    weight = 0
    for item in items:
        own = item.size if item.size is not None and item.size <= max_bytes else HEAD_BYTES
        if part and weight + own > BATCH_BYTES:
            yield part
            part, weight = [], 0
        part.append(item)
        weight += own
    if part:
        yield part


async def _wait(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return False
