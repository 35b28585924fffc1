"""The demo's IMAP server: pymap in this process, in memory, on a free port of 127.0.0.1.

Mail gets in as everywhere else, by IMAP APPEND. Must never be reachable from another
machine, and never be used for anything but the demo: what it holds is gone at the end.
"""

from __future__ import annotations

import asyncio
import socket
from argparse import Namespace
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import uuid4

from aioimaplib import aioimaplib
from proxyprotocol.result import ProxyResultLocal
from proxyprotocol.sock import SocketInfo
from pymap.backend.dict import DictBackend
from pymap.backend.dict import Identity as DictIdentity
from pymap.imap import IMAPServer
from pymap.user import Passwords, UserMetadata
from pysasl.hashing import Cleartext

from gateway.demo.folder import DemoError

_SECONDS = 30.0


class Mailroom:
    """Puts mail into the demo's mailboxes, over the wire."""

    def __init__(self, port: int, password: str) -> None:
        self.port = port
        self._password = password

    async def deliver(self, mailbox: str, mails: Iterable[tuple[bytes, datetime]]) -> None:
        """Append mails to `mailbox`@isp.example, each with the time (aware) at which it came. Raises DemoError."""
        client = aioimaplib.IMAP4("127.0.0.1", self.port, timeout=_SECONDS)
        try:
            async with asyncio.timeout(_SECONDS):
                await client.wait_hello_from_server()
                await client.login(f"{mailbox}@isp.example", self._password)
                for raw, when in mails:
                    answer = await client.append(raw, date=when)
                    if answer.result != "OK":
                        raise DemoError(f"the demo's mailbox {mailbox} took no mail: {answer.lines!r}")
                await client.logout()
        except (OSError, TimeoutError, aioimaplib.AioImapException) as error:
            raise DemoError(f"the demo's IMAP server cannot be reached: {error or type(error).__name__}") from error


@asynccontextmanager
async def serving(users: Iterable[str], password: str) -> AsyncIterator[Mailroom]:
    """The server, with an empty mailbox for each of `users`."""
    listener = socket.create_server(("127.0.0.1", 0))
    # asyncio does this only for listeners that it made; without it each answer waits 40 ms for the client's ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()
    task = asyncio.create_task(_serve(listener, users, password, ready, ended))
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield Mailroom(listener.getsockname()[1], password)
    finally:
        ended.set()
        await task


def answering(imap: IMAPServer) -> Callable[[StreamReader, StreamWriter], Coroutine[Any, Any, None]]:
    """Not by proxyprotocol's reader: it keeps no hold of the task that answers, and Python 3.13 then collects it
    in the middle of a connection."""

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        await imap(reader, writer, SocketInfo.get(writer, ProxyResultLocal(), unique_id=uuid4().bytes))

    return answer


async def _serve(
    listener: socket.socket, users: Iterable[str], password: str, ready: asyncio.Future[None], ended: asyncio.Event
) -> None:
    # pymap keeps its settings in context variables of the task that starts it, so all is done in this one.
    # Clear text for the password in memory: a real hash costs 0.15 s at each login.
    overrides = {"invalid_user_sleep": 0.0, "reject_dnsbl": False, "hash_context": Cleartext()}
    backend, config = await DictBackend.init(_arguments(), **overrides)
    config.apply_context()
    async with AsyncExitStack() as stack:
        await backend.start(stack)
        for user in users:
            await _add_user(backend, config, user, password)
        server = await asyncio.start_server(answering(IMAPServer(backend.login, config)), sock=listener)
        ready.set_result(None)
        await ended.wait()
        server.close()


async def _add_user(backend: Any, config: Any, user: str, password: str) -> None:
    hashed = await Passwords(config).hash_password(password)
    identity = DictIdentity(user, backend.login, None, frozenset())
    await identity.set(UserMetadata(config, user, password=hashed))


def _arguments() -> Namespace:
    """What pymap's command line would have given; it has no other way in."""
    return Namespace(
        demo_data=False,
        inherited_sockets=None,
        demo_data_resource=None,
        demo_user="nobody",
        demo_password="unused",  # noqa: S106  (a user that pymap insists on; it holds nothing)
        host="127.0.0.1",
        port="0",
        cert=None,
        key=None,
        tls=False,
        proxy_protocol=None,
        debug=False,
        skip_services=[],
        passlib_cfg=None,
    )
