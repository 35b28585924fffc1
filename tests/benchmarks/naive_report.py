"""What the naive reference reads in a report: the fields, the reported mail, its trace, and the findings about it.

The standard library alone, with `policy.default`, as one writes it first. It says the same as the parsers do of the
benchmark's mails, field by field, with the same evidence in words (`pipeline.py` compares the two); of mails with other
troubles it would say less, and it has none of the limits that hostile mail needs.
"""

from __future__ import annotations

import hashlib
import html
import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

LEGAL_FORMS = frozenset(
    (
        "Ltd", "Limited", "LLC", "Inc", "Corp", "PLC", "plc", "LLP", "LP", "GmbH", "AG", "KG", "SE", "SAS", "SARL",
        "SA", "Srl", "SRL", "SpA", "BV", "NV", "AB", "ApS", "A/S", "Oy", "ASA", "AS", "Kft", "Zrt", "EOOD", "OOD",
        "SL", "Lda", "Ltda", "Bhd", "KK", "UAB", "SIA", "Pty", "Pte", "有限公司", "株式会社", "주식회사",
    )
)  # fmt: skip
REGISTRATION = re.compile(
    r"\b(?:ein|employer identification|tax id|company n(?:umber|o)|registration n|registered n|reg\. ?no|uscc|cui|"
    r"cod fiscal|handelsregister|hrb|siren|siret|rcs|vat|tva|ust-?id|btw|kvk|p\. ?iva|partita iva|nif|nip|oib|cvr|"
    r"org\.? ?nr|y-tunnus)\b[\s:#.a-z]{0,20}[0-9][0-9./ -]{3,}|信用代码|注册号"
)
UNSUBSCRIBE = ("unsub", "opt-out", "opt out", "optout", "abmeld", "abbestell", "de baja", "disiscri", "uitschrijv",
    "prenumer", "wypis", "odhl", "dezabon", "remove me", "be removed", "stop receiving", "退订", "отпис")  # fmt: skip
