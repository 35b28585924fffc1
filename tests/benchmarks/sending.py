"""Assembling and sending a notice: arfgate against the standard library's EmailMessage and smtplib.

    python tests/benchmarks/sending.py [--rounds 5]

Assembling is what remains when the words are there: headers, encodings, report, boundaries; the same parts on both
sides, read back equal before anything is timed; processor time, interleaved in random order. Sending is the same bytes
to one smtp-sink, one kept connection on each side, wall time, in alternation. A line is the median of the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import random
import smtplib
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import arena

from notifier.compose import Composed, assembled, compose, subject_and_text
from notifier.connection import SmtpSettings
from notifier.notice import Delivered, NoticeKind
from notifier.samples import example
from notifier.smtp import Mailer
from notifier.texts import packaged

NOTICE = example(NoticeKind.COMPLAINT)
SUBJECT, TEXT = subject_and_text(NOTICE, packaged())


def ours() -> bytes:
    return assembled(NOTICE, SUBJECT, TEXT).message


def theirs() -> bytes:
    """The same mail with EmailMessage, as its documentation says."""
    evidence = NOTICE.evidence
    assert evidence is not None
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = f"{NOTICE.sender_name} <{NOTICE.sender}>"
    mail["To"] = NOTICE.to
    mail["Reply-To"] = NOTICE.address
    mail["Subject"] = SUBJECT
    mail["Date"] = format_datetime(NOTICE.date)
    mail["Message-ID"] = "<x@isp.example>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Arfgate-Loop"] = "arfgate-x"
    mail["Content-Type"] = "multipart/report; report-type=feedback-report"
    text = EmailMessage(policy=email.policy.SMTP)
    text.set_content(TEXT)
    report = EmailMessage(policy=email.policy.SMTP)
    report["Content-Type"] = "message/feedback-report"
    fields = EmailMessage(policy=email.policy.SMTP)
    fields["Feedback-Type"] = evidence.feedback_type
    fields["User-Agent"] = "arfgate/0.1"
    fields["Version"] = "1"
    fields["Arrival-Date"] = format_datetime(evidence.arrival_date or datetime(2026, 1, 1, tzinfo=UTC))
    fields["Source-IP"] = evidence.source_ip
    fields["Source-Port"] = str(evidence.source_port)
    fields["Incidents"] = str(evidence.incidents)
    fields["Reporting-MTA"] = f"dns; {evidence.reporting_mta}"
    for domain in evidence.reported_domain:
        fields["Reported-Domain"] = domain
    for uri in evidence.reported_uri:
        fields["Reported-URI"] = uri
    report.set_payload([fields])
    headers = EmailMessage(policy=email.policy.SMTP)
    block = EmailMessage(policy=email.policy.SMTP)
    for name, value in evidence.headers:
        block[name] = value
    headers["Content-Type"] = "text/rfc822-headers"
    headers.set_payload(block.as_bytes().decode("ascii", "surrogateescape"))
    mail.set_payload([text, report, headers])
    return mail.as_bytes()


def _processor(work: Callable[[], bytes], count: int) -> float:
    start = time.process_time()
    for _ in range(count):
        work()
    return time.process_time() - start


def assembling(rounds: int, count: int = 200) -> float:
    """EmailMessage's time by ours."""
    words = [
        email.message_from_bytes(make()).get_payload(0).get_payload(decode=True).split() for make in (ours, theirs)
    ]
    if words[0] != words[1]:
        raise SystemExit("the two mails do not say the same")
    ratios = []
    for _ in range(rounds):
        contenders = random.sample([ours, theirs], 2)
        took = {work: _processor(work, count) for work in contenders}
        ratios.append(took[theirs] / took[ours])
    return statistics.median(ratios)


async def _send_ours(port: int, composed: Composed, count: int) -> float:
    async with Mailer(SmtpSettings(host="127.0.0.1", port=port, request_dsn=False)) as mailer:
        await mailer.send(composed)  # the connection is there
        start = time.perf_counter()
        for _ in range(count):
            outcome = await mailer.send(composed)
            if not isinstance(outcome, Delivered):
                raise SystemExit(f"smtp-sink said: {outcome}")
        return time.perf_counter() - start


def _send_theirs(port: int, composed: Composed, count: int) -> float:
    with smtplib.SMTP("127.0.0.1", port) as connection:
        connection.sendmail(composed.envelope_from, [composed.envelope_to], composed.message)
        start = time.perf_counter()
        for _ in range(count):
            connection.sendmail(composed.envelope_from, [composed.envelope_to], composed.message)
        return time.perf_counter() - start


def sending(rounds: int, count: int = 500) -> float:
    """smtplib's time by ours: 1 is as fast, 0.5 takes twice as long."""
    composed = compose(NOTICE)
    ratios = []
    with arena.folder() as base:
        sink = arena.CountingSink(base)
        try:
            for number in range(rounds):
                took = {}
                for mine in random.sample([True, False], 2):
                    if mine:
                        took[mine] = asyncio.run(_send_ours(sink.port, composed, count))
                    else:
                        took[mine] = _send_theirs(sink.port, composed, count)
                if number:  # the first round warms
                    ratios.append(took[False] / took[True])
        finally:
            sink.stop()
    return statistics.median(ratios)


def main(arguments: list[str] | None = None) -> str:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    lines = [f"assembling a notice: {assembling(rounds):.1f} times as fast as EmailMessage (at least 10)"]
    if (why := arena.missing()) is None:
        lines.append(f"sending a notice: {sending(rounds + 1):.2f} of smtplib on one kept connection (at least 0.5)")
    else:
        lines.append(f"sending a notice: not measured ({why})")
    return "\n".join(lines)


if __name__ == "__main__":
    print(main())
