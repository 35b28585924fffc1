"""An answer: a person's (`reply`) or a machine's (`auto-reply`, RFC 3834), with the quoted text kept.

Mail to the opt-out address of a notice is an `opt-out`, whatever it says. Others are known by a
notice address among the recipients, else by In-Reply-To or References; machines also by their own
fields, and by a subject such as "Automatic reply" where something else says that nobody wrote it. Whether it
answers a notice of ours, and whether the token is a true one, screening decides. Must never claim
delivery reports, receipts or feedback reports; attached mail makes it a report unless it
came to a notice address.
"""

from __future__ import annotations

from parsers import auto_reply
from parsers.message import Message
from parsers.report import Kind, Parsed

NOT_IN_REPORTS = True


def recognises(message: Message) -> bool:
    headers = message.root.headers
    if message.delivery_parts or b"x-failed-recipients" in headers:
        return False
    if message.answers_notice:
        return True
    if message.feedback_parts or message.evidence_parts or b"x-apple-unsubscribe" in headers:
        return False
    return _answers(message) or auto_reply.certain(message)


def read(message: Message) -> Parsed:
    if message.opts_out:
        return message.parsed(Kind.OPT_OUT)
    return message.parsed(Kind.AUTO_REPLY if auto_reply.by_machine(message) else Kind.REPLY)


def _answers(message: Message) -> bool:
    return bool(message.envelope.in_reply_to or message.envelope.references)
