"""What the naive reference says to a customer: redacted evidence, and the mail, written with EmailMessage.

The same words, fields and headers as arfgate's notice (`pipeline.py` compares the two): tokens for whoever complained,
in every spelling and in the encodings that mailers use; links that nobody can click.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import hmac
import re
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import quote

KEY = b"k" * 40
OPERATOR = "abuse@isp.example"
KEPT_HEADERS = ("Received", "From", "Subject", "Date", "Message-ID")
NAMING = ("to", "cc", "bcc", "delivered-to", "x-original-to", "envelope-to", "resent-to")
JOINTS = ("@", "=", "%40", "=40", "_at_", "-at-", " at ", "(at)", "[at]", "#", "+")
ADDRESS = re.compile(r"[\w.+=%-]+@[\w-]+(?:\.[\w-]+)+")
CATEGORIES = {"spam": "unsolicited bulk mail (spam)", "phishing": "phishing", "malware": "malware"}


def facts_of(report: dict[str, Any], customer: str, number: str, feed: str, received_at: str) -> dict[str, Any]:
    """What the notice says of the case."""
    return {
        "category": report["category"], "received_at": received_at, "reporter": feed, "hours": "24",
        "action": "block-address", "action_approval": True, "case": number, "customer": customer, "account": "main",
        "cls": "mail", "resource": report["source_ip"], "role": "source", "due_at": None, "policy": "plain 1",
    }  # fmt: skip


def evidence_of(report: dict[str, Any], headers: list[tuple[str, str]]) -> dict[str, Any]:
    """What may be told of the report."""
    names = ("feedback_type", "source_ip", "source_port", "arrival_date", "incidents", "category", "reporting_mta")
    sites = sorted({re.sub(r"(?<=[^/:])/.*", "/", uri) for uri in report["reported_uri"]})
    told = {name: report[name] for name in names} | {"reported_domain": report["reported_domain"]}
    told["reporting_mta"] = without_hosts(report["reporting_mta"], private_of(report, headers))
    return told | {"reported_uri": sites, "headers": redacted(report, headers)}


def compose(
    mail_id: str, to: str, address: str, facts: dict[str, Any], evidence: dict[str, Any], at: datetime
) -> bytes:
    """The notice: the facts in words, the same as ARF, and the redacted headers of the reported mail."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = f"ISP <{OPERATOR}>"
    mail["To"], mail["Reply-To"] = to, address
    mail["Subject"] = f"[{facts['case']}] Abuse report about {facts['resource']}"
    mail["Date"], mail["Message-ID"] = format_datetime(at), mail_id
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Arfgate-Loop"] = "arfgate-" + hashlib.sha256(b"arfgate loop\0isp.example").hexdigest()[:24]
    mail.set_content("\n".join(words(facts, evidence)) + "\n")
    mail.make_mixed()
    mail.replace_header("Content-Type", "multipart/report; report-type=feedback-report")
    happened = format_datetime(datetime.fromisoformat(evidence["arrival_date"]))
    fields = f"Feedback-Type: {evidence['feedback_type']}\r\nUser-Agent: arfgate/0.1\r\nVersion: 1\r\n"
    tag = "IPv6:" if ":" in evidence["source_ip"] else ""
    fields += f"Arrival-Date: {happened}\r\nSource-IP: {tag}{evidence['source_ip']}\r\n"
    fields += f"Reporting-MTA: dns; {evidence['reporting_mta']}\r\n"
    fields += "".join(f"Reported-Domain: {domain}\r\n" for domain in evidence["reported_domain"])
    mail.attach(_part("message/feedback-report", fields))
    mail.attach(_part("text/rfc822-headers", "".join(f"{name}: {value}\r\n" for name, value in evidence["headers"])))
    return mail.as_bytes()


def words(facts: dict[str, Any], evidence: dict[str, Any]) -> list[str]:
    """The lines of its text."""
    lines = [f"Hello {facts['customer']},", ""]
    lines += ["we received an abuse report about a resource that is assigned to you.", ""]
    lines += [f"Case: {facts['case']}", f"Concerns: {facts['resource']}"]
    lines += [f"Reported as: {CATEGORIES[facts['category']]}", f"Reported by: {facts['reporter']}"]
    lines += [f"Report received: {moment(facts['received_at'])}", f"Feedback type: {evidence['feedback_type']}"]
    lines += [f"Source address: {evidence['source_ip']}"]
    lines += [
        f"Time of the incident: {moment(evidence['arrival_date'])}",
        f"Seen by: {dead(evidence['reporting_mta'])}",
    ]
    lines += [f"Reported domain: {dead(domain)}" for domain in evidence["reported_domain"]]
    lines += [f"Reported address: {dead(uri)}" for uri in evidence["reported_uri"]]
    lines += ["", "Please look into it and stop the cause. Then answer this mail and say what you"]
    lines += ["found, what you did, since when it has been solved, and what keeps it from", "happening again.", ""]
    lines += [f"Your answer is due within {facts['hours']} hours."]
    lines += [f"If nothing reaches us by then, our staff may block the traffic of {facts['resource']}.", ""]
    lines += ["Headers of the reported message (personal data replaced; links are made", "unusable on purpose):", ""]
    lines += [f"| {name}: {value}" for name, value in evidence["headers"]]
    return [*lines, "", "-- ", "ISP"]


