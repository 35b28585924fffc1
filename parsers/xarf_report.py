"""One XARF JSON document -> one Report, for versions 1 to 4. Lenient with values, strict about what they mean.

`Date` and `timestamp` are the time of the incident: the specifications say so (version 3:
"most recent time the event was noticed"; 4: "when the abuse incident occurred"), and that is what
attribution needs. `FirstSeen`, `first_seen` and `last_seen` stand in only where it is missing,
the latest first, and stay readable among the fields. Parties named in the document are claims,
kept as fields; the authenticated mail domain says who reports. `_internal` and
`InternalProcessing` are the reporter's own and are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from parsers import envelope, evidence, fields, xarf_evidence, xarf_schema
from parsers.evidence import Evidence
from parsers.report import Candidate, Category, Report, Resource, ResourceKind, Role
from parsers.scan import Part
from parsers.xarf_types import category_of

VALUE_CHARS = 500
URL_CHARS = 2_000
FIELDS_KEPT = 80
LIST_KEPT = 20
_INTERNAL = ("_internal", "InternalProcessing")
# Read elsewhere, or too large to be repeated.
_NOT_FIELDS = frozenset((*_INTERNAL, "evidence", "Samples", "Attachment", "xarf_version", "Version"))
# All that is kept of a report of child abuse: what it is and who says so, by names that hold no sample.
_OF_CHILD_ABUSE = (
    *("report_id", "category", "type", "class", "classification", "detection_method", "exploitation_type"),
    *(
        "media_type",
        "ncmec_report_id",
        "hash_values.",
        "reporter.",
        "sender.",
        "ReporterInfo.",
        "OnBehalfOf.",
        "ReportClass",
        "ReportType",
    ),
)
_WITH_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|((?:\d{1,3}\.){3}\d{1,3})):(\d{1,5})")
_PREFIX = re.compile(r"[0-9A-Fa-f:.]{2,45}/\d{1,3}")
_SITE_CATEGORIES = frozenset(("content", "copyright", "reputation"))
_SITE_CLASSES = frozenset(("Content",))
_ANSWERED = frozenset((ResourceKind.MAILBOX, ResourceKind.PHONE))

# Field of Report -> where the versions keep it, in the order of belief.
_SOURCE = ("source_identifier", "Report.SourceIp", "Report.Source.IP")
_PORT = ("source_port", "Report.SourcePort", "Report.Source.Port")
_TIMES = ("timestamp", "Report.Date", "last_seen", "first_seen", "Report.FirstSeen")
_URLS = ("url", "infringing_url", "Report.SourceUrl", "Report.InfringingUrl", "Report.Source.URL", "Report.Url")
_MAIL_FROM = ("smtp_from", "Report.SmtpMailFromAddress", "Report.AdditionalInfo.SMTPFrom")
_RCPT_TO = ("smtp_to", "Report.SmtpRcptToAddress")
_PARTIES = ("sender.domain", "reporter.domain", "ReporterInfo.ReporterOrgDomain")


def read(document: dict[str, Any], part: Part, stated: dict[str, Any], beside: Evidence | None) -> Report:
    """`part` is where the document stood. `stated`: what the message around it says (user_agent, the sender's domain
    as `from_domain`). `beside`: mail attached next to it, used where the document holds none.
    """
    defects = list(xarf_schema.violations(document))
    origin: dict[str, str] = {}
    group = _text(document, "category") or _text(document, "class") or _text(document, "Report.ReportClass")
    kind = _text(document, "type") or _text(document, "Report.ReportType")
    category = category_of(kind, group, _text(document, "Report.ReportSubType"))
    values: dict[str, Any] = {
        "feedback_type": "xarf",
        "category": category,
        "version": _text(document, "xarf_version") or _text(document, "Version"),
        "user_agent": stated.get("user_agent"),
    }
    if values["version"] is None:
        defects.append("missing-version")
    about_site = group in _SITE_CATEGORIES or group in _SITE_CLASSES
    more = _source(document, about_site, values, origin, defects)
    _times(document, values, origin, defects)
    _mail(document, values, origin, defects)
    _claims(document, stated.get("from_domain"), defects)
    own_place = frozenset((*_URLS, *(path.removeprefix("xarf:") for path in origin.values())))
    values["fields"] = tuple(_kept(document, own_place))
    shown = None
    if category is Category.CHILD_ABUSE:
        values["fields"] = tuple(pair for pair in values["fields"] if pair[0].startswith(_OF_CHILD_ABUSE))
    else:
        shown = xarf_evidence.reported_mail(document, part, defects) or beside
    report = evidence.complete(values, shown, origin, defects)
    return replace(
        report,
        resources=tuple(dict.fromkeys((*report.resources, *(one for one in more if isinstance(one, Resource))))),
        candidates=(*report.candidates, *(one for one in more if isinstance(one, Candidate))),
    )


def _source(
    document: dict[str, Any], about_site: bool, values: dict[str, Any], origin: dict[str, str], defects: list[str]
) -> list[Resource | Candidate]:
    """Fills source_ip, source_port, reported_uri and reported_domain; gives back what has no field of its own."""
    more: list[Resource | Candidate] = []
    hosts: list[str | None] = []
    urls = [url for path in _URLS if (url := _text(document, path, URL_CHARS))]
    path, said = next(((one, text) for one in _SOURCE if (text := _text(document, one, URL_CHARS))), ("", ""))
    if with_port := _WITH_PORT.fullmatch(said):
        values["source_port"] = fields.number(with_port[3], 65535) or None
        origin["source_port"] = f"xarf:{path}"
        said = with_port[1] or with_port[2]
    kind, value = fields.resource(said) or (None, said)
    if kind is None and _PREFIX.fullmatch(said):
        defects.append("source-is-a-prefix")
        more.append(Candidate("source_ip", said, 0.3))
    elif kind is ResourceKind.IP:
        values["source_ip"] = value
        origin["source_ip"] = f"xarf:{path}"
    elif kind is ResourceKind.URL:
        urls.append(value)
    elif kind is ResourceKind.HOST and about_site:
        hosts.append(value)
    elif kind is not None:
        more.append(Resource(kind, _role(document, kind), value))
    elif said:
        defects.append("bad-source-ip")
    if about_site:
        hosts.append(fields.host(_text(document, "domain") or ""))
    if account := fields.address(_text(document, "Report.Account.AccountEmail") or ""):
        more.append(Resource(ResourceKind.MAILBOX, Role.SOURCE, account))
    _port(document, values, origin, defects)
    values["reported_uri"] = fields.distinct(fields.undefang(url) for url in urls)
    values["reported_domain"] = fields.distinct(iter(hosts))
    defects += ["bad-url" for url in values["reported_uri"] if fields.place(url) is None]
    return more


def _role(document: dict[str, Any], kind: ResourceKind) -> Role:
    """A report about content says that nothing was sent: a mailbox or a number in it is where people answer to."""
    about_content = (_text(document, "category") or _text(document, "class") or "").lower() == "content"
    return Role.DROP_BOX if about_content and kind in _ANSWERED else Role.SOURCE


def _port(document: dict[str, Any], values: dict[str, Any], origin: dict[str, str], defects: list[str]) -> None:
    """A whole number of 1 to 65535, as number or digits. 0 is how some say that they do not know."""
    for path in _PORT:
        said = _at(document, path)
        if said is None or said == 0:
            continue
        port = fields.number(str(said), 65535) if isinstance(said, int | str) and not isinstance(said, bool) else None
        if port:
            values["source_port"] = port
            origin["source_port"] = f"xarf:{path}"
        else:
            defects.append("bad-source-port")
        return


def _times(document: dict[str, Any], values: dict[str, Any], origin: dict[str, str], defects: list[str]) -> None:
    for path in _TIMES:
        said = _text(document, path) or _seconds(_at(document, path))
        if said is None:
            continue
        when = fields.time(said)
        if when is None:
            defects.append("bad-arrival-date")
            continue
        if not when.zoned:
            defects.append("unknown-time-zone")
        values["arrival_date"] = when.value
        origin["arrival_date"] = f"xarf:{path}"
        return


def _seconds(value: Any) -> str | None:
    """Seconds or milliseconds since 1970, as some write times: between 2001 and 2100."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = value / 1000 if value >= 1e12 else value
    return datetime.fromtimestamp(seconds, UTC).isoformat() if 1e9 <= seconds < 4.1e9 else None


