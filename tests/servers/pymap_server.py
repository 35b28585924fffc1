"""pymap in this process: an IMAP server for tests that need no root. Its loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any

from pymap.backend.dict import DictBackend
from pymap.backend.dict import Identity as DictIdentity
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import Passwords, UserMetadata
from pysasl.hashing import Cleartext

from gateway.demo.imap_server import answering
from servers.background import BackgroundLoop
from servers.ports import free_port


class PymapServer:
    """Plain IMAP on 127.0.0.1:`port`; users and their mail are given by `add_user` and `deliver`."""

    host = "127.0.0.1"

    def __init__(self, background: BackgroundLoop) -> None:
        self.port = free_port()
        self._background = background
        self._stop: asyncio.Event
        self._task: asyncio.Task[None]
        self._config: Any = None
        self._backend: Any = None
        self._commands: asyncio.Queue[Any]

    def start(self) -> None:
        self._background.run(self._start())

    def stop(self) -> None:
        self._background.run(self._end())

    def add_user(self, user: str, password: str = "secret") -> None:
        self._background.run(self._within(self._add_user(user, password)))

    def deliver(self, user: str, raw: bytes, internal_date: datetime | None = None, folder: str = "INBOX") -> None:
        self.deliver_all(user, [raw], internal_date, folder)

    def deliver_all(
        self, user: str, raws: list[bytes], internal_date: datetime | None = None, folder: str = "INBOX"
    ) -> None:
        """Append every message; a client in IDLE is told. `internal_date` is aware, default now."""
        self._background.run(self._within(self._deliver(user, raws, internal_date or datetime.now(UTC), folder)))

    def messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        return self._background.run(self._within(self._messages(user, folder)))

    def count(self, user: str, folder: str = "INBOX") -> int:
        return len(self.messages(user, folder))

    async def _start(self) -> None:
        args = Namespace(
            demo_data=False,
            inherited_sockets=None,
            demo_data_resource=None,
            demo_user="nobody",
            demo_password="unused",
            host=self.host,
            port=str(self.port),
            cert=None,
            key=None,
            tls=False,
            proxy_protocol=None,
            debug=False,
            skip_services=[],
            passlib_cfg=None,
        )
        self._commands = asyncio.Queue()
        ready = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._serve(args, ready))
        await ready

    async def _serve(self, args: Namespace, ready: asyncio.Future[None]) -> None:
        # pymap keeps its settings in context variables of the task that started it: all is done in here
        try:
            # clear text: a real hash costs 0.15 s for each login
            overrides = {"invalid_user_sleep": 0.0, "reject_dnsbl": False, "hash_context": Cleartext()}
            self._backend, self._config = await DictBackend.init(args, **overrides)
            self._config.apply_context()
            async with AsyncExitStack() as stack:
                await self._backend.start(stack)
                await self._listen(stack)
                ready.set_result(None)
                while (command := await self._commands.get()) is not None:
                    coro, answer = command
                    try:
                        answer.set_result(await coro)
                    except Exception as error:
                        answer.set_exception(error)
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)

    async def _listen(self, stack: AsyncExitStack) -> None:
        imap = answering(IMAPServer(self._backend.login, self._config))
        open_ones: set[asyncio.StreamWriter] = set()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            open_ones.add(writer)
            try:
                await imap(reader, writer)
            finally:
                open_ones.discard(writer)
                writer.close()

        async def hang_up() -> None:
            server.close()
            for writer in open_ones:
                writer.transport.abort()
            while open_ones:
                await asyncio.sleep(0.01)

        server = await asyncio.start_server(answer, self.host, self.port)
        stack.push_async_callback(hang_up)

    async def _within(self, coro: Any) -> Any:
        answer = asyncio.get_running_loop().create_future()
        await self._commands.put((coro, answer))
        return await answer

    async def _end(self) -> None:
        await self._commands.put(None)
        await self._task

    async def _add_user(self, user: str, password: str) -> None:
        hashed = await Passwords(self._config).hash_password(password)
        await self._identity(user).set(UserMetadata(self._config, user, password=hashed))

    async def _deliver(self, user: str, raws: list[bytes], when: datetime, folder: str) -> None:
        mailbox = await self._mailbox(user, folder, create=True)
        for raw in raws:
            await mailbox.append(AppendMessage(raw, when), recent=True)

    async def _messages(self, user: str, folder: str) -> list[bytes]:
        try:
            mailbox = await self._mailbox(user, folder)
        except KeyError:
            return []
        return [bytes(message._content) async for message in mailbox.messages()]

    async def _mailbox(self, user: str, folder: str, *, create: bool = False) -> Any:
        async with self._identity(user).new_session() as session:
            if create and folder != "INBOX":
                with suppress(ValueError):  # is there
                    await session.mailbox_set.add_mailbox(folder)
            return await session.mailbox_set.get_mailbox(folder)

    def _identity(self, user: str) -> DictIdentity:
        return DictIdentity(user, self._backend.login, None, frozenset())
