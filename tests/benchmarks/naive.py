"""The naive reference: what arfgate does, the way one writes it first, with the standard library alone.

One mail at a time from the mailbox to the notice: FETCH, `email` with `policy.default`, a loop over the customers'
networks, one commit per step, EmailMessage, one SMTP connection per notice, one MOVE. What each side does to a mail:

  step          here                                                    arfgate
  mailbox       UID FETCH and UID MOVE of one                            of up to 100
  stored        its own commits: the bytes, where they lay               one commit for up to 100
  read          `email` (naive_report.py): the contract of `arfgate      `parsers`, in a process of its own
                parse`, with the body's texts, links and findings
  screened      loop, our own border's header, feed, the reporter's      the same, on values
                standing, age, twins: a question to the database each
  attributed    two loops over the networks: the source, and every       one look-up in an index for each
                other address of the trace
  written       the same columns: report, identity, reporter,            one transaction for up to 100
                attribution with its reason in words, advertised
                hosts to be asked, case, clock, five events
  redacted      recipients in every spelling and encoding, queue         the same
                numbers, Message-ID, dates, links (naive_notice.py)
  told          the same words, ARF fields and headers, by               templates in a sandbox, bytes
                EmailMessage
  sent          a connection for each, one commit after the 250          a kept connection, one commit after the 250

`pipeline.py` compares what the two wrote and what they sent, word for word. Neither asks registries or name servers,
or checks a signature by itself: the border did. What arfgate does for crash safety and several nodes (claims), against
hostile mail (limits, worker processes) and for its console (indexes) is arfgate's burden alone.
"""

from __future__ import annotations

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
from pathlib import Path
from typing import Any

from naive_notice import KEY, OPERATOR, compose, evidence_of, facts_of, token
from naive_report import fingerprint, headers_of, iso, line, parse
from naive_schema import SCHEMA

FEEDS = {"fbl.example": "fbl"}
OLDEST = timedelta(days=7)

log = logging.getLogger("naive")


@dataclass
class Customer:
    key: str
    name: str
    contact: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    valid_from: datetime


@dataclass
class Work:
    """One mail, and what is known of it by now."""

    message_id: int
    received_at: datetime
    mail: EmailMessage
    report: dict[str, Any]
    identity: dict[str, Any]
    verdict: str
    reason: str
    detail: str


