"""Those who answer in the demo: a mail server that bounces, and a customer who replies.

Each reads the mail that really went out and answers it as its software would, by mail.
Must never know more of a notice than stands in it.
"""

from __future__ import annotations

from datetime import datetime

from gateway.demo import mails
from gateway.demo.imap_server import Mailroom
from gateway.demo.mails import Answer, Sample
from gateway.demo.smtp_receiver import Kept, Receiver


async def answer(receiver: Receiver, mailroom: Mailroom, now: datetime) -> list[Sample]:
    """Send what comes back to the first notice of each reader. Returns what was sent."""
    sent = []
    for wanted in mails.answers():
        notice = next((mail for mail in receiver.kept if mail.recipient == wanted.reads), None)
        if notice is not None:
            sample = _answered(wanted, notice, now)
            await mailroom.deliver(sample.mailbox, [(sample.raw, now)])
            sent.append(sample)
    return sent


def _answered(wanted: Answer, notice: Kept, now: datetime) -> Sample:
    header = {name.lower().replace("-", "_"): value for name, value in notice.header.items()}
    values = header | {"return_path": notice.return_path, "recipient": notice.recipient}
    return Sample(wanted.row, wanted.mailbox, wanted.title, now, mails.as_mail(wanted.template, now, values))
