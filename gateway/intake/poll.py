"""The arrow from a mailbox to stored messages, and the way out of the mailbox afterwards.

Store first: bytes and coordinates are committed before anything is moved. The position is
the database's: what lies in the folder and is not known by (mailbox, folder, UIDVALIDITY,
UID) is fetched, what is filed is moved. A kill anywhere in between is made good by the
next poll. Must never look into a mail.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Self

import structlog

from gateway import pipeline
from gateway.doors import mailbox_accesses
from gateway.house import House
from gateway.intake.imap import Fetched, MailboxAccess, MailboxConnection, MailboxError
from gateway.mailbox_sections import Mailbox
from gateway.model import Mode
from gateway.store import mailboxes, messages
from gateway.store.mailboxes import MailboxState
from gateway.store.messages import Arrived, Place

LEASE = timedelta(minutes=10)

log = structlog.get_logger(module=__name__)


async def poll(house: House, box: Mailbox, filed: Callable[[], None] = lambda: None) -> int:
    """Read one mailbox to its end: fetch and store, work, move. Returns how many mails were new. `filed` is called
    after each batch: what follows from it need not wait for the rest.
    Raises MailboxError when the mailbox cannot be read (remembered), StoreError when nothing can be stored."""
    started = house.clock()
    async with house.database.writing() as connection:
        await mailboxes.register(connection, [box.name])
        if not await mailboxes.lease(connection, box.name, house.node, started, started + LEASE):
            return 0
        state = (await mailboxes.all_of(connection))[box.name]
    try:
        new = 0
        for access in mailbox_accesses(box, house.logins.get(box.name)):
            new += await _folder(house, box, access, state, filed)
    except MailboxError as error:
        async with house.database.writing() as connection:
            failures = await mailboxes.failed(connection, box.name, str(error))
        log.warning("mailbox cannot be read", mailbox=box.name, failures=failures, error=str(error))
        raise
    async with house.database.writing() as connection:
        await mailboxes.read_to(connection, box.name, started)
    return new


async def _folder(
    house: House, box: Mailbox, access: MailboxAccess, state: MailboxState, filed: Callable[[], None]
) -> int:
    async with await MailboxConnection.open(access) as mail:
        place = Place(state.id, box.name, access.folder, mail.uidvalidity)
        present = await mail.uids()
        async with house.database.reading() as connection:
            stored, leaving = await messages.known_uids(connection, place, present)
        if state.mode == Mode.LIVE:
            await _leave(house, box, mail, place, leaving)
        fresh = [uid for uid in present if uid not in stored]
        count = 0
        async with _Filing(house, filed) as filing:
            async for batch in mail.fetch_batches(fresh, house.settings.limits.message_bytes):
                count += await _store(house, box, place, batch)
                left = await filing.next([m.uid for m in batch])
                if state.mode == Mode.LIVE:
                    await _leave_filed(house, box, mail, place, left)
            left = await filing.next([])
            if state.mode == Mode.LIVE:
                await _leave_filed(house, box, mail, place, left)
        if count < len(fresh):  # gone meanwhile, or an answer that could not be read: then the next poll asks again
            log.warning("mails not fetched", mailbox=box.name, folder=access.folder, count=len(fresh) - count)
        return count


class _Filing:
    """Works on the batch that was stored last while the next one is being fetched."""

    def __init__(self, house: House, filed: Callable[[], None]) -> None:
        self._house, self._filed = house, filed
        self._uids: Sequence[int] = ()
        self._task: asyncio.Task[int] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def next(self, uids: Sequence[int]) -> Sequence[int]:
        """Begin with the batch of `uids` when the one before is done. Returns the UIDs of that one."""
        done, self._uids = self._uids, uids
        if self._task is not None:
            await self._task
            self._filed()
        self._task = asyncio.create_task(pipeline.work(self._house)) if uids else None
        return done

    async def __aexit__(self, *_: object) -> None:
        """What was stored is filed even where the mailbox broke; another failure is already on its way."""
        if self._task is not None:
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                self._task.exception()


async def _store(house: House, box: Mailbox, place: Place, batch: Sequence[Fetched]) -> int:
    arrived = [_arrived(box, mail) for mail in batch]
    now = house.clock()
    async with house.database.writing() as connection:
        await mailboxes.lease(connection, box.name, house.node, now, now + LEASE)  # a large mailbox takes longer
        await messages.store(connection, arrived, place, now)
    return len(arrived)


def _arrived(box: Mailbox, mail: Fetched) -> Arrived:
    if mail.raw is not None:
        return Arrived(mail.raw, mail.internal_date, mail.uid)
    why = f"{mail.size} bytes are more than limits.message_bytes allows: the whole mail lies in {box.failed}"
    return Arrived(mail.head or b"", mail.internal_date, mail.uid, too_big=why)


async def _leave_filed(house: House, box: Mailbox, mail: MailboxConnection, place: Place, uids: Sequence[int]) -> None:
    if not uids:
        return
    async with house.database.reading() as connection:
        _, leaving = await messages.known_uids(connection, place, uids)
    await _leave(house, box, mail, place, leaving)


async def _leave(house: House, box: Mailbox, mail: MailboxConnection, place: Place, leaving: dict[int, int]) -> None:
    """Move (or delete, or leave for good) what is filed. `leaving` is {UID: message id}."""
    if not leaving:
        return
    async with house.database.reading() as connection:
        failed = await messages.unreadable_among(connection, leaving.values())
    if box.after == "move":
        await mail.move([uid for uid, message in leaving.items() if message not in failed], box.processed)
        await mail.move([uid for uid, message in leaving.items() if message in failed], box.failed)
    elif box.after == "delete":
        await mail.delete([uid for uid, message in leaving.items() if message not in failed])
        await mail.move([uid for uid, message in leaving.items() if message in failed], box.failed)
    async with house.database.writing() as connection:
        await messages.disposed(connection, place, list(leaving), house.clock())
