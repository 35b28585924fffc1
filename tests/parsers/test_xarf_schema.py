"""xarf_schema: every violation is named with its place; what keeps the rules has none; nothing is ever fetched."""

from __future__ import annotations

import copy
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from parsers import json_text
from parsers.errors import LimitError, MalformedError
from parsers.xarf_schema import SHOWN, violations

PARTY = {"org": "Example Sensors", "contact": "reports@xarf.example", "domain": "xarf.example"}
FOUR: dict[str, Any] = {
    "xarf_version": "4.2.0",
    "report_id": "6f1f1f10-3c2b-4d5e-8f90-0123456789ab",
    "timestamp": "2026-01-14T08:15:30Z",
    "reporter": {**PARTY},
    "sender": {**PARTY},
    "source_identifier": "198.51.100.77",
    "source_port": 4711,
    "category": "messaging",
    "type": "spam",
    "protocol": "smtp",
    "smtp_from": "a@example.net",
    "evidence": [{"content_type": "text/plain", "payload": "eA==", "hash": "md5:00", "size": 1}],
    "tags": ["spam:commercial"],
}
THREE: dict[str, Any] = {
    "Version": "3",
    "ReporterInfo": {
        "ReporterOrg": "Example Sensors",
        "ReporterOrgDomain": "xarf.example",
        "ReporterOrgEmail": "reports@xarf.example",
    },
    "Disclosure": True,
    "Report": {
        "ReportClass": "Activity",
        "ReportType": "LoginAttack",
        "Date": "2026-01-14T08:15:30Z",
        "SourceIp": "198.51.100.77",
        "SourcePort": 4711,
    },
}
AWAY = object()


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    whole = copy.deepcopy(document)
    place: Any = whole
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is AWAY:
        del place[last]
    else:
        place[last] = value
    return whole


@pytest.mark.parametrize("document", [FOUR, THREE])
def test_what_keeps_the_rules_has_no_violation(document: dict[str, Any]) -> None:
    assert violations(document) == ()


@pytest.mark.parametrize(
    ("path", "value", "defect"),
    [
        ("xarf_version", "5.0.0", "schema-format:xarf_version"),
        ("report_id", "7", "schema-format:report_id"),
        ("timestamp", "2026-02-30T00:00:00Z", "schema-format:timestamp"),
        ("timestamp", AWAY, "schema-missing:timestamp"),
        ("reporter.contact", AWAY, "schema-missing:reporter.contact"),
        ("sender.domain", "not a host", "schema-format:sender.domain"),
        ("sender.type", "robot", "schema-not-allowed:sender.type"),
        ("source_port", 0, "schema-range:source_port"),
        ("source_port", AWAY, "schema-missing:source_port"),
        ("category", "weather", "schema-value:category"),
        ("type", "hail", "schema-value:type"),
        ("evidence.0.payload", AWAY, "schema-missing:evidence[0].payload"),
        ("evidence.0.size", 10**8, "schema-range:evidence[0].size"),
        ("evidence.0.hash", "crc:1", "schema-format:evidence[0].hash"),
        ("tags", ["Spam"], "schema-format:tags[0]"),
        ("evidence", [{"content_type": "x", "payload": "y"}] * 51, "schema-size:evidence"),
        ("confidence", 7, "schema-range:confidence"),
    ],
)
def test_each_violation_of_version_4_is_named(path: str, value: object, defect: str) -> None:
    assert violations(changed(FOUR, path, value)) == (defect,)


