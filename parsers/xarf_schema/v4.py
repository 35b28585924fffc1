"""XARF 4 as rules: what every report holds, and what each category and type needs beyond it.

After the specification and samples of xarf/xarf-spec (4.2), in our own words. Unknown
properties are allowed on the report, not in its parties and evidence. `source_port` is asked
for as the specification does, though most reporters of spam cannot know it: a violation, and no harm.
"""

from __future__ import annotations

from typing import Any

from parsers.xarf_schema.formats import (
    DATE,
    EMAIL,
    FLAG,
    HOST,
    IP,
    SIZE,
    TEXT,
    URI,
    UUID,
    Rule,
    at_most,
    list_of,
    one_of,
    port,
    record,
    unless_there,
)

_PORT = port(1)
_CVE: Rule = {"type": "string", "pattern": "^CVE-[0-9]{4}-[0-9]+$"}
_COUNT: Rule = {"type": "integer", "minimum": 1}
_PARTY = record(
    {"org": at_most(200), "contact": EMAIL, "domain": HOST}, "org", "contact", "domain", additionalProperties=False
)
_EVIDENCE = record(
    {
        "content_type": TEXT,
        "description": at_most(500),
        "payload": TEXT,
        "hash": {"type": "string", "pattern": "^(md5|sha1|sha256|sha512):[a-fA-F0-9]+$"},
        "size": {"type": "integer", "minimum": 0, "maximum": 5 * 1024 * 1024},
    },
    "content_type",
    "payload",
    additionalProperties=False,
)
_TAG: Rule = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_+-]*:[a-z0-9][a-z0-9_+.-]*$"}
# Names mean the same in every type that has them: one table serves all.
_PROPERTIES: dict[str, Any] = {
    "xarf_version": {"type": "string", "pattern": r"^4\.[0-9]+\.[0-9]+$"},
    "report_id": UUID,
    "timestamp": DATE,
    "reporter": _PARTY,
    "sender": _PARTY,
    "source_identifier": {"type": "string", "minLength": 1},
    "source_port": _PORT,
    "evidence_source": TEXT,
    "evidence": list_of(_EVIDENCE, maxItems=50),
    "tags": list_of(_TAG, maxItems=20),
    "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    "description": at_most(1000),
    "legacy_version": one_of("3"),
    "_internal": {"type": "object"},
    "first_seen": DATE,
    "last_seen": DATE,
    "destination_ip": IP,
    "destination_port": _PORT,
    "url": URI,
    "infringing_url": URI,
    "domain": HOST,
    "smtp_from": EMAIL,
    "smtp_to": EMAIL,
    "subject": at_most(500),
    "recipient_count": _COUNT,
    "cve_id": _CVE,
    "service": TEXT,
    "service_port": _PORT,
    "total_requests": _COUNT,
    "probed_resources": list_of(TEXT),
    "registration_date": DATE,
    "suspicious_indicators": list_of(TEXT, minItems=1),
    "data_types": list_of(TEXT, minItems=1),
    "file_size": SIZE,
    "mitigation_applied": FLAG,
    "verified_at": DATE,
}
_TRANSPORT = one_of("tcp", "udp", "icmp", "sctp", "mixed")
_MEDIUM = one_of("smtp", "sms", "whatsapp", "telegram", "signal", "chat", "social_media", "push_notification", "other")
_BY_SMTP: Rule = {
    "if": {"properties": {"protocol": {"const": "smtp"}}, "required": ["protocol"]},
    "then": {"required": ["smtp_from", "source_port"]},
}
# Category -> what all its types need, and the rules for its own properties.
_CATEGORIES: dict[str, Rule] = {
    "messaging": {"required": ["protocol"], "properties": {"protocol": _MEDIUM}, "allOf": [_BY_SMTP]},
    "connection": {"required": ["protocol", "first_seen"], "properties": {"protocol": _TRANSPORT}},
    "content": {"required": ["url"]},
    "infrastructure": {},
    "copyright": {},
    "vulnerability": {"required": ["service"]},
    "reputation": {"required": ["threat_type"]},
}
_TYPES: dict[str, dict[str, Rule]] = {
    "messaging": {
        "spam": {},
        "bulk_messaging": {"required": ["recipient_count"], "properties": {"recipient_count": {"minimum": 100}}},
    },
    "connection": {
        "login_attack": {},
        "port_scan": {},
        "ddos": {},
        "sql_injection": {},
        "infected_host": {"required": ["bot_type"]},
        "reconnaissance": {"required": ["probed_resources"]},
        "scraping": {"required": ["total_requests"]},
        "vulnerability_scan": {"required": ["scan_type"]},
    },
    "content": {
        "phishing": {},
        "malware": {},
        "fraud": {"required": ["fraud_type"]},
        "csam": {"required": ["classification", "detection_method"]},
        "csem": {"required": ["exploitation_type", "detection_method"]},
        "exposed_data": {"required": ["data_types", "exposure_method"]},
        "brand_infringement": {"required": ["infringement_type", "legitimate_site"]},
        "suspicious_registration": {"required": ["registration_date", "suspicious_indicators"]},
        "remote_compromise": {"required": ["compromise_type"]},
    },
    "infrastructure": {
        "botnet": {"required": ["compromise_evidence"]},
        "compromised_server": unless_there("compromise_type", "compromise_method"),
    },
    "copyright": {
        "copyright": {"required": ["infringing_url"]},
        "p2p": {"required": ["p2p_protocol", "swarm_info"], "properties": {"swarm_info": {"type": "object"}}},
        "cyberlocker": {"required": ["infringing_url", "hosting_service"]},
        "ugc_platform": {"required": ["infringing_url", "platform_name"]},
        "link_site": {"required": ["infringing_url", "site_name"]},
        "usenet": {
            "required": ["newsgroup", "message_info"],
            "properties": {"message_info": {"type": "object", "required": ["message_id"]}},
        },
    },
    "vulnerability": {"cve": {"required": ["service_port", "cve_id"]}, "open_service": {}, "misconfiguration": {}},
    "reputation": {"blocklist": {}, "threat_intelligence": {}},
}


def rules(document: dict[str, Any]) -> tuple[str, str, str]:
    """("4", category, type) that a document is held against; "" for what the specification does not know."""
    category, kind = document.get("category"), document.get("type")
    if not isinstance(category, str) or category not in _TYPES:
        return "4", "", ""
    return "4", category, kind if isinstance(kind, str) and kind in _TYPES[category] else ""


def schema(rules: tuple[str, str, str]) -> Rule:
    _, category, kind = rules
    properties = {
        **_PROPERTIES,
        "category": {"enum": sorted(_TYPES)},
        "type": TEXT if kind or not category else {"enum": sorted(_TYPES[category])},
    }
    named = ("xarf_version", "report_id", "timestamp", "reporter", "sender", "source_identifier", "category", "type")
    more = [rule for rule in (_CATEGORIES.get(category), _TYPES.get(category, {}).get(kind)) if rule]
    return {**record(properties, *named), "allOf": more}
