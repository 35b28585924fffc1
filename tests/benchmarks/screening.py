"""Screening one report against parsing the same: by our border's word, and by own checks of DKIM with warm DNS.

    python tests/benchmarks/screening.py [--rounds 7]

Reports of 3, 20 and 200 KB. `border`: identity from Authentication-Results among all feeds that ship, who reports, and
the verdict. `own`: the same without the border's word, the signature (rsa-2048) verified by dkimpy over the raw bytes;
the names were asked for before. Processor time of this process, all in turns and in random order; a line is the median
of the rounds' ratios to `parse()`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import reports

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the tests' servers

from gateway.model import Identity, IdentityKind, Verdict
from gateway.screening import registry
from gateway.screening.duplicates import complainant, fingerprint
from gateway.screening.identity import Border, identify
from gateway.screening.own_checks import Mail, OwnChecks, Rules
from gateway.screening.reporters import reporter_of
from gateway.screening.verdict import ScreeningContext, screen
from gateway.screening.verify import Job, Verified, verify_all
from notifier.dns import Resolver
from parsers import parse
from parsers.report import Parsed
from servers.background import BackgroundLoop
from servers.name_server import NameServer
from servers.signers import Signer

KILOBYTES = (3, 20, 200)
NOW = reports.WHEN + timedelta(hours=1)
BORDER = Border(frozenset({"mx.isp.example"}), registry.registered([{"name": "fbl", "domains": ("fbl.example",)}]))
CONTEXT = ScreeningContext(
    own_addresses=frozenset({"abuse@isp.example"}),
    loop_token="arfgate-isp",
    names_ours=lambda _: False,
    now=NOW,
    age_limit=timedelta(days=7),
)
SIGNER = Signer("fbl.example", "s1", bits=2048)


class Here:
    """Verifies in this process, whose time is measured."""

    async def verify(self, jobs: Sequence[Job]) -> list[Verified]:
        return verify_all(jobs)


def judge(parsed: Parsed, identity: Identity) -> None:
    """What screening does when it knows who sent it. Ends the program if that is nobody."""
    reporter_of(identity, parsed)
    for report in parsed.reports:
        complainant(report, identity)
        fingerprint(report)
        if screen(parsed, report, identity, CONTEXT).verdict is not Verdict.ACCEPTED:
            raise SystemExit(f"not accepted: {identity}")


class Contenders:
    """The same mails for everybody: stamped by our border for one, signed for the other."""

    def __init__(self, raws: Sequence[bytes], resolver: Resolver, loop: asyncio.AbstractEventLoop) -> None:
        self.raws = raws
        self.parsed = [parse(raw) for raw in raws]
        bare = [
            re.sub(rb"(?:Authentication-Results|DKIM-Signature):[^\n]*\r\n(?:\t[^\n]*\r\n)*", b"", raw, count=2)
            for raw in raws
        ]
        at = f"t={int(NOW.timestamp())}".encode()
        signed = [SIGNER.sign(raw, tags=at) for raw in bare]
        unknown = Identity(IdentityKind.UNCHECKED)
        self.mails = [Mail(raw, parse(raw).envelope, NOW, unknown) for raw in signed]
        self.resolver, self.loop = resolver, loop

    def parsing(self) -> None:
        for raw in self.raws:
            parse(raw)

    def border(self) -> None:
        for parsed in self.parsed:
            judge(parsed, identify(parsed.envelope, BORDER))

    def own(self) -> None:
        checks = OwnChecks(self.resolver, Here(), Rules(seconds=5.0), BORDER)
        for parsed, identity in zip(
            self.parsed, self.loop.run_until_complete(checks.identities(self.mails)), strict=True
        ):
            judge(parsed, identity)


def seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def line(kilobytes: int, rounds: int, resolver: Resolver, loop: asyncio.AbstractEventLoop) -> str:
    raws = reports.reports(kilobytes * 1000, max(6, 300 // kilobytes))
    them = Contenders(raws, resolver, loop)
    everybody = {"parse": them.parsing, "border": them.border, "own": them.own}
    for work in everybody.values():  # warm, the name server's answers too
        work()
    told = [
        {name: seconds(everybody[name]) for name in random.sample(list(everybody), len(everybody))}
        for _ in range(rounds)
    ]
    border, own = (statistics.median(one[name] / one["parse"] for one in told) for name in ("border", "own"))
    return (
        f"screening {kilobytes:3} KB: {border:.2f} of parsing with the border's header, {own:.1f} with own DKIM checks"
    )


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description="screening against parsing")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args(arguments).rounds
    background = BackgroundLoop()
    server = NameServer(background)
    server.start()
    loop = asyncio.new_event_loop()
    try:
        SIGNER.publish(server)
        resolver = Resolver(["127.0.0.1"], server.port, seconds=5.0)
        lines = []
        for kilobytes in KILOBYTES:
            print(f"  screening {kilobytes} KB ...", file=sys.stderr, flush=True)
            lines.append(line(kilobytes, rounds, resolver, loop))
        return "\n".join(lines)
    finally:
        loop.close()
        server.stop()
        background.close()


if __name__ == "__main__":
    print(main())
