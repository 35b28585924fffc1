"""XARF 1 to 3 as rules (and `alpha`, `development`, which are sent too): one envelope, one table of report types.

After the prose and samples of the archived abusix/xarf and the "v3" of xarf.org, in our own
words. Three tongues are spoken under the number 3: abusix's (SourceIp beside the other
fields), its narrow "legacy" form (`DDoS`, `Login-Attack`), and xarf.org's (`Source` as an object).
A type that the tables do not know is one violation, not twenty.
"""

from __future__ import annotations

from typing import Any

from parsers.xarf_schema.formats import (
    COUNT,
    DATE,
    EMAIL,
    FLAG,
    HOST,
    IP,
    NAME,
    NOT_ALLOWED,
    SIZE,
    TEXT,
    URI,
    Rule,
    list_of,
    one_of,
    port,
    record,
    unless_there,
)

VERSIONS = frozenset(("1", "2", "3", "alpha", "development"))
OLD = frozenset(("1", "2", "alpha"))
_PORT = port(0)
_PORTS: Rule = {"type": ["integer", "array"], "minimum": 0, "maximum": 65535, "items": _PORT}
_HASH = record(
    {
        "HashValue": TEXT,
        "HashAlgorithm": one_of(
            "sha1", "sha2", "sha3", "sha256", "sha512", "md5", "argon2id", "scrypt", "bcrypt", "pbkdf2"
        ),
        "HashComplete": FLAG,
    },
    "HashValue",
    "HashAlgorithm",
)
_SAMPLE = {
    **record({"ContentType": TEXT, "Base64Encoded": FLAG, "Description": TEXT, "Payload": TEXT, "FileName": TEXT}),
    **unless_there("FileName", "ContentType", "Payload"),
}
_CVSS = {
    **record(
        {"Version": one_of("3.1", "3.0", "2"), "Vector": TEXT, "Score": {"type": "number"}, "Severity": TEXT},
        "Version",
        "Vector",
    ),
    "if": {"properties": {"Version": {"const": "2"}}},
    "then": {"properties": {"Vector": {"pattern": r"^\(?AV:[LAN]/AC:[LMH]/Au:[NSM]/C:[NPC]/I:[NPC]/A:[NPC]"}}},
    "else": {"properties": {"Vector": {"pattern": r"^CVSS:3\.[01]/AV:[NALP]/AC:[LH]/PR:[NLH]/UI:[NR]/S:[UC]/C:[NLH]"}}},
}
_ACCOUNT = record(
    {"AccountIdentifier": {"type": "string", "not": {"format": "email"}}, "AccountEmail": TEXT}, minProperties=1
)
# Names mean the same in every type that has them: one table serves all.
_PROPERTIES: dict[str, Any] = {
    "ReportClass": one_of("Activity", "Content", "Vulnerability"),
    "ReportType": {"type": "string", "minLength": 1},
    "ReportSubType": TEXT,
    "ReporterCaseID": TEXT,
    "ReporterSeverity": one_of("low", "medium", "high"),
    "ReporterNotes": TEXT,
    "Custom": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
    "Date": DATE,
    "FirstSeen": DATE,
    "SourceIp": IP,
    "SourcePort": _PORT,
    "SourceUrl": URI,
    "ASN": {"type": "integer", "minimum": 1, "maximum": 4199999999},
    "DestinationIp": IP,
    "DestinationPort": _PORTS,
    "AttackerIp": IP,
    "AttackerPort": _PORTS,
    "Ongoing": FLAG,
    "ThreatActor": TEXT,
    "Samples": list_of(_SAMPLE, minItems=1),
    "ByteCount": COUNT,
    "PacketCount": COUNT,
    "SmtpMailFromAddress": EMAIL,
    "SmtpRcptToAddress": EMAIL,
    "ServiceName": TEXT,
    "ServiceVersion": TEXT,
    "TransportProtocol": one_of("tcp", "udp"),
    "RpzDomain": HOST,
    "MalwareName": TEXT,
    "InfringedMaterial": TEXT,
    "InfringingUrl": URI,
    "MaterialType": TEXT,
    "SharingProtocol": TEXT,
    "CourtOrder": URI,
    "TrademarkedMaterial": TEXT,
    "RegistrationOffice": TEXT,
    "RegistrationNumber": TEXT,
    "FileName": TEXT,
    "FileSize": SIZE,
    "CVE": {"type": "string", "pattern": r"^CVE-\d{4}-\d{4,7}$"},
    "CVSS": _CVSS,
    "PasswordHash": _HASH,
    "Harasser": TEXT,
    "HarassmentDescription": TEXT,
    "HarassmentType": one_of("doxing", "stalking", "sexual", "believes", "defamation", "extortion", "hate"),
    "HarassmentLocation": one_of("website", "chat", "game"),
}
_BY_ADDRESS: Rule = {"required": ["SourceIp"]}
_BY_ADDRESS_OR_URL: Rule = unless_there("SourceUrl", "SourceIp")
_BY_ACCOUNT: Rule = {
    "required": ["Account"],
    "properties": {"Account": _ACCOUNT, "SourceIp": NOT_ALLOWED, "SourceUrl": NOT_ALLOWED},
}
# Type, its spelling reduced to letters and digits -> what it needs beyond class, type and date.
_TYPES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    **dict.fromkeys(("spam", "dos", "ddos", "portscan", "loginattack", "exploit", "botnet"), (_BY_ADDRESS, ())),
    **dict.fromkeys(
        ("phishing", "malware", "fraud", "spamvertised", "webcrawler", "webhack"), (_BY_ADDRESS_OR_URL, ())
    ),
    **dict.fromkeys(("childabuse", "childsexualabusematerial", "csam"), (_BY_ADDRESS_OR_URL, ())),
    **dict.fromkeys(("trap", "bot", "violence", "identitytheft", "vulnerability"), (_BY_ADDRESS_OR_URL, ())),
    "rpzrewrite": (_BY_ADDRESS, ()),
    "openservice": (_BY_ADDRESS_OR_URL, ("ServiceName",)),
    "copyright": (_BY_ADDRESS_OR_URL, ("InfringedMaterial", "FileName")),
    "trademark": (_BY_ADDRESS_OR_URL, ("TrademarkedMaterial",)),
    "harassment": (_BY_ADDRESS_OR_URL, ("Harasser", "HarassmentDescription")),
    "potentiallycompromisedaccount": (_BY_ACCOUNT, ()),
}