# --- redaction ------------------------------------------------------------------------------


def redacted(report: dict[str, Any], headers: list[tuple[str, str]]) -> list[list[str]]:
    """Allow-listed headers in which the recipients, queue numbers and the Message-ID are tokens."""
    private = private_of(report, headers)
    hidden = {needle: one for one in private for needle in encodings(one)}
    shown = []
    for name, value in headers:
        if name not in KEPT_HEADERS:
            continue
        text = value
        if name == "Message-ID":
            shown.append([name, f"<{token(text.strip('<>'))}@redacted.invalid>"])
            continue
        if name == "Date":
            shown.append([name, format_datetime(parsedate_to_datetime(text))])
            continue
        if name == "Received":
            text = re.sub(r"\(envelope-(?:from|to)[^()]*\)", "", re.sub(r"\s+for\s+(?:<[^<>]*>|[^\s;]+)", "", text))
            text = re.sub(r"\bid\s+([^\s;()]+)", lambda m: f"id {token(m[1])}", text)
            text = ADDRESS.sub(lambda m: f"{token(m[0].lower())}@redacted.invalid", text)
        text = re.sub(r"\bh(?:tt|xx)(ps?://)([^\s/?#]+)([/?#]\S*)?", _dead_link, text)
        for one in sorted(private):
            local, _, domain = one.rpartition("@")
            for joint in JOINTS:
                spelt = re.escape(f"{local}{joint}{domain}")
                text = re.sub(spelt, f"{token(one)}@redacted.invalid", text, flags=re.IGNORECASE)
            if name != "Received":
                for word in {local, local.strip("0123456789")}:
                    text = re.sub(rf"\b{re.escape(word)}\b", token(one), text, flags=re.IGNORECASE)
        for needle, one in hidden.items():
            text = text.replace(needle, token(one))
        text = without_hosts(text, private)
        shown.append([name, text])
    return shown


def private_of(report: dict[str, Any], headers: list[tuple[str, str]]) -> set[str]:
    """The recipients' addresses."""
    private = {address.lower() for address in report["original_rcpt_to"]}
    return private | {
        found.lower() for name, value in headers if name.lower() in NAMING for found in ADDRESS.findall(value)
    }


def without_hosts(text: str, private: set[str]) -> str:
    """The hosts of the recipients' domains are tokens."""
    for domain in sorted({address.rpartition("@")[2] for address in private}):
        spelt = rf"(?<![\w-])(?:[\w-]+\.)*{re.escape(domain)}(?![\w-])"
        text = re.sub(spelt, f"{token('@' + domain)}.redacted.invalid", text, flags=re.IGNORECASE)
    return text


def encodings(private: str) -> list[str]:
    """How mailers write an address where nobody is to read it."""
    data = private.encode()
    encoded = [quote(private, safe=""), data.hex(), codecs.encode(private, "rot13"), private[::-1]]
    encoded += [base64.b64encode(b"\0" * shift + data)[4 if shift else 0 : -4].decode() for shift in range(3)]
    return encoded + [hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha224", "sha256", "sha512")]


def token(text: str) -> str:
    digest = hmac.new(KEY, text.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:15]).decode().lower()


def moment(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return f"{at.day} {at:%B %Y %H:%M:%S} UTC"


def dead(text: str) -> str:
    """A host or link that no mail program makes a link of."""
    return re.sub(r"^htt(ps?://)", r"hxx\1", text).replace(".", "[.]")


def _dead_link(found: re.Match[str]) -> str:
    tail = f"/{token(found[3])}" if (found[3] or "").strip("/?#") else found[3] or ""
    return f"hxx{found[1]}{found[2].replace('.', '[.]')}{tail}"


def _part(content_type: str, text: str) -> EmailMessage:
    part = EmailMessage(policy=policy.SMTP)
    part["Content-Type"] = content_type
    part.set_payload(text)
    return part
