"""Reading one report: arfgate's parser against the standard library's, with identical fields.

    python tests/benchmarks/parsing.py [--rounds 7]

Reports of 3, 20 and 200 KB; in each round all three read the same mails in random order, and
what they found must be equal. What is printed is the median of the rounds' ratios. `parse`
does more than the others are asked for (envelope, trace, resources, identifiers, digest of the body).
"""

from __future__ import annotations

import argparse
import hashlib
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from email import message_from_bytes, policy
from email.message import Message
from email.policy import Policy
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any

import mails

from parsers import parse

KILOBYTES = (3, 20, 200)
Fields = tuple[Any, ...]


def ours(raw: bytes) -> Fields:
    report = parse(raw).reports[0]
    original = report.original
    assert original is not None
    return (
        report.feedback_type, report.user_agent, report.version, report.source_ip, report.arrival_date,
        report.original_mail_from, list(report.original_rcpt_to), report.reporting_mta, list(report.reported_domain),
        original.message_id, original.from_, original.subject, original.date, original.body_digest,
    )  # fmt: skip


def standard(raw: bytes, chosen: Policy[Any]) -> Fields:
    mail = message_from_bytes(raw, policy=chosen)
    parts = {part.get_content_type(): part for part in mail.get_payload()}
    fields = parts["message/feedback-report"].get_payload(0)
    original = parts["message/rfc822"].get_payload(0)
    return (
        fields["Feedback-Type"], fields["User-Agent"], fields["Version"], str(ip_address(fields["Source-IP"])),
        parsedate_to_datetime(fields["Arrival-Date"]).astimezone(UTC), fields["Original-Mail-From"].strip("<>"),
        [value.strip("<>") for value in fields.get_all("Original-Rcpt-To")],
        fields["Reporting-MTA"].partition(";")[2].strip(), fields.get_all("Reported-Domain"),
        original["Message-ID"], original["From"].partition("<")[2].strip(">"), original["Subject"],
        parsedate_to_datetime(original["Date"]).astimezone(UTC), body_digest(original),
    )  # fmt: skip


def body_digest(original: Message) -> str:
    """SHA-256 of the reported mail's body, written anew: the standard library keeps no bytes."""
    body = original.as_bytes(policy=policy.compat32.clone(linesep="\r\n")).partition(b"\r\n\r\n")[2]
    return hashlib.sha256(body).hexdigest()


READERS: dict[str, Callable[[bytes], Fields]] = {
    "arfgate": ours,
    "compat32": lambda raw: standard(raw, policy.compat32),
    "policy.default": lambda raw: standard(raw, policy.default),
}


def measure(kilobytes: int, rounds: int) -> str:
    count = max(4, 400 // kilobytes)
    raws = mails.complaints(count, kilobytes * 1000)
    found = {name: [read(raw) for raw in raws] for name, read in READERS.items()}  # and warms everything up
    for name, fields in found.items():
        if fields != found["arfgate"]:
            raise SystemExit(f"{name} reads {fields[0]}, arfgate {found['arfgate'][0]}")
    ratios: dict[str, list[float]] = {"compat32": [], "policy.default": []}
    rates = []
    for _ in range(rounds):
        seconds = {name: _seconds(READERS[name], raws) for name in random.sample(list(READERS), len(READERS))}
        for name, told in ratios.items():
            told.append(seconds[name] / seconds["arfgate"])
        rates.append(count / seconds["arfgate"])
    told = ", ".join(f"{statistics.median(values):.1f} times {name}" for name, values in ratios.items())
    return f"parsing, report of {kilobytes} KB: {told}, {statistics.median(rates):.0f} reports/s"


def _seconds(read: Callable[[bytes], Fields], raws: Sequence[bytes]) -> float:
    start = time.perf_counter()
    for raw in raws:
        read(raw)
    return time.perf_counter() - start


def main(arguments: Sequence[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description="arfgate's parser against the standard library's")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args(arguments).rounds
    lines = []
    for kilobytes in KILOBYTES:
        print(f"  parsing {kilobytes} KB ...", file=sys.stderr, flush=True)
        lines.append(measure(kilobytes, rounds))
    return "\n".join(lines)


if __name__ == "__main__":
    print(main())