def rules(document: dict[str, Any]) -> tuple[str, str, str]:
    """(tongue, version, type) that a document is held against; "" for a version or type that nobody knows."""
    stated = document.get("Version", "alpha")
    version = stated if isinstance(stated, str) else ""
    if version.lstrip("v").split(".")[0] == "3":
        version = "3"
    report = document.get("Report")
    kind = report.get("ReportType") if isinstance(report, dict) else None
    key = _reduced(kind) if isinstance(kind, str) else ""
    if isinstance(report, dict) and isinstance(report.get("Source"), dict):
        return "3-object", version if version in VERSIONS else "", key if key in _TYPES else ""
    if key == "malware" and isinstance(report, dict) and report.get("ReportClass") == "Activity":
        key = "rpzrewrite"
    return "3", version if version in VERSIONS else "", key if key in _TYPES else ""


def schema(rules: tuple[str, str, str]) -> Rule:
    tongue, version, kind = rules
    report = _with_source_object() if tongue == "3-object" else _report(version, kind)
    if not kind:
        report["properties"] = {**report["properties"], "ReportType": {"enum": sorted(_TYPES)}}
    return record(
        {
            "Version": TEXT if version else {"enum": sorted(VERSIONS)},
            "ReporterInfo": _party("Reporter", closed=version not in OLD),
            "OnBehalfOf": _party("Complainant", closed=False),
            "Disclosure": FLAG,
            "InternalProcessing": _internal(),
            "Report": report,
        },
        *("ReporterInfo", "Disclosure", "Report"),
        *(() if version == "alpha" else ("Version",)),
    )


def _reduced(kind: str) -> str:
    return "".join(sign for sign in kind[:60].lower() if sign.isalnum())


def _report(version: str, kind: str) -> Rule:
    needs, also = _TYPES.get(kind, (_BY_ADDRESS_OR_URL, ()))
    if kind == "malware" and version in OLD:
        also = ("SourceUrl",)
    properties = {**_PROPERTIES, "FileHash": TEXT if version in OLD else _HASH}
    if kind == "rpzrewrite":
        properties["ReportSubType"] = {"enum": ["RPZ-Rewrite"]}
    return {**record(properties, "ReportClass", "ReportType", "Date", *also), "allOf": [needs]}


def _with_source_object() -> Rule:
    source = {
        **record({"IP": IP, "Port": _PORT, "URL": URI, "Type": TEXT}),
        **unless_there("URL", "IP"),
    }
    attachment = record({"ContentType": TEXT, "Description": TEXT, "Data": TEXT}, "ContentType", "Data")
    return record(
        {
            "ReportClass": {"type": "string", "minLength": 1},
            "ReportType": {"type": "string", "minLength": 1},
            "Date": DATE,
            "Source": source,
            "Attachment": list_of(attachment),
            "AdditionalInfo": {"type": "object"},
        },
        *("ReportClass", "ReportType", "Date", "Source"),
    )


def _party(who: str, *, closed: bool) -> Rule:
    """Who reports, or for whom: an organisation names itself, a person need not."""
    known = {
        "Type": one_of("Org", "Person"),
        "Org": NAME,
        "OrgDomain": HOST,
        "OrgEmail": EMAIL,
        "OrgAddress": TEXT,
        "ContactEmail": EMAIL,
        "ContactName": NAME,
        "ContactPhone": NAME,
    }
    rule = record({who + name: one for name, one in known.items()})
    rule["if"] = {"not": {"properties": {f"{who}Type": {"const": "Person"}}, "required": [f"{who}Type"]}}
    rule["then"] = {"required": [f"{who}Org", f"{who}OrgDomain", f"{who}OrgEmail"]}
    if closed:
        rule["additionalProperties"] = False
    return rule


def _internal() -> Rule:
    words: Rule = {"type": "object", "additionalProperties": TEXT}
    return record(
        {
            "SubscriberInformation": record({"ID": TEXT, "SubscriberData": words}),
            "ContractInformation": record({"ID": TEXT, "ResolverData": words}),
            "EventTags": list_of(TEXT),
        }
    )