@pytest.mark.parametrize(
    ("path", "value", "defect"),
    [
        ("Version", "9", "schema-value:Version"),
        ("Version", AWAY, None),  # alpha has none
        ("Disclosure", "yes", "schema-type:Disclosure"),
        ("ReporterInfo.ReporterOrgEmail", "nobody", "schema-format:ReporterInfo.ReporterOrgEmail"),
        ("ReporterInfo.Extra", 1, "schema-not-allowed:ReporterInfo.Extra"),
        ("Report.Date", "yesterday", "schema-format:Report.Date"),
        ("Report.SourceIp", AWAY, "schema-missing:Report.SourceIp"),
        ("Report.SourceIp", "[198.51.100.7]", "schema-format:Report.SourceIp"),
        ("Report.SourcePort", 70000, "schema-range:Report.SourcePort"),
        ("Report.DestinationPort", [80, "x"], "schema-type:Report.DestinationPort[1]"),
        ("Report.ReportType", "Teleport", "schema-value:Report.ReportType"),
        ("Report.ByteCount", True, "schema-type:Report.ByteCount"),
        ("Report.Samples", [], "schema-size:Report.Samples"),
        ("Report.Samples", [{"Payload": "x"}], "schema-missing:Report.Samples[0].ContentType"),
        ("Report.CVSS", {"Version": "2", "Vector": "CVSS:3.1/x"}, "schema-format:Report.CVSS.Vector"),
        ("Report.Custom", {"a": [1]}, "schema-type:Report.Custom.a"),
    ],
)
def test_each_violation_of_version_3_is_named(path: str, value: object, defect: str | None) -> None:
    assert violations(changed(THREE, path, value)) == ((defect,) if defect else ())


def test_old_versions_have_their_own_rules() -> None:
    malware = changed(changed(THREE, "Report.ReportType", "Malware"), "Report.ReportClass", "Content")
    assert violations(malware) == ()
    assert violations({**malware, "Version": "2"}) == ("schema-missing:Report.SourceUrl",)
    assert violations(changed({**THREE, "Version": "1"}, "Report.FileHash", "abc")) == ()
    assert violations(changed(THREE, "Report.FileHash", "abc")) == ("schema-type:Report.FileHash",)


def test_the_number_of_violations_is_bounded() -> None:
    found = violations(changed(FOUR, "evidence", [{}] * 49))
    assert len(found) == SHOWN + 1
    assert found[-1] == "schema-more"
    assert len(violations(changed(FOUR, "reporter", {f"k{n}": 1 for n in range(500)}))) <= SHOWN + 1


def test_a_hostile_name_does_not_get_into_a_defect() -> None:
    found = violations(changed(FOUR, "reporter", {**PARTY, "a\r\nBcc: x@y" + "z" * 500: 1}))
    assert len(found) == 1
    assert found[0].isascii()
    assert found[0].isprintable()
    assert len(found[0]) < 120


def test_nothing_is_fetched_whatever_a_document_refers_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a schema check went to the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    there = "https://schema.example.org/x.json"
    for document in (FOUR, THREE):
        violations({**document, "$schema": there, "$ref": there, "$id": there, "Schema-URL": there})


def test_no_rule_refers_to_another_place() -> None:
    here = Path(__file__).parent.parent.parent / "parsers" / "xarf_schema"
    for file in here.glob("*.py"):
        assert '"$ref"' not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"b": {"c": 1, "\\u0063": 2}}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 30 + "}",
        '{"a": "line\nend"}',
        '{"a": ',
        "no json at all",
        "",
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        json_text.load(text.encode())


@pytest.mark.parametrize(
    "text", ['{"a": ' + "[" * 100_000, '{"a": [' + "1," * 100_000 + "1]}", '{"a": [' + '"",' * 100_000]
)
def test_depth_and_number_are_counted_before_anything_is_built(text: str) -> None:
    with pytest.raises(LimitError):
        json_text.load(text.encode())


def test_brackets_in_strings_do_not_count() -> None:
    text = json.dumps({"a": '[{"' * 50_000})
    assert json_text.load(text.encode()).value == json.loads(text)


def test_words_around_the_document_are_noticed() -> None:
    assert json_text.load(b'Dear all,\n{"a": 1}\n-- \nme').alone is False
    assert json_text.load(b'\xef\xbb\xbf {"a": 1}\n').alone is True
