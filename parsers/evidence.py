"""The reported mail: who, when, through which hops; and what a report that says little takes from it.

Must never open the body (the digest is over its raw bytes) and never overwrite what the
reporter states: a derived value fills a gap and says where it came from.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from parsers import envelope, fields, trace
from parsers.frozen import quickly_made
from parsers.message import HEADERS_ONLY, message_id
from parsers.report import (
    Candidate,
    Category,
    Hop,
    Identifiers,
    Original,
    Report,
    Resource,
    ResourceKind,
    Role,
)
from parsers.scan import Headers, Part

SINGULAR = frozenset((b"text/rfc822-header", b"message/rfc822-headers"))  # seen, but nobody registered them
RECIPIENT_FIELDS = ("delivered-to", "x-original-to", "x-hmxmroriginalrecipient")
# Written by a provider or by the sender, one cannot tell: never more than a candidate.
CANDIDATE_FIELDS = (("x-originating-ip", 0.3), ("x-aol-ip", 0.5), ("x-reporter-ip", 0.3), ("x-sender-ip", 0.3))
_MAY_NAME_THE_SOURCE = frozenset(("received-spf", *dict(CANDIDATE_FIELDS)))
_TOLD = ("message-id", "subject", "date")
_NAMING = ("return-path", "feedback-id", "cfbl-feedback-id", "list-id")
_VERP = re.compile(r"[^@]*[+=-][^@]*=[^@]+@")
_SMTP_AUTH = re.compile(r"\bsmtp\.auth=\"?([^\s;\"]{1,200})", re.IGNORECASE)
_CLIENT_IP = re.compile(r"\bclient-ip=([0-9A-Fa-f.:]{2,45})", re.IGNORECASE)


@quickly_made
@dataclass(frozen=True, slots=True)
class Evidence:
    """What one attached message or header block shows."""

    original: Original
    trace: tuple[Hop, ...]
    identifiers: Identifiers
    headers: Headers


def read(part: Part) -> Evidence:
    """Of a part that `message.is_evidence` accepts. A header block sent as text is read as one."""
    if part.content_type in SINGULAR:
        part.budget.defects["unregistered-header-type"] = None
    return of(envelope.embedded(part), headers_only=part.content_type in HEADERS_ONLY)


def of(inner: Part, *, headers_only: bool = False) -> Evidence:
    """Of a message, wherever it stood: `inner` begins with its header."""
    headers = inner.headers
    hops = trace.hops(envelope.every(headers, "received", trace.HOPS))
    senders = envelope.senders(headers, 1)
    identifier, subject, dated = envelope.firsts(headers, _TOLD)
    body = memoryview(inner.raw)[inner.body_start : inner.end]  # not copied: it may be the whole of 25 MiB
    empty = headers_only or not inner.raw[inner.body_start : min(inner.end, inner.body_start + 200)].strip()
    original = Original(
        message_id(identifier),
        senders[0].address if senders else None,
        subject,
        fields.instant(dated) if dated else None,
        headers_only,
        headers.block,
        None if empty else hashlib.sha256(body).hexdigest(),
        inner,
    )
    return Evidence(original, hops, _identifiers(headers, hops), headers)


def login_named(results: tuple[str, ...]) -> str | None:
    """The login that one of the Authentication-Results names."""
    for one in results:
        if "smtp.auth=" in one.lower() and (found := _SMTP_AUTH.search(one)):
            return found[1]
    return None


def _identifiers(headers: Headers, hops: tuple[Hop, ...]) -> Identifiers:
    path, feedback_id, loop_id, list_id = envelope.firsts(headers, _NAMING)
    returned = fields.address(path) if path else None
    login = None
    for hop in hops:
        if hop.login:
            login = hop.login
            break
    if login is None and headers.may_have("authentication-results"):
        login = login_named(envelope.every(headers, "authentication-results", 10))
    verp = returned if returned and "=" in returned and _VERP.match(returned) else None
    return Identifiers(feedback_id or loop_id, list_id, verp, login)


def complete(
    stated: dict[str, Any], evidence: Evidence | None, stated_by: dict[str, str], defects: list[str]
) -> Report:
    """The Report of what is stated (fields of Report by name), its gaps filled from the evidence.

    `stated_by` names the field each stated value came from.
    """
    values = {name: value for name, value in stated.items() if value is not None}
    origin = dict(stated_by)
    if evidence is not None:
        if not evidence.headers.regular and evidence.headers.fields and evidence.headers.unfolded_in_column_1:
            defects.append("fold-in-column-1")
        if _fill(values, origin, evidence):
            defects.append("unknown-time-zone")
        values["original"], values["trace"], values["identifiers"] = (
            evidence.original,
            evidence.trace,
            evidence.identifiers,
        )
        values["candidates"] = _candidates(values.get("source_ip"), evidence)
    source = values.get("source_ip")
    if source and (scope := fields.scope(source)) != "global":
        defects.append(f"{scope}-source-ip")
    return Report(
        **values,
        resources=_resources(values),
        provenance=tuple(origin.items()),
        defects=tuple(dict.fromkeys(defects)),
    )


def forwarded_spam(part: Part) -> Report:
    """A message that a person attached: nothing is stated but that it is unwanted."""
    return complete({"category": Category.SPAM}, read(part), {}, [])


def _fill(values: dict[str, Any], origin: dict[str, str], evidence: Evidence) -> bool:
    """True where the time that was taken has no known zone."""
    unzoned = False
    hops = evidence.trace
    at = _place_in(hops, values.get("source_ip"))
    if at is None:
        at = trace.handover(hops)
        if at is not None and "source_ip" not in values:
            values["source_ip"] = hops[at].ip
            origin["source_ip"] = f"original:Received[{at}]"
    if at is not None:
        hop = hops[at]
        if "source_port" not in values and hop.port and hop.ip == values.get("source_ip"):
            values["source_port"] = hop.port
            origin["source_port"] = f"original:Received[{at}]"
        if "arrival_date" not in values and hop.time:
            values["arrival_date"] = hop.time
            origin["arrival_date"] = f"original:Received[{at}]"
            unzoned = not hop.zoned
    if "original_mail_from" not in values and (returned := envelope.first(evidence.headers, "return-path")):
        path = fields.address(returned)
        if path is not None:
            values["original_mail_from"] = path
            origin["original_mail_from"] = "original:Return-Path"
    if not values.get("original_rcpt_to"):
        for name in RECIPIENT_FIELDS:
            found = fields.distinct([fields.address(one) for one in envelope.every(evidence.headers, name, 20)])
            if found:
                values["original_rcpt_to"] = found
                origin["original_rcpt_to"] = f"original:{name.title()}"
                break
    return unzoned


def _place_in(hops: tuple[Hop, ...], source: str | None) -> int | None:
    """The line that names the stated source is the one whose time counts."""
    for number, hop in enumerate(hops if source else ()):
        if hop.ip == source:
            return number
    return None


def _candidates(source: str | None, evidence: Evidence) -> tuple[Candidate, ...]:
    headers = evidence.headers
    if headers.texts and _MAY_NAME_THE_SOURCE.isdisjoint(headers.texts):
        return ()
    found: dict[str, float] = {}
    for result in envelope.every(headers, "received-spf", 5):
        if hit := _CLIENT_IP.search(result):
            found.setdefault(fields.ip(hit[1]) or "", 0.5)
    names = headers.texts
    for name, confidence in CANDIDATE_FIELDS:
        if name in names or not names:
            for value in envelope.every(headers, name, 5):
                found.setdefault(fields.ip(value) or "", confidence)
    return tuple([Candidate("source_ip", ip, much) for ip, much in found.items() if ip and ip != source])


def _resources(values: dict[str, Any]) -> tuple[Resource, ...]:
    """Each once."""
    found: dict[tuple[ResourceKind, Role, str], None] = {}
    if source := values.get("source_ip"):
        found[ResourceKind.IP, Role.SOURCE, source] = None
    for url in values.get("reported_uri", ()):
        if place := fields.place(url):
            found[place[0], Role.ADVERTISED, place[1]] = None
    for domain in values.get("reported_domain", ()):
        if name := fields.host(domain):
            found[ResourceKind.HOST, Role.ADVERTISED, name] = None
    return tuple(starmap(Resource, found))
