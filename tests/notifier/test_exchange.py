"""A mail goes over in as few turns as the server allows, and whatever it answers in between is one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from notifier.connection import SmtpSettings
from notifier.exchange import stuffed
from notifier.notice import Deferred, Delivered, Refused, Why
from notifier.smtp import Mailer

Make = Callable[..., Any]
PIPELINING = ["PIPELINING", "SIZE 100000"]


def to(port: int) -> Mailer:
    return Mailer(SmtpSettings(host="127.0.0.1", port=port, answer_seconds=5, connect_seconds=5, total_seconds=10))


@dataclass
class Turns:
    """A server that answers whatever came in one packet at once, and counts the packets after EHLO."""

    extensions: list[str]
    packets: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example\r\n")
        content = False
        while packet := await reader.read(65536):
            if packet.startswith(b"EHLO"):
                lines = ["mx.example", *self.extensions]
                answers = [f"250{'-' if n < len(lines) - 1 else ' '}{line}" for n, line in enumerate(lines)]
            elif content:
                content = not packet.endswith(b"\r\n.\r\n")
                answers = [] if content else ["250 2.0.0 queued"]
                self.packets.append(packet)
            else:
                self.packets.append(packet)
                answers = []
                for line in packet.splitlines():
                    content = content or line == b"DATA"
                    answers.append("354 go on" if line == b"DATA" else "250 ok")
            writer.write("".join(f"{answer}\r\n" for answer in answers).encode())


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[int]:
    """A port where `serve` answers; every session is over at the end."""
    sessions: set[asyncio.Task[None]] = set()

    async def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sessions.add(asyncio.current_task())  # type: ignore[arg-type]  # there is one
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*sessions)
        await server.wait_closed()


@pytest.mark.standard("RFC 2920")
@pytest.mark.parametrize(("extensions", "most"), [(PIPELINING, 2), ([], 4)])
async def test_a_mail_takes_two_turns_where_the_server_allows_it_and_four_elsewhere(
    mail: Make, extensions: list[str], most: int
) -> None:
    server = Turns(extensions)
    async with listening(server.serve) as port, to(port) as mailer:
        for number in range(3):
            assert isinstance(await mailer.send(mail()), Delivered)
            assert len(server.packets) == most * (number + 1)
    assert (b"DATA\r\n" in server.packets[0]) == (most == 2)
    assert all(b"Hello" not in packet for packet in server.packets[: most - 1])


@pytest.mark.standard("RFC 2920")
@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ({"RCPT": "550 5.1.1 nobody"}, Refused(Why.RECIPIENT, "550 5.1.1 nobody")),  # and DATA gets its 354
        ({"RCPT": "550 5.1.1 nobody", "DATA": "554 no recipient"}, Refused(Why.RECIPIENT, "550 5.1.1 nobody")),
        ({"MAIL": "451 4.7.1 later", "RCPT": "503 first MAIL", "DATA": "503 no"}, Deferred(Why.SENDER, "451 4.7.1 later")),
        ({"DATA": "451 4.3.0 disk"}, Deferred(Why.SERVER, "451 4.3.0 disk")),
        ({"RCPT": "421 4.3.2 closing"}, Deferred(Why.SERVER, "421 4.3.2 closing")),
    ],
)  # fmt: skip
async def test_the_first_answer_that_is_no_yes_decides(
    make_smtp: Make, mail: Make, replies: dict[str, str], expected: Any
) -> None:
    smtp = await make_smtp(extensions=PIPELINING, replies=dict(replies))
    async with to(smtp.port) as mailer:
        assert await mailer.send(mail()) == expected
        smtp.replies.clear()
        assert isinstance(await mailer.send(mail()), Delivered)
    assert smtp.messages[-1] == mail().message
    assert all(content == b"" for content in smtp.messages[:-1])  # never the content of a refused mail


@pytest.mark.parametrize("extensions", [PIPELINING, []])
@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_kept_connection_that_breaks_before_the_content_is_replaced(
    make_smtp: Make, mail: Make, extensions: list[str], verb: str
) -> None:
    smtp = await make_smtp(extensions=extensions)
    async with to(smtp.port) as mailer:
        assert isinstance(await mailer.send(mail()), Delivered)
        smtp.replies[verb] = ["CUT"]
        assert isinstance(await mailer.send(mail()), Delivered)
    assert smtp.connections == 2
    assert len(smtp.messages) == 2


async def test_what_the_server_says_unasked_is_no_answer_to_the_next_mail(mail: Make) -> None:
    spoken = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx.example\r\n")
        while line := await reader.readline():
            writer.write(b"354 go on\r\n" if line == b"DATA\r\n" else b"250 ok\r\n")
            if line == b"DATA\r\n":
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 queued\r\n")
                await writer.drain()
                if not spoken.is_set():
                    writer.write(b"250 for nothing\r\n")
                    spoken.set()

    async with listening(serve) as port, to(port) as mailer:
        assert isinstance(await mailer.send(mail()), Delivered)
        assert isinstance(await mailer.send(mail()), Delivered)


async def test_an_answer_without_end_is_cut(make_smtp: Make, mail: Make) -> None:
    for endless in ("250-" + "x" * 40_000, "\r\n".join(["250-more"] * 9000)):
        smtp = await make_smtp(replies={"MAIL": endless})
        async with to(smtp.port) as mailer:
            outcome = await mailer.send(mail())
        assert isinstance(outcome, Deferred)
        assert len(outcome.answer) <= 500


@pytest.mark.standard("RFC 5321")
@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", b"\r\n"),
        (b".", b"..\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r.\rb", b"a\r\n..\r\nb\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\n\r\n..\r\n"),
        (b"..a\r\n", b"...a\r\n"),
    ],
)
def test_nothing_in_a_mail_is_taken_for_its_end(content: bytes, line: bytes) -> None:
    assert stuffed(content) == line
    assert b"\r\n.\r\n" not in b"\r\n" + stuffed(content)