SHORTENERS = frozenset(("bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "is.gd", "buff.ly", "cutt.ly", "rb.gy"))
ADDRESS = re.compile(r"[a-z0-9._%+=-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
LINK = re.compile(r"https?://([^\s/?#<>\"':]+)", re.IGNORECASE)
FAILED = re.compile(r"\b(spf|dkim|dmarc)\s?=\s?(fail|softfail|permerror|hardfail)\b")
RECEIVED = re.compile(
    r"from\s+(?P<helo>\S+)\s+\((?:(?P<rdns>[^\s\[\]()]+)\s+)?\[(?:IPv6:)?(?P<ip>[0-9A-Fa-f.:]+)\](?::(?P<port>\d+))?"
)
LOGIN = re.compile(r"authenticated[ _-]?(?:sender|user|id)\s?[:=]\s?<?([^\s<>();,]+)", re.IGNORECASE)


def parse(mail: EmailMessage) -> dict[str, Any]:
    """One report as the contract of `arfgate parse` has it, as plain JSON values."""
    parts = {part.get_content_type(): part for part in mail.iter_parts()}
    fields = parts["message/feedback-report"].get_payload(0)
    original = parts["message/rfc822"].get_payload(0)
    trace = [hop(line(value)) for value in original.get_all("Received", [])]
    texts = list(readable(original))
    said = {
        "feedback_type": line(fields["Feedback-Type"]),
        "category": {"abuse": "spam", "fraud": "phishing", "virus": "malware"}.get(
            line(fields["Feedback-Type"]), "spam"
        ),
        "version": line(fields["Version"]),
        "user_agent": line(fields["User-Agent"]),
        "source_ip": str(ipaddress.ip_address(line(fields["Source-IP"]).removeprefix("IPv6:"))),
        "source_port": int(line(fields["Source-Port"])) if fields["Source-Port"] else None,
        "arrival_date": iso(parsedate_to_datetime(line(fields["Arrival-Date"]))),
        "incidents": int(line(fields["Incidents"] or "1")),
        "original_mail_from": line(fields["Original-Mail-From"]).strip("<>"),
        "original_rcpt_to": [line(value).strip("<>") for value in fields.get_all("Original-Rcpt-To", [])],
        "original_envelope_id": line(fields["Original-Envelope-Id"]) if fields["Original-Envelope-Id"] else None,
        "reporting_mta": line(fields["Reporting-MTA"]).partition(";")[2].strip(),
        "reported_domain": [line(value).lower() for value in fields.get_all("Reported-Domain", [])],
        "reported_uri": [line(value) for value in fields.get_all("Reported-URI", [])],
        "authentication_results": [line(value) for value in fields.get_all("Authentication-Results", [])],
        "auth_failure": line(fields["Auth-Failure"]) if fields["Auth-Failure"] else None,
        "fields": {},
        "original": {
            "message_id": line(original["Message-ID"]),
            "from": original["From"].addresses[0].addr_spec,
            "subject": line(original["Subject"]),
            "date": iso(original["Date"].datetime),
            "headers_only": False,
        },
        "trace": trace,
        "identifiers": {
            "feedback_id": line(original["Feedback-ID"]) if original["Feedback-ID"] else None,
            "list_id": line(original["List-ID"]) if original["List-ID"] else None,
            "verp": None,
            "auth_login": next((one["login"] for one in trace if one["login"]), None),
        },
        "candidates": [],
        "provenance": {
            "source_ip": "feedback-report:Source-IP",
            "arrival_date": "feedback-report:Arrival-Date",
            "original_mail_from": "feedback-report:Original-Mail-From",
            "original_rcpt_to": "feedback-report:Original-Rcpt-To",
        },
        "defects": [],
    }
    said["resources"] = resources(said, texts)
    said["findings"] = [{"code": code, "evidence": shown} for code, shown in findings(original, said, texts)]
    return said


def headers_of(mail: EmailMessage) -> list[tuple[str, str]]:
    """The header of the reported mail, which notices show a part of."""
    original = next(part for part in mail.iter_parts() if part.get_content_type() == "message/rfc822").get_payload(0)
    return [(name, line(value)) for name, value in original.items()]


def fingerprint(said: dict[str, Any]) -> str:
    """Of the reported mail's Message-ID, Date and From."""
    original = said["original"]
    digest = hashlib.sha256()
    date = datetime.fromisoformat(original["date"]).isoformat()
    for value in ("mail", original["message_id"], date, original["from"].lower()):
        digest.update(f"{len(value)}:{value}".encode())
    return digest.hexdigest()


def line(value: Any) -> str:
    """A header's value in one line, as text and not as the header object."""
    return " ".join(str(value).split())


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


# --- the reported mail --------------------------------------------------------------------


def hop(value: str) -> dict[str, Any]:
    """One Received line."""
    found = RECEIVED.search(value)
    by = re.search(r"\bby\s+(\S+)", value)
    login = LOGIN.search(value)
    return {
        "ip": str(ipaddress.ip_address(found["ip"])) if found else None,
        "port": int(found["port"]) if found and found["port"] else None,
        "time": iso(parsedate_to_datetime(value.rpartition(";")[2])),
        "by": by[1].lower() if by else None,
        "login": login[1] if login else None,
    }


def readable(original: EmailMessage) -> Iterator[tuple[str, str]]:
    """(what a reader sees, its markup) of each text in the mail."""
    for part in original.walk():
        if part.get_content_type() == "text/plain":
            yield part.get_content(), ""
        elif part.get_content_type() == "text/html":
            markup = part.get_content()
            yield html.unescape(re.sub(r"<[^>]*>", " ", markup)), markup


def resources(said: dict[str, Any], texts: list[tuple[str, str]]) -> list[dict[str, str]]:
    """The source and what the mail advertises."""
    hosts = list(said["reported_domain"])
    for text in [*said["reported_uri"], *(markup or shown for shown, markup in texts)]:
        hosts += [host.lower() for host in LINK.findall(text)]
    found = [{"kind": "ip", "role": "source", "value": said["source_ip"]}]
    return found + [{"kind": "host", "role": "advertised", "value": host} for host in dict.fromkeys(hosts)]


# --- the findings --------------------------------------------------------------------------


def findings(original: EmailMessage, said: dict[str, Any], texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(code, evidence), in the order in which the parsers have them."""
    yield from _about_the_subject(said)
    yield from _about_attachments(original)
    yield from _about_authentication(original, said)
    yield from _about_the_date(said)
    yield from _about_the_greeting(original, said)
    yield from _about_the_company(texts)
    yield from _about_links(original, texts)
    yield from _about_newsgroups(original)
    yield from _about_opting_out(original, said, texts)
    yield from _about_recipients(original)
    yield from _about_registration(texts)
    if any("<script" in markup.lower() or "javascript:" in markup.lower() for _, markup in texts):
        yield "script-in-html", "the HTML of the mail carries a script"
    yield from _about_the_sender(original)
    yield from _about_unsubscribing(original, texts)


def _about_the_subject(said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    subject = said["original"]["subject"]
    words = {word.lower() for text in said["original_rcpt_to"] for word in re.findall(r"\w+", text)}
    quoted = re.sub(r"\S+@\S+|\w+", lambda hit: "…" if "@" in hit[0] or hit[0].lower() in words else hit[0], subject)
    if re.match(r"[\W_]{0,6}(?:广告|廣告|AD(?![A-Za-z]))", subject):
        yield "advertising-label", f"the subject begins with an advertising label: “{quoted}”"
    else:
        yield "no-advertising-label", f"the subject does not begin with 广告 or AD: “{quoted}”"


def _about_attachments(original: EmailMessage) -> Iterator[tuple[str, str]]:
    for part in original.walk():
        if not part.is_multipart() and part.get_content_maintype() != "text":
            beginning = part.get_content()[:4]
            if beginning[:2] == b"MZ" or beginning in (b"\x7fELF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
                yield "dangerous-attachment", f"the attachment “{part.get_filename()}” is a program or may hide one"


def _about_authentication(original: EmailMessage, said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    results = said["authentication_results"] or [line(v) for v in original.get_all("Authentication-Results", [])[:1]]
    failed = [f"{method}={result}" for text in results for method, result in FAILED.findall(text.lower())]
    if failed:
        yield "authentication-failed", f"the reporter's server says {', '.join(dict.fromkeys(failed))}"


def _about_the_date(said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    dated, received = said["original"]["date"], said["trace"][0]["time"] if said["trace"] else said["arrival_date"]
    apart = abs(datetime.fromisoformat(dated) - datetime.fromisoformat(received))
    if apart > timedelta(days=2):
        shown = f"the mail is dated {dated} but was received at {received}, {apart.days} days apart"
        yield "date-far-from-receipt", shown


def _about_the_greeting(original: EmailMessage, said: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for value in original.get_all("Received", []):
        found = RECEIVED.search(line(value))
        if found and found["rdns"] and str(ipaddress.ip_address(found["ip"])) == said["source_ip"]:
            helo, rdns = found["helo"], found["rdns"]
            if organisation(helo) != organisation(rdns):
                yield "greeting-contradicts", f"the server {rdns} ({said['source_ip']}) greeted as {helo}"
            return


def _about_the_company(texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if not any(word.strip(",.;:()") in LEGAL_FORMS for shown, _ in texts for word in shown.split()):
        why = "the text names no company by its legal name (one with Ltd, GmbH, SRL, 有限公司 or the like)"
        yield "legal-name-missing", why


def _about_links(original: EmailMessage, texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    own = {organisation(box.domain.lower()) for box in original["From"].addresses}
    hosts = {host.lower() for shown, markup in texts for host in LINK.findall(markup or shown)}
    if foreign := sorted({organisation(host) for host in hosts} - own):
        yield "unrelated-links", f"links lead to {', '.join(foreign)}, while the sender's domain is {', '.join(own)}"
    if short := sorted(SHORTENERS & {organisation(host) for host in hosts}):
        yield "url-shortener", f"links lead through {', '.join(short)}, which hides where to"


def _about_newsgroups(original: EmailMessage) -> Iterator[tuple[str, str]]:
    groups = {group.strip() for value in original.get_all("Newsgroups", []) for group in str(value).split(",")} - {""}
    if len(groups) >= 15:
        yield "mass-newsgroup-posting", f"the article was posted to {len(groups)} newsgroups at once"


def _about_opting_out(
    original: EmailMessage, said: dict[str, Any], texts: list[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    given = {address for shown, _ in texts for address in ADDRESS.findall(shown.lower())}
    given -= {address.lower() for address in said["original_rcpt_to"]}
    if not given and "<mailto:" not in line(original["List-Unsubscribe"] or "").lower():
        why = "neither List-Unsubscribe nor the text gives an e-mail address to refuse further mail at"
        yield "no-opt-out-address", why


def _about_recipients(original: EmailMessage) -> Iterator[tuple[str, str]]:
    boxes = [box for name in ("To", "Cc") if original[name] for box in original[name].addresses]
    if without := sum(not box.domain for box in boxes):
        yield "recipient-without-domain", f"{without} of {len(boxes)} recipients in To and Cc has no domain"
    if bad := sum(bool(box.domain) and not ADDRESS.fullmatch(box.addr_spec.lower()) for box in boxes):
        yield "recipient-malformed", f"{bad} of {len(boxes)} recipients in To and Cc is not a valid address"


def _about_registration(texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if not any(REGISTRATION.search(shown.lower()) for shown, _ in texts):
        yield "registration-missing", "the text names no business registration number of the sender"


def _about_the_sender(original: EmailMessage) -> Iterator[tuple[str, str]]:
    box = original["From"].addresses[0]
    returned = line(original["Return-Path"] or "").strip("<>").rpartition("@")[2].lower()
    signers = re.findall(r"\bd=([^\s;]+)", line(original["DKIM-Signature"] or ""))
    others = [organisation(name) for name in (returned, *signers) if name]
    if others and organisation(box.domain.lower()) not in others:
        yield "sender-domains-unrelated", f"From names {box.domain}, the return path {returned}: none belongs to it"
    if original["Reply-To"] and organisation(original["Reply-To"].addresses[0].domain) != organisation(box.domain):
        yield "reply-to-elsewhere", f"replies go to {original['Reply-To'].addresses[0].domain}"
    if "@" in box.display_name:
        yield "address-in-name", "the display name holds an address"


def _about_unsubscribing(original: EmailMessage, texts: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    header = line(original["List-Unsubscribe"] or "")
    visible = any(word in shown.lower() for shown, _ in texts for word in UNSUBSCRIBE)
    if not header:
        yield "no-list-unsubscribe", "the mail has no List-Unsubscribe field"
    elif not visible:
        yield "no-unsubscribe-link", "the text of the mail shows no link or address to unsubscribe with"
    if header and line(original["List-Unsubscribe-Post"] or "") != "List-Unsubscribe=One-Click":
        missing = "it has no List-Unsubscribe-Post field"
        yield "no-one-click", f"the mail cannot be unsubscribed from with one click (RFC 8058): {missing}"


def organisation(host: str) -> str:
    """The registrable part, near enough where there is no list of suffixes."""
    return ".".join(host.lower().rstrip(".").split(".")[-2:])
