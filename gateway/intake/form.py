"""What is sent on our pages -> a mail, so that it is stored, read, screened and kept like every other one.

Pure. A reported mail goes in as it is (message/rfc822), what is pasted as text, an incident without a mail as XARF
4 JSON beside it. Must never let a field of the form become anything but the text of a mail: addresses are
checked, header values cleaned, names of files dropped to plain letters.
"""

from __future__ import annotations

import json
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from notifier.entities import attachment, multipart, text_entity
from notifier.headers import ascii_address, header, mailbox
from notifier.notice import Part

# What the form offers. Conduct that leaves no mail behind, as XARF names it; sites; everything else is about a mail.
CONNECTIONS = {"login-attack": "login_attack", "port-scan": "port_scan", "ddos": "ddos"}
SITES = {"phishing-site": "phishing", "malware-site": "malware", "fraud-site": "fraud"}
MAILS = ("spam", "phishing", "malware", "fraud")  # categories, as they are named
_ID = re.compile(rb"^Message-ID: (<[^<>\r\n]+>)\r\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to be. `sender` and `to` are addresses, the rest is hostile text; `mails`: reported mails as bytes."""

    sender: str
    to: str
    subject: str
    text: str
    at: datetime
    parts: tuple[Part, ...] = ()
    mails: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """What happened where there is no mail. `kind`: a key of CONNECTIONS or SITES; `address` is empty for a site."""

    kind: str
    at: datetime
    address: str = ""
    port: int | None = None
    url: str = ""


def written(letter: Letter, domain: str) -> bytes:
    """The mail. Raises ValueError where `sender` is no address that a mail can come from."""
    key = secrets.token_hex(16)
    head = b"".join(
        (
            b"Return-Path: <" + ascii_address(letter.sender).encode("ascii") + b">\r\n",
            mailbox("From", letter.sender),
            mailbox("To", letter.to),
            header("Subject", letter.subject, 200),
            f"Date: {format_datetime(letter.at)}\r\nMessage-ID: <form.{key}@{domain}>\r\n".encode("ascii"),
            b"MIME-Version: 1.0\r\n",
        )
    )
    body = [text_entity(letter.text.replace("\r\n", "\n").replace("\r", "\n"))]
    # Never encoded (RFC 2046 section 5.2.1), and its lines are kept: they are the evidence.
    body += [b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + mail for mail in letter.mails]
    body += [attachment(part) for part in letter.parts]
    return head + (body[0] if len(body) == 1 else multipart("mixed", body, key))


def id_of(raw: bytes) -> str:
    """The Message-ID that `written` gave."""
    found = _ID.search(raw)
    return found[1].decode("ascii") if found else ""


def xarf(incident: Incident, reporter: str, text: str) -> Part:
    """The incident as an XARF 4 document (valid by the schema), to be attached."""
    at = incident.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    us = {"org": reporter.rpartition("@")[2], "contact": reporter, "domain": reporter.rpartition("@")[2]}
    said: dict[str, Any] = {
        "xarf_version": "4.2.0",
        "report_id": str(uuid.uuid4()),
        "timestamp": at,
        "reporter": us,
        "sender": us,
        "source_identifier": incident.address or incident.url,
        "evidence_source": "user_report",
        "description": text[:1000],
    }
    if incident.kind in CONNECTIONS:
        kind: dict[str, Any] = {
            "category": "connection",
            "type": CONNECTIONS[incident.kind],
            "protocol": "tcp",
            "first_seen": at,
        }
        said |= kind | ({"source_port": incident.port} if incident.port else {})
    else:
        said |= {"category": "content", "type": SITES[incident.kind], "url": incident.url}
    return Part("application/json", json.dumps(said, indent=1).encode("ascii"), "xarf.json")