def _mail(document: dict[str, Any], values: dict[str, Any], origin: dict[str, str], defects: list[str]) -> None:
    for name, paths in (("original_mail_from", _MAIL_FROM), ("original_rcpt_to", _RCPT_TO)):
        for path in paths:
            if (said := _text(document, path)) is None:
                continue
            box = fields.address(said)
            if box is None and name == "original_mail_from":
                defects.append("bad-original-mail-from")
            else:  # a redacted recipient need not be an address
                values[name] = box if name == "original_mail_from" else (box or said,)
                origin[name] = f"xarf:{path}"
            break


def _claims(document: dict[str, Any], from_domain: str | None, defects: list[str]) -> None:
    """XF-4: who reports is whose domain is authenticated. A document that names only others is worth a look."""
    if any(name in document for name in _INTERNAL):
        defects.append("internal-metadata-sent")
    named = [name for path in _PARTIES if (name := fields.host(_text(document, path) or ""))]
    if (
        from_domain
        and named
        and not any(one == from_domain or fields.same_organisation(one, from_domain) for one in named)
    ):
        defects.append("reporter-differs-from-sender")


def _kept(document: dict[str, Any], taken: frozenset[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Everything else that is short: (name with its path, values). `Report.` itself is not repeated in the names."""
    left = FIELDS_KEPT
    waiting: list[tuple[str, dict[str, Any]]] = [("", document)]
    while waiting:
        path, value = waiting.pop(0)
        for name, one in value.items():
            place = f"{path}.{name}".lstrip(".")
            shown = envelope.clean(place.removeprefix("Report."))[:120]
            if name in _NOT_FIELDS or place in taken or not shown:
                continue
            if isinstance(one, dict) and path.count(".") < 2:
                waiting.append((place, one))
            elif texts := _scalars(one):
                left -= 1
                yield shown, texts
            if not left:
                return


def _scalars(value: Any) -> tuple[str, ...]:
    listed = value[:LIST_KEPT] if isinstance(value, list) else [value]
    texts = (_shown(one) for one in listed)
    return tuple(text for text in texts if text)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return envelope.clean(str(value)[:VALUE_CHARS]).strip() if isinstance(value, str | int | float) else ""


def _at(document: dict[str, Any], path: str) -> Any:
    """What stands at `a.b.c`, None where the way breaks off."""
    found: Any = document
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _text(document: dict[str, Any], path: str, most: int = VALUE_CHARS) -> str | None:
    found = _at(document, path)
    if not isinstance(found, str):
        return None
    return envelope.clean(found[: most * 2]).strip()[:most] or None
