"""The whole way of a report, from the mailbox to the sent notice: arfgate against a naive reference.

    python tests/benchmarks/pipeline.py [--messages 600] [--reports 3] [--rounds 3] [--kilobytes 10]

Both read the same mails from the same Dovecot and send to the same smtp-sink, in turns and in
random order, each time with a fresh mailbox and a fresh database file (SQLite, synchronous
FULL). What is printed is the median of the rounds' ratios; a run in which the two did not do
the same work ends with an error: what both wrote of each report and its notice is compared value by value, and, of a
few mails before the first round, what both sent, word by word. Starting up (migrations, import, the reading process) is not
measured, for neither. Look-ups of WHOIS contacts are off: the reference has none.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import io
import logging
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import arena
import mails
from arena import PASSWORD, Dovecot
from naive import Naive
from same_work import difference, said, written
from sqlalchemy import text

from gateway import logs, pipeline
from gateway.app import opened, utc_now
from gateway.house import House
from gateway.intake.customers import read_customers
from gateway.policies.policy import file_of
from gateway.service import Service
from gateway.settings import load
from gateway.store import customers, mailboxes

FEW = 20  # mails of which also what was sent is compared

SETTINGS = """
secret_key = "{key}"
[operator]
name = "ISP"
domain = "isp.example"
address = "abuse@isp.example"
authserv_ids = ["mx.isp.example"]
networks = ["2001:db8::/32"]
[database]
url = "sqlite+aiosqlite:///{folder}/arfgate.sqlite"
[smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
bounce_grace_minutes = 0
[policy]
name = "plain.toml"
[rdap]
enabled = false
[screening]
own_checks = false
[web]
enabled = false
[[feeds]]
name = "fbl"
domains = ["fbl.example"]
[[mailboxes]]
name = "abuse"
role = "abuse"
host = "127.0.0.1"
port = {imap_port}
security = "plain"
user = "{user}"
password = "{password}"
"""


@dataclass(frozen=True)
class Done:
    """What a run did, as both databases tell it, and the seconds it took."""

    seconds: float
    messages: int
    accepted: int
    attributed: int
    cases: int
    running: int  # clocks whose time runs
    sent: int
    left: int  # mails still in the mailbox
    written: dict[str, Any]  # what is stored of each report, by its Message-ID, and how many events of each kind

    def work(self) -> tuple[int, ...]:
        return (self.messages, self.accepted, self.attributed, self.cases, self.running, self.sent, self.left)


COUNTS = """SELECT (SELECT count(*) FROM messages WHERE state = 'filed'),
 (SELECT count(*) FROM reports WHERE verdict = 'accepted'),
 (SELECT count(*) FROM attributions WHERE reason = 'assigned'), (SELECT count(*) FROM cases WHERE state = 'open'),
 (SELECT count(*) FROM clocks WHERE state = 'running'), (SELECT count(*) FROM notices WHERE state = 'sent')"""


async def ours(folder: Path, dovecot: Dovecot, user: str, smtp_port: int) -> Done:
    """One run of arfgate, as its service does it: poll, then everything that follows."""
    config = folder / "arfgate.toml"
    filled = {"key": "k" * 40, "folder": folder, "password": PASSWORD, "user": user}
    config.write_text(SETTINGS.format(**filled, smtp_port=smtp_port, imap_port=dovecot.port))
    (folder / "customers.csv").write_text(mails.customers_csv())
    (folder / "plain.toml").write_text(plain_policy())  # the reference knows no strikes
    async with opened(load(config)) as house:
        await _prepare(house, folder)
        start = time.perf_counter()
        service = Service(house)
        await service.poll(house.settings.mailboxes[0])
        await service.turn()  # what the turn that was under way during the poll may have missed
        seconds = time.perf_counter() - start
        async with house.database.reading() as connection:
            counts = (await connection.execute(text(COUNTS))).one()
    return Done(seconds, *counts, left=dovecot.count(user), written=written(folder / "arfgate.sqlite"))


def plain_policy() -> str:
    """The default policy without its ladder of warnings."""
    text = file_of("default").read_text(encoding="utf-8").replace('name = "default"', 'name = "plain"')
    before, _, rest = text.partition("[ladder]")
    return before + rest[rest.index("# --- actions") :]


async def _prepare(house: House, folder: Path) -> None:
    now = utc_now()
    async with house.database.writing() as connection:
        await customers.import_file(connection, read_customers(folder / "customers.csv"), who="bench", now=now)
        await mailboxes.go_live(connection, "abuse", now - timedelta(days=1), who="bench", now=now)
    gc.freeze()  # as the service does when it starts
    await house.workers.parse(mails.complaints(1, 3000))  # the reading process is up, as in a running service
    await pipeline.drain(house)


def reference(folder: Path, dovecot: Dovecot, user: str, smtp_port: int) -> Done:
    """One run of the naive one."""
    naive = Naive(folder, mails.customers_csv(), (dovecot.port, user, PASSWORD), smtp_port)
    start = time.perf_counter()
    naive.run()
    seconds = time.perf_counter() - start
    counts = naive.database.execute(COUNTS).fetchone()
    naive.database.close()
    return Done(seconds, *counts, left=dovecot.count(user), written=written(folder / "naive.sqlite"))


class Bench:
    def __init__(self, dovecot: Dovecot, sink: arena.CountingSink, raws: Sequence[bytes]) -> None:
        self.dovecot, self.sink, self.raws = dovecot, sink, raws

    def run(self, name: str) -> Done:
        """One pipeline over a fresh mailbox. Ends the program when the work was not done."""
        user = self.dovecot.new_user("bench")
        self.dovecot.deliver_all(user, self.raws)
        before = self.sink.mails()
        with arena.folder() as folder:
            if name == "arfgate":
                done = asyncio.run(ours(folder, self.dovecot, user, self.sink.port))
            else:
                done = reference(folder, self.dovecot, user, self.sink.port)
        received = self.sink.mails() - before
        processed = self.dovecot.count(user, "Processed")
        if (received, processed) != (done.sent, len(self.raws)):
            raise SystemExit(f"{name}: {done}, but the sink took {received} and {processed} mails were moved")
        return done


def measure(messages: int, sources: int, rounds: int, size: int, say: Callable[[str], None]) -> str:
    """The line to print: the median of the rounds' ratios."""
    ratios, rates = [], []
    with arena.servers() as (dovecot, sink):
        compare(dovecot, mails.complaints(FEW, size))  # warms the disk, the server and the interpreter, too
        say(f"  both write and say the same of {FEW} reports")
        bench = Bench(dovecot, sink, mails.complaints(messages, size, sources))
        for number in range(1, rounds + 1):
            names = ["arfgate", "naive"]
            random.shuffle(names)
            done = {name: bench.run(name) for name in names}
            _expect_same(done)
            if done["naive"].sent != sources:
                raise SystemExit(f"{done['naive'].sent} notices instead of {sources}")
            ratios.append(done["naive"].seconds / done["arfgate"].seconds)
            rates.append(messages / done["arfgate"].seconds)
            say(f"  round {number}/{rounds}: arfgate {rates[-1]:.0f}/s, {ratios[-1]:.1f} times the naive one")
    return (
        f"pipeline, {messages} reports of {size // 1000} KB about {sources} addresses ({sources} notices): "
        f"{statistics.median(ratios):.1f} times the naive reference ({min(ratios):.1f} to {max(ratios):.1f}), "
        f"{statistics.median(rates):.0f} reports/s"
    )


def compare(dovecot: Dovecot, raws: Sequence[bytes]) -> None:
    """Ends the program where the two do not write and send the same of these mails. Not measured."""
    done, mailed = {}, {}
    for name in ("arfgate", "naive"):
        with arena.dumping_sink() as (sink, dumped):
            done[name] = Bench(dovecot, sink, raws).run(name)
            mailed[name] = said(dumped)
    _expect_same(done)
    if why := difference(mailed["arfgate"], mailed["naive"]):
        raise SystemExit(f"not the same words: {why}")


def _expect_same(done: dict[str, Done]) -> None:
    one, two = done["arfgate"], done["naive"]
    why = difference(one.written, two.written) if one.work() == two.work() else f"{one.work()} and {two.work()}"
    if why:
        raise SystemExit(f"not the same work: {why}")


def quiet_logs() -> None:
    """Both log as they do in production, into nothing."""
    nothing = io.StringIO()
    logs.configure("info", "json", nothing)
    naive = logging.getLogger("naive")
    naive.handlers[:] = [logging.StreamHandler(nothing)]  # as the standard library does it, without our processors
    naive.propagate = False
    naive.setLevel(logging.INFO)


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description="arfgate's pipeline against a naive reference")
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--reports", type=int, default=3, help="for each address; only the first brings a notice")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kilobytes", type=int, default=10)
    chosen = parser.parse_args(arguments)
    why = arena.missing()
    if why is not None:
        return f"pipeline: not measured, {why}"
    quiet_logs()
    sources = max(1, chosen.messages // chosen.reports)
    return measure(
        chosen.messages,
        sources,
        chosen.rounds,
        chosen.kilobytes * 1000,
        lambda said: print(said, file=sys.stderr, flush=True),
    )


if __name__ == "__main__":
    print(main())
