"""The naive reference: what arfgate does, the way one writes it first, with the standard library alone.

One mail at a time from the mailbox to the notice: FETCH, `email` with `policy.default`, a loop
over the customers' networks, one commit per step, EmailMessage, one SMTP connection per
notice, one MOVE. The work is the pipeline's: the bytes stored before anything else, the
sender's authentication read from our own border's header, verdict, fingerprint, attribution at
the incident's time, one case per customer with a clock per address, an ARF notice with redacted
headers under a Message-ID made from its key, and an event for each change.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import imaplib
import io
import ipaddress
import json
import logging
import re
import smtplib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

KEY = b"k" * 40
OPERATOR = "abuse@isp.example"
FEEDS = {"fbl.example": "fbl"}
KEPT_HEADERS = ("Received", "From", "Subject", "Date", "Message-ID")

SCHEMA = """
PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;
CREATE TABLE messages (id INTEGER PRIMARY KEY, sha256 TEXT UNIQUE, raw BLOB, size INT, received_at TEXT, state TEXT,
  kind TEXT, message_id TEXT, sender TEXT, subject TEXT);
CREATE TABLE deliveries (id INTEGER PRIMARY KEY, message_id INT REFERENCES messages, uidvalidity INT, uid INT,
  disposed_at TEXT, UNIQUE (uidvalidity, uid));
CREATE TABLE reports (id INTEGER PRIMARY KEY, message_id INT REFERENCES messages, category TEXT, source_ip TEXT,
  arrival_date TEXT, verdict TEXT, reason TEXT, complainant TEXT, fingerprint TEXT, outer_id TEXT, parsed TEXT);
CREATE INDEX reports_fingerprint ON reports (fingerprint);
CREATE INDEX reports_source ON reports (source_ip);
CREATE TABLE attributions (id INTEGER PRIMARY KEY, report_id INT REFERENCES reports, value TEXT, reason TEXT,
  customer TEXT, how TEXT, clock_id INT, UNIQUE (report_id, value));
CREATE TABLE cases (id INTEGER PRIMARY KEY, current TEXT UNIQUE, customer TEXT, state TEXT, opened_at TEXT);
CREATE TABLE clocks (id INTEGER PRIMARY KEY, case_id INT REFERENCES cases, value TEXT, state TEXT, notified_at TEXT,
  due_at TEXT, next_at TEXT, UNIQUE (case_id, value));
CREATE INDEX clocks_next ON clocks (next_at);
CREATE TABLE notices (id INTEGER PRIMARY KEY, key TEXT UNIQUE, case_id INT, clock_id INT, recipient TEXT, facts TEXT,
  state TEXT, mail_id TEXT, sent_at TEXT, answer TEXT);