class Naive:
    """Works one mailbox to its end. Making one opens everything, `run` is what is measured."""

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
        raw, arrived = answer[0][1], imaplib.Internaldate2tuple(answer[0][0] + b")")
        received_at = datetime(*arrived[:6]).astimezone(UTC) if arrived else datetime.now(UTC)
        message_id = self.store(raw, validity, uid, received_at)
        mail = message_from_bytes(raw, policy=policy.default)
        report = parse(mail)
        identity = identify(mail)
        work = Work(message_id, received_at, mail, report, identity, *self.screen(mail, report, identity))
        report_id = self.record(work)
        customer = self.attribute(report_id, report)
        clock_id, case_id, is_new = (0, 0, False)
        if work.verdict == "accepted" and customer is not None:
            clock_id, case_id, is_new = self.file(report_id, customer, report)
        if is_new and customer is not None:
            self.send(self.plan(case_id, clock_id, customer, work), customer, case_id)
            self.start(clock_id, case_id)
        mailbox.uid("MOVE", str(uid), "Processed")
        self.change("UPDATE deliveries SET disposed_at = ? WHERE uidvalidity = ? AND uid = ?", (now(), validity, uid))
        log.info("message %s verdict %s source %s", message_id, work.verdict, report["source_ip"])

    # --- one step, one commit ---

    def change(self, statement: str, values: Sequence[Any], *more: tuple[str, Sequence[Any]]) -> int:
        """Returns the id of the first row."""
        database = self.database
        database.execute("BEGIN IMMEDIATE")
        row = database.execute(statement, values).lastrowid
        for another, its_values in more:
            database.execute(another, its_values)
        database.execute("COMMIT")
        return row or 0

    def store(self, raw: bytes, validity: int, uid: int, received_at: datetime) -> int:
        digest = hashlib.sha256(raw).hexdigest()
        known = self.database.execute("SELECT id FROM messages WHERE sha256 = ?", (digest,)).fetchone()
        statement = (
            "INSERT INTO messages (sha256, raw, size, mailbox, received_at, stored_at, state)"
            " VALUES (?, ?, ?, 'abuse', ?, ?, 'stored')"
        )
        values = (digest, raw, len(raw), received_at.isoformat(), now())
        message_id = known[0] if known else self.change(statement, values)
        coordinates = (
            "INSERT INTO deliveries (message_id, folder, uidvalidity, uid, internal_date) VALUES (?, 'INBOX', ?, ?, ?)"
        )
        self.change(coordinates, (message_id, validity, uid, received_at.isoformat()))
        return int(message_id)

    def screen(self, mail: EmailMessage, report: dict[str, Any], identity: dict[str, Any]) -> tuple[str, str, str]:
        """(verdict, reason, detail): a registered feed that our own border authenticated is accepted."""
        own = hashlib.sha256(b"arfgate loop\0isp.example").hexdigest()[:24]
        if (
            any(own in str(value) for value in mail.get_all("X-Arfgate-Loop", []))
            or len(mail.get_all("Received", [])) > 100
        ):
            return "rejected", "loop", "it is our own"
        if identity["kind"] != "feed":
            return "rejected", "anonymous", "nobody accountable stands behind it"
        asked = "SELECT trust, blocked FROM reporters WHERE key = ?"
        standing = self.database.execute(asked, (f"feed:{identity['feed']}",)).fetchone()
        if standing and standing[1]:
            return "rejected", "reporter-blocked", "blocked"
        if report["category"] in ("authentication", "not-spam"):
            return "recorded", "not-a-complaint", f"{report['category']} is information, not a complaint"
        if datetime.fromisoformat(report["arrival_date"]) < datetime.now(UTC) - OLDEST:
            return "recorded", "too-old", "the incident is older than 7 days"
        twin = "SELECT 1 FROM reports WHERE fingerprint = ? AND outer_id = ?"
        if self.database.execute(twin, (fingerprint(report), line(mail["Message-ID"]))).fetchone():
            return "recorded", "duplicate", "the same mail reached us before, in another mailbox"
        return "accepted", "feed", f"registered feed {identity['feed']}"

    def record(self, work: Work) -> int:
        report, outer = work.report, line(work.mail["Message-ID"])
        sender = work.mail["From"].addresses[0].addr_spec
        key = f"feed:{work.identity['feed']}"
        known = self.database.execute("SELECT id FROM reporters WHERE key = ?", (key,)).fetchone()
        reporter = "INSERT INTO reporters (key, domain, trust, blocked, first_seen) VALUES (?, ?, 'usual', 0, ?)"
        reporter_id = known[0] if known else self.change(reporter, (key, work.identity["domain"], now()))
        accepted = (
            "INSERT INTO events (at, who, what, why, report_id, data)"
            " VALUES (?, 'naive', ?, ?, last_insert_rowid(), '{}')"
        )
        report_id = self.change(
            "INSERT INTO reports (message_id, feedback_type, category, source_ip, arrival_date, received_at, verdict,"
            " reason, detail, identity, reporter_id, complainant, fingerprint, outer_id, parsed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                work.message_id, report["feedback_type"], report["category"], report["source_ip"],
                report["arrival_date"], work.received_at.isoformat(), work.verdict, work.reason, work.detail,
                json.dumps(work.identity), reporter_id, f"{key}:{report['original_rcpt_to'][0]}",
                fingerprint(report), outer, json.dumps(report),
            ),
            (accepted, (now(), f"report {work.verdict}", f"{work.reason}: {work.detail}")),
        )  # fmt: skip
        statement = (
            "UPDATE messages SET state = 'filed', kind = 'report', format = 'arf', message_id = ?, sender = ?,"
            " subject = ? WHERE id = ?"
        )
        self.change(statement, (outer, sender, line(work.mail["Subject"]), work.message_id))
        return report_id

    def attribute(self, report_id: int, report: dict[str, Any]) -> Customer | None:
        at = datetime.fromisoformat(report["arrival_date"])
        found = self.holder(report["source_ip"], at)
        others = [self.holder(hop["ip"], at) for hop in report["trace"] if hop["ip"] not in (None, report["source_ip"])]
        handed = next((hop for hop in report["trace"] if hop["ip"] == report["source_ip"]), None)
        how = f"{report['source_ip']} is the report's source address"
        how += f", and {handed['ip']} handed the mail to {handed['by']}" if handed else ""
        reason = "not-ours"
        if found is not None:
            since = f"{found.valid_from.day} {found.valid_from:%b %Y}"
            how += f"; assigned as {found.network} on {at.day} {at:%b %Y %H:%M} UTC, held from {since}"
            reason = "several-own" if any(other not in (None, found) for other in others) else "assigned"
        key, confidence = (found.key, 0.9) if found else (None, None)
        statement = (
            "INSERT INTO attributions (report_id, kind, role, value, reason, customer, how, confidence)"
            " VALUES (?, 'ip', 'source', ?, ?, ?, ?, ?)"
        )
        asked = "INSERT INTO host_questions (report_id, state, next_at) VALUES (?, 'wanted', ?)"
        advertised = any(one["role"] == "advertised" for one in report["resources"])
        values = (report_id, report["source_ip"], reason, key, how, confidence)
        self.change(statement, values, *([(asked, (report_id, now()))] if advertised else []))
        return found if reason == "assigned" else None

    def holder(self, address: str, at: datetime) -> Customer | None:
        """Whose address it was."""
        source = ipaddress.ip_address(address)
        fitting = [
            customer
            for customer in self.customers
            if source.version == customer.network.version and source in customer.network and customer.valid_from <= at
        ]
        return max(fitting, key=lambda customer: customer.network.prefixlen, default=None)

    def file(self, report_id: int, customer: Customer, report: dict[str, Any]) -> tuple[int, int, bool]:
        current = f"{customer.key}/mail"
        known = self.database.execute("SELECT id FROM cases WHERE current = ?", (current,)).fetchone()
        case_id = (
            known[0]
            if known
            else self.change(
                "INSERT INTO cases (current, customer, cls, policy, state, opened_at)"
                " VALUES (?, ?, 'mail', 'plain 1', 'open', ?)",
                (current, customer.key, now()),
                _event("case opened", "mail", report_id),
            )
        )
        resource = (case_id, report["source_ip"])
        clock = self.database.execute("SELECT id FROM clocks WHERE case_id = ? AND value = ?", resource).fetchone()
        why = "counted: already in hand" if clock else "first report on this resource"
        data = {"state": "waiting", "resource": report["source_ip"], "round": 1}
        event = _event("clock evidence", why, report_id, case_id, data)
        place = "UPDATE attributions SET clock_id = ? WHERE report_id = ?"
        if clock:
            self.change(place, (clock[0], report_id), event)
            return clock[0], case_id, False
        clock_id = self.change("INSERT INTO clocks (case_id, value, state) VALUES (?, ?, 'waiting')", resource, event)
        self.change(place, (clock_id, report_id))
        return clock_id, case_id, True

    def plan(self, case_id: int, clock_id: int, customer: Customer, work: Work) -> int:
        key = f"clock:{clock_id}/1/start/complaint/{customer.contact}"
        number = f"AG-{datetime.now(UTC).year}-{case_id:06d}"
        facts = facts_of(work.report, customer.name, number, work.identity["feed"], iso(work.received_at))
        evidence = evidence_of(work.report, headers_of(work.mail))
        statement = (
            'INSERT INTO notices (key, kind, case_id, clock_id, "to", language, facts, evidence, state, mail_id,'
            " created_at) VALUES (?, 'complaint', ?, ?, ?, 'en', ?, ?, 'pending', ?, ?)"
        )
        said = (json.dumps(facts), json.dumps(evidence), mail_id(key), now())
        return self.change(statement, (key, case_id, clock_id, customer.contact, *said))

    def send(self, notice_id: int, customer: Customer, case_id: int) -> None:
        planned = "SELECT facts, evidence, mail_id, created_at FROM notices WHERE id = ?"
        facts, evidence, name, created = self.database.execute(planned, (notice_id,)).fetchone()
        address = notice_address(notice_id)
        at = datetime.fromisoformat(created)
        mail = compose(name, customer.contact, address, json.loads(facts), json.loads(evidence), at)
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="isp.example") as connection:
            connection.sendmail(address, [customer.contact], mail)
        statement = "UPDATE notices SET state = 'sent', sent_at = ?, answer = '250 2.0.0 Ok' WHERE id = ?"
        done = _event("notice complaint accepted", f"{customer.contact}: 250 2.0.0 Ok", None, case_id)
        self.change(statement, (now(), notice_id), done)
        log.info("notice %s sent to %s", notice_id, customer.contact)

    def start(self, clock_id: int, case_id: int) -> None:
        at = datetime.now(UTC)
        due = at + timedelta(hours=24)
        self.change(
            "UPDATE clocks SET state = 'running', notified_at = ?, next_at = ?, due_at = ? WHERE id = ?",
            (at.isoformat(), (at + timedelta(hours=12)).isoformat(), due.isoformat(), clock_id),
            _event("clock delivered", f"the customer has until {due:%Y-%m-%d %H:%M}Z", None, case_id),
        )


