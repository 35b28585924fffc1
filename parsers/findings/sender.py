"""Does the mail contradict itself about who sent it: From, Return-Path, DKIM, Reply-To, display name? (MED-1, NET-1.)

Domains only, since return paths often hold the recipient. A bulk mailer's own return path is
no contradiction as long as anything agrees with From.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from parsers import envelope, fields
from parsers.report import Finding
from parsers.reported import ReportedMail

_ADDRESS = re.compile(rb"[A-Za-z0-9._%+=-]{1,64}@([A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,63})")
NAMED = 5


def check(mail: ReportedMail) -> Iterator[Finding]:
    headers = mail.headers
    if not headers.may_have("from"):
        if headers.may_have("received") or headers.may_have("subject"):
            yield Finding("no-sender", "the mail has no From field")
        return
    if not mail.senders:
        yield Finding("no-sender", "the From field holds no address")
        return
    fields_of_it = len(envelope.raw(headers, "from"))
    if len(mail.senders) > 1 or fields_of_it > 1:
        domains = ", ".join(dict.fromkeys(box.address.rpartition("@")[2] for box in mail.senders[:NAMED]))
        count = max(len(mail.senders), fields_of_it)
        yield Finding("several-senders", f"the mail names {count} senders in From (domains: {domains})")
    if not _related(mail):
        yield from _unrelated(mail)
    if headers.may_have("reply-to"):
        yield from _replies(mail)
    if "@" in (text := envelope.first(headers, "from") or "")[: text.rfind("<")]:
        yield from _name(text)


def _related(mail: ReportedMail) -> bool:
    """Is From related to the return path or to a signature, or are there none of them?"""
    others = [_registrable(name) for name in (mail.returned_to, *mail.signers) if name]
    return not others or _registrable(mail.from_domain or "") in others


def _unrelated(mail: ReportedMail) -> Iterator[Finding]:
    said = mail.from_domain or ""
    words = [f"From names {said}"]
    if mail.returned_to:
        words.append(f"the return path {mail.returned_to}")
    if mail.signers:
        words.append(f"the DKIM signature {', '.join(mail.signers[:NAMED])}")
    yield Finding("sender-domains-unrelated", f"{', '.join(words)}: none of them belongs to the domain in From")


def _replies(mail: ReportedMail) -> Iterator[Finding]:
    boxes = envelope.mailboxes(envelope.raw(mail.headers, "reply-to")[:1])
    domains = dict.fromkeys(box.address.rpartition("@")[2] for box in boxes[:NAMED])
    elsewhere = [one for one in domains if _registrable(one) not in mail.organisations]
    if elsewhere:
        yield Finding(
            "reply-to-elsewhere",
            f"replies go to {', '.join(elsewhere)}, which is not of the sender's domain {mail.from_domain}",
        )


def _name(text: str) -> Iterator[Finding]:
    """A display name that is somebody else's address. Read from the raw field: parsers drop what they cannot place."""
    opened = text.rfind("<")
    shown = _ADDRESS.search(text[:opened].encode("ascii", "replace")) if opened > 0 else None
    if shown is None:
        return
    domain = shown[1].decode("ascii").lower()
    actual = (fields.address(text[opened:]) or "").rpartition("@")[2]
    if actual and _registrable(domain) != _registrable(actual):
        yield Finding("address-as-name", f"the sender's name is an address of {domain}, but the mail is from {actual}")


def _registrable(name: str) -> str:
    return fields.registrable(name) or name
