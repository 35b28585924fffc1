"""The surroundings of a gateway in whole tests: its settings and customers, the real command as a process, and
servers that kill it at a chosen moment. The kill is in the world and never in the code under test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from gateway.app import opened
from gateway.cli import build
from gateway.intake.customers import read_customers
from gateway.policies.policy import file_of
from gateway.settings import load
from gateway.store import customers, mailboxes
from gateway.store.database import Database
from servers.background import BackgroundLoop
from servers.cut_proxy import CutProxy
from servers.receiver import Received, SmtpReceiver
from servers.waiting import arf

ARFGATE = Path(sys.executable).with_name("arfgate")
PAST = datetime(1970, 1, 1, tzinfo=UTC)

CUSTOMERS = """\
customer,name,contacts,resource,valid_from
alder,Alder Hosting,abuse@alder.example;second@alder.example,198.51.100.0/25,2020-01-01T00:00:00Z
birch,Birch Letters,abuse@birch.example,198.51.100.128/25,2020-01-01T00:00:00Z
"""

# each ends as `unreadable`, for its own reason
BROKEN = (
    b"*** no header at all ***\r\n\r\n",
    b"From: a@fbl.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"--x\r\n\r\na part\r\n" * 1000,
    b"From: a@fbl.example\r\nMIME-Version: 1.0\r\n"
    + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (i, i) for i in range(40)),
)


def report(source: str, **more: str) -> bytes:
    """A report of the registered feed about what `source` did an hour ago."""
    return arf(source, datetime.now(UTC) - timedelta(hours=1), **more)


def _without_ladder() -> str:
    text = file_of("default").read_text(encoding="utf-8").replace('name = "default"', 'name = "plain"')
    before, _, rest = text.partition("[ladder]")
    return before + rest[rest.index("# --- actions") :]


@dataclass(frozen=True)
class Done:
    """What a command said and its exit status."""

    status: int
    out: str
    err: str


@dataclass
class World:
    """The settings of one gateway. `boxes` are tables of [[mailboxes]], `sections` those of the other sections. Its
    policy is the default one without strikes: whole tests count mails, and a warning among them says nothing new."""

    folder: Path
    database_url: str
    boxes: list[dict[str, Any]] = field(default_factory=list)
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "arfgate.toml"

    def mailbox(self, name: str, port: int, user: str, **more: Any) -> None:
        """An IMAP mailbox on loopback, plain unless said otherwise."""
        usual = {"name": name, "role": name, "host": "127.0.0.1", "security": "plain", "password": "secret"}
        self.boxes.append(usual | {"port": port, "user": user, "poll_seconds": 1, "timeout_seconds": 10} | more)

    def write(self) -> None:
        sections: dict[str, dict[str, Any]] = {
            "operator": {
                "name": "Example Provider", "domain": "isp.example", "address": "abuse@isp.example",
                "networks": ["198.51.100.0/24"], "authserv_ids": ["mx.isp.example"],
            },
            "database": {"url": self.database_url},
            "smtp": {"host": "127.0.0.1", "security": "none", "bounce_grace_minutes": 0},
            "rdap": {"enabled": False},
            "screening": {"own_checks": False},  # a test that wants them brings a name server
            "attribution": {"ask_dns": False},
            "web": {"enabled": False},
            "policy": {"name": "plain.toml"},
        }  # fmt: skip
        (self.folder / "plain.toml").write_text(_without_ladder(), encoding="utf-8")
        for name, more in self.sections.items():
            sections[name] = sections.get(name, {}) | more
        lines = ['secret_key = "for-tests-only-0123456789-0123456789"', 'node = "test"']
        for name, section in sections.items():
            lines += [f"[{name}]", *_lines(section)]
        for box in self.boxes:
            lines += ["[[mailboxes]]", *_lines(box)]
        lines += ["[[feeds]]", 'name = "fbl"', 'domains = ["fbl.example"]']
        self.config.write_text("\n".join(lines), encoding="utf-8")
        self.config.chmod(0o600)

    def customers(self) -> Path:
        file = self.folder / "customers.csv"
        file.write_text(CUSTOMERS, encoding="utf-8")
        return file

    def run(self, *arguments: str) -> Done:
        """The real command line, in this process, which saves seconds. Not in a test that has a loop."""
        done = CliRunner().invoke(build(arguments[0]), [*arguments, "--config", str(self.config)])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    def run_process(self, *arguments: str) -> Done:
        """The installed command as a process of its own, to its end."""
        command = [ARFGATE, *arguments, "--config", str(self.config)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment(), cwd=self.folder, check=False, timeout=60
        )
        return Done(done.returncode, done.stdout, done.stderr)

    async def prepare(self) -> None:
        """Write the settings, import the customers, and put every mailbox live since ever."""
        self.write()
        async with opened(load(self.config)) as house, house.database.writing() as connection:
            await customers.import_file(connection, read_customers(self.customers()), who="test", now=house.clock())
            names = [box["name"] for box in self.boxes]
            await mailboxes.register(connection, names)
            for name in names:
                await mailboxes.go_live(connection, name, PAST, who="test", now=house.clock())

    async def ask(self, question: str) -> list[Any]:
        """The rows that a question to the database gives."""
        async with self.looking() as look:
            return await look(question)

    @contextlib.asynccontextmanager
    async def looking(self) -> AsyncIterator[Callable[[str], Awaitable[list[Any]]]]:
        database = Database(self.database_url)

        async def look(question: str) -> list[Any]:
            async with database.reading() as connection:
                return list(await connection.execute(text(question)))

        try:
            yield look
        finally:
            await database.close()

    async def until(self, question: str, wanted: Callable[[Any], bool], seconds: float = 180.0) -> Any:
        """The first row that a question gives, once it is as `wanted`. Another process writes the database:
        there is no event to await."""
        async with self.looking() as look, asyncio.timeout(seconds):
            while not wanted(row := tuple((await look(question))[0])):
                await asyncio.sleep(0.01)
            return row


class Service:
    """`arfgate run` as a process. `lines` are those of its log (JSON), as they come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self.lines: list[dict[str, Any]] = []
        self.other_output: list[str] = []

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self.lines, self.other_output = [], []
        self._process = subprocess.Popen(
            [ARFGATE, "run", "--config", str(self._world.config)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=_environment(),
            cwd=self._world.folder,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=[self._process], daemon=True)
        self._reader.start()

    async def wait_for(self, event: str, seconds: float = 30.0, **values: object) -> dict[str, Any]:
        """The first log line of this name with these values."""

        def said() -> dict[str, Any] | None:
            return next(
                (line for line in self.lines if line["event"] == event and values.items() <= line.items()), None
            )

        def wait() -> dict[str, Any] | None:
            with self._changed:
                self._changed.wait_for(lambda: said() is not None, timeout=seconds)
            return said()

        line = await asyncio.to_thread(wait)
        assert line is not None, f"it never said {event!r}; it said {self.lines} {self.other_output}"
        return line

    async def ended(self, seconds: float = 60.0) -> int:
        """The exit status, once it ended; its log is complete then."""
        assert self._process is not None
        try:
            status = await asyncio.to_thread(self._process.wait, seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it goes on; it said {self.lines[-20:]} {self.other_output}")
        await asyncio.to_thread(self._reader.join, 10)
        return status

    def tell(self, by: signal.Signals) -> None:
        """If it still runs."""
        assert self._process is not None
        self._process.send_signal(by)

    async def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        self.tell(by)
        return await self.ended()

    def clean_up(self) -> None:
        """Nothing may be left of it, whatever became of the test."""
        if self._process is not None:
            print(*self.lines[-30:], *self.other_output, sep="\n")  # pytest shows it with a failure
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._reader.join(10)

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                with self._changed:
                    try:
                        self.lines.append(json.loads(line))
                    except ValueError:
                        self.other_output.append(line)
                    self._changed.notify_all()


class Tripwire(CutProxy):
    """A proxy before an IMAP server that springs when a client first says one of the words; the command that
    holds it never arrives."""

    def __init__(self, background: BackgroundLoop, port: int) -> None:
        super().__init__(background, "127.0.0.1", port)
        self._words: tuple[bytes, ...] = ()
        self._spring: Callable[[], None] = lambda: None

    def arm(self, words: tuple[bytes, ...], spring: Callable[[], None]) -> None:
        self._words, self._spring = words, spring

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                if any(word in data for word in self._words):
                    self._words = ()
                    self._spring()
                    return
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # the other side was cut
        finally:
            writer.close()


class LethalReceiver(SmtpReceiver):
    """Takes mail, and kills the service at the moment that was asked for, once."""

    def kill_before_accepting(self, pid: int, number: int) -> None:
        """With message `number` from now on in full, and no answer given: it is not kept."""
        self._moment = ("before", pid, len(self.received) + number)

    def kill_after_accepting(self, pid: int, number: int) -> None:
        """With message `number` from now on kept and 250 sent, which the service has no time to read."""
        self._moment = ("after", pid, len(self.received) + number)

    def _keep(self, message: Received) -> None:
        when, pid, number = getattr(self, "_moment", ("", 0, 0))
        if not when or len(self.received) + 1 < number:
            super()._keep(message)
            return
        self._moment = ("", 0, 0)
        if when == "before":
            os.kill(pid, signal.SIGKILL)
            return
        os.kill(pid, signal.SIGSTOP)  # it cannot read what it is told now
        asyncio.get_running_loop().call_later(0.2, os.kill, pid, signal.SIGKILL)
        super()._keep(message)


def _lines(section: dict[str, Any]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in section.items()]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ARFGATE_")}