def identify(mail: EmailMessage) -> dict[str, Any]:
    """Who sent the report, by what our own border wrote on top of it."""
    box = mail["From"].addresses[0]
    domain = box.domain.lower()
    results = next(
        (line(v) for v in mail.get_all("Authentication-Results", []) if line(v).startswith("mx.isp.example;")), ""
    )
    proofs = [
        [method, result, checked.rpartition("@")[2].lower()]
        for method, result, checked in re.findall(r"\b(dkim|spf|dmarc)=(\w+)\s+[a-z]+\.[a-z]+=([^\s;]+)", results)
    ]
    proven = [method for method, result, checked in proofs if result == "pass" and checked == domain]
    feed = FEEDS.get(domain) if proven else None
    return {
        "kind": "feed" if feed else "domain" if proven else "nobody", "domain": domain, "address": box.addr_spec,
        "method": proven[0] if proven else None, "feed": feed,
        "detail": f"feed {feed} by {proven[0]} of {domain}" if feed else "", "foreign": False, "checked_by": "border",
        "proofs": proofs, "signature": None,
    }  # fmt: skip


def mail_id(key: str) -> str:
    return f"<{hmac.new(KEY, key.encode(), hashlib.sha256).hexdigest()[:40]}@{OPERATOR.rpartition('@')[2]}>"


def notice_address(number: int) -> str:
    return f"abuse+n.{number:x}.{token(str(number))[:16]}@isp.example"


def now() -> str:
    return datetime.now(UTC).isoformat()


def _event(
    what: str, why: str, report_id: int | None = None, case_id: int | None = None, data: dict[str, Any] | None = None
) -> tuple[str, Sequence[Any]]:
    """What `change` writes beside its statement."""
    statement = "INSERT INTO events (at, who, what, why, report_id, case_id, data) VALUES (?, 'naive', ?, ?, ?, ?, ?)"
    return statement, (now(), what, why, report_id, case_id, json.dumps(data or {}))