CREATE INDEX notices_due ON notices (state);
CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT, who TEXT, what TEXT, why TEXT, report_id INT, case_id INT);
CREATE INDEX events_case ON events (case_id, id);
"""

log = logging.getLogger("naive")


@dataclass
class Customer:
    key: str
    name: str
    contact: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    valid_from: datetime


class Naive:
    """Works one mailbox to its end. `connect` opens everything, `run` is what is measured."""

    def __init__(self, folder: Path, customers_csv: str, imap: tuple[int, str, str], smtp_port: int) -> None:
        self.database = sqlite3.connect(folder / "naive.sqlite", isolation_level=None)
        self.database.executescript(SCHEMA)
        rows = csv.DictReader(io.StringIO(customers_csv))
        self.customers = [
            Customer(
                row["customer"], row["name"], row["contacts"], ipaddress.ip_network(row["resource"]),
                datetime.fromisoformat(row["valid_from"]),
            )
            for row in rows
        ]  # fmt: skip
        self.imap, self.smtp_port = imap, smtp_port

    def run(self) -> int:
        """Everything that lies in the mailbox. Returns how many mails."""
        port, user, password = self.imap
        mailbox = imaplib.IMAP4("127.0.0.1", port)
        mailbox.login(user, password)
        mailbox.select("INBOX")
        validity = int(mailbox.response("UIDVALIDITY")[1][0])
        uids = mailbox.uid("SEARCH", "UNDELETED")[1][0].split()
        for uid in uids:
            self.work(mailbox, validity, int(uid))
        mailbox.logout()
        return len(uids)

    def work(self, mailbox: imaplib.IMAP4, validity: int, uid: int) -> None:
        answer: Any = mailbox.uid("FETCH", str(uid), "(INTERNALDATE BODY.PEEK[])")[1]
        raw = answer[0][1]
        message_id = self.store(raw, validity, uid)
        mail = message_from_bytes(raw, policy=policy.default)
        report = parse(mail)
        verdict, reason, domain = screen(mail)
        report_id = self.record(message_id, mail, report, verdict, reason)
        customer = self.attribute(report_id, report)
        clock_id, case_id, is_new = (0, 0, False)
        if verdict == "accepted" and customer is not None:
            clock_id, case_id, is_new = self.file(report_id, customer, report)
        if is_new and customer is not None:
            notice = self.plan(case_id, clock_id, customer, report)
            self.send(notice, customer, report, case_id, FEEDS[domain])
            self.start(clock_id, case_id)
        mailbox.uid("MOVE", str(uid), "Processed")
        self.change("UPDATE deliveries SET disposed_at = ? WHERE uidvalidity = ? AND uid = ?", (now(), validity, uid))
        log.info("message %s verdict %s source %s", message_id, verdict, report["source_ip"])

    # --- one step, one commit ---

    def change(self, statement: str, values: Sequence[Any], *events: tuple[Any, ...]) -> int:
        database = self.database
        database.execute("BEGIN IMMEDIATE")
        row = database.execute(statement, values).lastrowid
        for event in events:
            database.execute(
                "INSERT INTO events (at, who, what, why, report_id, case_id) VALUES (?, 'naive', ?, ?, ?, ?)",
                (now(), *event),
            )
        database.execute("COMMIT")
        return row or 0

    def store(self, raw: bytes, validity: int, uid: int) -> int:
        digest = hashlib.sha256(raw).hexdigest()
        known = self.database.execute("SELECT id FROM messages WHERE sha256 = ?", (digest,)).fetchone()
        statement = "INSERT INTO messages (sha256, raw, size, received_at, state) VALUES (?, ?, ?, ?, 'stored')"
        message_id = known[0] if known else self.change(statement, (digest, raw, len(raw), now()))
        coordinates = "INSERT INTO deliveries (message_id, uidvalidity, uid) VALUES (?, ?, ?)"
        self.change(coordinates, (message_id, validity, uid))
        return int(message_id)

    def record(self, message_id: int, mail: EmailMessage, report: dict[str, Any], verdict: str, reason: str) -> int:
        outer = str(mail["Message-ID"])
        twin = "SELECT 1 FROM reports WHERE fingerprint = ? AND outer_id = ?"
        if self.database.execute(twin, (report["fingerprint"], outer)).fetchone():
            verdict, reason = "recorded", "duplicate"
        report_id = self.change(
            "INSERT INTO reports (message_id, category, source_ip, arrival_date, verdict, reason, complainant,"
            " fingerprint, outer_id, parsed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message_id, "spam", report["source_ip"], report["arrival_date"].isoformat(), verdict, reason,
                report["original_rcpt_to"][0], report["fingerprint"], outer, json.dumps(report, default=str),
            ),
            (f"report {verdict}", reason, None, None),
        )  # fmt: skip
        statement = (
            "UPDATE messages SET state = 'filed', kind = 'report', message_id = ?, sender = ?, subject = ? WHERE id = ?"
        )
        self.change(statement, (outer, str(mail["From"]), str(mail["Subject"]), message_id))
        return report_id

    def attribute(self, report_id: int, report: dict[str, Any]) -> Customer | None:
        source = ipaddress.ip_address(report["source_ip"])
        fitting = [
            customer
            for customer in self.customers
            if source.version == customer.network.version
            and source in customer.network
            and customer.valid_from <= report["arrival_date"]
        ]
        found = max(fitting, key=lambda customer: customer.network.prefixlen, default=None)
        values = (report_id, str(source), "assigned" if found else "not-ours", found.key if found else None, "")
        self.change("INSERT INTO attributions (report_id, value, reason, customer, how) VALUES (?, ?, ?, ?, ?)", values)
        return found

    def file(self, report_id: int, customer: Customer, report: dict[str, Any]) -> tuple[int, int, bool]:
        current = f"{customer.key}/mail"
        known = self.database.execute("SELECT id FROM cases WHERE current = ?", (current,)).fetchone()
        case_id = (
            known[0]
            if known
            else self.change(
                "INSERT INTO cases (current, customer, state, opened_at) VALUES (?, ?, 'open', ?)",
                (current, customer.key, now()),
                ("case opened", "mail", report_id, None),
            )
        )
        resource = (case_id, report["source_ip"])
        clock = self.database.execute("SELECT id FROM clocks WHERE case_id = ? AND value = ?", resource).fetchone()
        why = "counted: already in hand" if clock else "first report on this resource"
        event = ("clock evidence", why, report_id, case_id)
        place = "UPDATE attributions SET clock_id = ? WHERE report_id = ?"
        if clock:
            self.change(place, (clock[0], report_id), event)
            return clock[0], case_id, False
        clock_id = self.change("INSERT INTO clocks (case_id, value, state) VALUES (?, ?, 'waiting')", resource, event)
        self.change(place, (clock_id, report_id))
        return clock_id, case_id, True

    def plan(self, case_id: int, clock_id: int, customer: Customer, report: dict[str, Any]) -> tuple[int, str]:
        key = f"clock:{clock_id}/1/start/complaint/{customer.contact}"
        statement = (
            "INSERT INTO notices (key, case_id, clock_id, recipient, facts, state, mail_id)"
            " VALUES (?, ?, ?, ?, ?, 'pending', ?)"
        )
        values = (key, case_id, clock_id, customer.contact, json.dumps(report, default=str), mail_id(key))
        return self.change(statement, values), key

    def send(
        self, notice: tuple[int, str], customer: Customer, report: dict[str, Any], case_id: int, feed: str
    ) -> None:
        notice_id, key = notice
        address = notice_address(notice_id)
        mail = compose(key, address, customer, report, f"AG-{datetime.now(UTC).year}-{case_id:06d}", feed)
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="isp.example") as connection:
            connection.sendmail(address, [customer.contact], mail)
        done = ("notice complaint accepted", customer.contact, None, case_id)
        statement = "UPDATE notices SET state = 'sent', sent_at = ?, answer = '250' WHERE id = ?"
        self.change(statement, (now(), notice_id), done)
        log.info("notice %s sent to %s", notice_id, customer.contact)

    def start(self, clock_id: int, case_id: int) -> None:
        at = datetime.now(UTC)
        self.change(
            "UPDATE clocks SET state = 'running', notified_at = ?, next_at = ?, due_at = ? WHERE id = ?",
            (at.isoformat(), (at + timedelta(hours=12)).isoformat(), (at + timedelta(hours=24)).isoformat(), clock_id),
            ("clock delivered", "the customer has 24 h", None, case_id),
        )


# --- what a report says -------------------------------------------------------------------


def parse(mail: EmailMessage) -> dict[str, Any]:
    """The fields of the report, of the reported mail, and the fingerprint of the evidence."""
    parts = {part.get_content_type(): part for part in mail.iter_parts()}
    fields = parts["message/feedback-report"].get_payload(0)
    original = parts["message/rfc822"].get_payload(0)
    arrival = parsedate_to_datetime(str(fields["Arrival-Date"]))
    identity = "\0".join(str(original[name]) for name in ("Message-ID", "Date", "From"))
    return {
        "feedback_type": str(fields["Feedback-Type"]),
        "user_agent": str(fields["User-Agent"]),
        "version": str(fields["Version"]),
        "source_ip": str(ipaddress.ip_address(str(fields["Source-IP"]))),
        "arrival_date": arrival.astimezone(UTC),
        "original_mail_from": str(fields["Original-Mail-From"]).strip("<>"),
        "original_rcpt_to": [str(value).strip("<>") for value in fields.get_all("Original-Rcpt-To", [])],
        "reporting_mta": str(fields["Reporting-MTA"]).partition(";")[2].strip(),
        "reported_domain": [str(value) for value in fields.get_all("Reported-Domain", [])],
        "authentication_results": [str(value) for value in fields.get_all("Authentication-Results", [])],
        "original": {name: str(original[name]) for name in ("Message-ID", "From", "Subject", "Date")},
        "headers": [(name, str(value)) for name, value in original.items()],
        "trace": [re.findall(r"\[(?:IPv6:)?([0-9A-Fa-f.:]+)\]", str(v)) for v in original.get_all("Received", [])],
        "body_digest": hashlib.sha256(original.as_bytes()).hexdigest(),
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
    }


def screen(mail: EmailMessage) -> tuple[str, str, str]:
    """(verdict, reason, domain): a registered feed that our own border authenticated is accepted."""
    results = str(mail["Authentication-Results"] or "")
    domain = str(mail["From"].addresses[0].domain).lower()
    authenticated = re.search(r"dkim=pass\s+header\.d=([^\s;]+)", results)
    if results.startswith("mx.isp.example;") and authenticated and authenticated[1] == domain and domain in FEEDS:
        return "accepted", "feed", domain
    return "rejected", "anonymous", domain


# --- what we say of it --------------------------------------------------------------------


def compose(key: str, address: str, customer: Customer, report: dict[str, Any], number: str, feed: str) -> bytes:
    """The notice: the facts in words, the same as ARF, and the redacted headers of the reported mail."""
    headers = redacted(report)
    facts = {name: report[name] for name in ("feedback_type", "source_ip", "arrival_date", "reporting_mta")}
    lines = [f"Hello {customer.name},", "", "we received an abuse report about a resource that is assigned to you.", ""]
    lines += [f"Case: {number}", f"Concerns: {report['source_ip']}", f"Reported by: {feed}"]
    lines += [f"{name}: {value}" for name, value in facts.items()]
    lines += ["", "Please look into it and answer this mail within 24 hours.", ""]
    lines += [f"| {name}: {value}" for name, value in headers]
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = f"Abuse desk <{OPERATOR}>"
    mail["To"], mail["Reply-To"] = customer.contact, address
    mail["Subject"] = f"[{number}] Abuse report about {report['source_ip']}"
    mail["Date"], mail["Message-ID"] = format_datetime(datetime.now(UTC)), mail_id(key)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Arfgate-Loop"] = "naive"
    mail.set_content("\n".join(lines))
    mail.make_mixed()
    mail.replace_header("Content-Type", "multipart/report; report-type=feedback-report")
    fields = f"Feedback-Type: {report['feedback_type']}\r\nUser-Agent: naive/1\r\nVersion: 1\r\n"
    fields += f"Arrival-Date: {format_datetime(report['arrival_date'])}\r\nSource-IP: {report['source_ip']}\r\n"
    mail.attach(_part("message/feedback-report", fields))
    mail.attach(_part("text/rfc822-headers", "".join(f"{name}: {value}\r\n" for name, value in headers)))
    return mail.as_bytes()


def redacted(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Allow-listed headers in which the recipient, queue numbers and the Message-ID are tokens."""
    kept = [(name, value) for name, value in report["headers"] if name in KEPT_HEADERS]
    shown = []
    for name, value in kept:
        text = value
        for private in report["original_rcpt_to"]:
            text = re.sub(re.escape(private), f"{token(private)}@redacted.invalid", text, flags=re.IGNORECASE)
        if name == "Message-ID":
            text = f"<{token(text)}@redacted.invalid>"
        if name == "Received":
            text = re.sub(r"\bfor\s+\S+", "", re.sub(r"\bid\s+([^\s;]+)", lambda m: f"id {token(m[1])}", text))
        shown.append((name, text))
    return shown


def token(text: str) -> str:
    digest = hmac.new(KEY, text.strip("<>").lower().encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:15]).decode().lower()


def mail_id(key: str) -> str:
    return f"<{hmac.new(KEY, key.encode(), hashlib.sha256).hexdigest()[:40]}@isp.example>"


def notice_address(number: int) -> str:
    return f"abuse+n.{number:x}.{token(str(number))[:16]}@isp.example"


def now() -> str:
    return datetime.now(UTC).isoformat()


def _part(content_type: str, text: str) -> EmailMessage:
    part = EmailMessage(policy=policy.SMTP)
    part["Content-Type"] = content_type
    part.set_payload(text)
    return part
