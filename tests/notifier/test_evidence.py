"""The machine's part of a notice: ARF and XARF that our own parser reads back, the redacted mail, the HTML twin."""

from __future__ import annotations

import email
import html as entities
import re
from dataclasses import replace
from typing import Any

import pytest

from notifier.compose import Composed, compose
from notifier.notice import NoticeKind, XarfParty
from notifier.samples import ENGLISH, EVIDENCE, FACTS
from notifier.samples import example as notice
from parsers import parse
from parsers.report import Category, Kind

PARTY = XarfParty("ISP Example", "abuse@isp.example")
WHOLE = replace(
    EVIDENCE,
    body=("Buy now: hxxps://shop[.]example/token\nDear token,", "特价商品\n"),
    attachments=("invoice.exe, application/octet-stream, 12345 bytes, sha256:00ff, a Windows program (PE)",),
)


def parts(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in email.message_from_bytes(raw).walk():
        found.setdefault(part.get_content_type(), part)
    return found


@pytest.mark.standard("RED-2")
def test_the_redacted_mail_leaves_as_a_message_of_its_own() -> None:
    composed = compose(notice(evidence=WHOLE))
    inner = parts(composed.message)["message/rfc822"].get_payload(0)
    texts = [part.get_payload(decode=True).decode() for part in inner.walk() if not part.is_multipart()]
    assert "hxxps://shop[.]example/token" in texts[0]
    assert texts[1].strip() == "特价商品"
    assert "invoice.exe" in texts[2]
    assert "sha256:00ff" in texts[2]
    assert {part.get_content_type() for part in inner.walk()} == {"multipart/mixed", "text/plain"}
    read = parse(composed.message)
    assert (read.kind, read.defects) == (Kind.REPORT, ())
    assert read.reports[0].original is not None
    assert read.reports[0].original.headers_only is False


@pytest.mark.parametrize("category", ["spam", "phishing", "malware", "login-attack", "port-scan", "ddos"])
@pytest.mark.parametrize("evidence", [EVIDENCE, WHOLE], ids=["headers", "whole"])
def test_xarf_is_valid_and_says_what_the_evidence_says(category: str, evidence: Any) -> None:
    composed = compose(notice(evidence=replace(evidence, category=category), xarf=PARTY))
    read = parse(composed.message)
    assert (read.kind, read.format) == (Kind.REPORT, "xarf")
    assert [d for d in read.reports[0].defects if d.startswith("schema")] == []
    report = read.reports[0]
    assert (report.source_ip, report.arrival_date) == (EVIDENCE.source_ip, EVIDENCE.arrival_date)
    assert report.category is Category(category)
    assert compose(notice(evidence=replace(evidence, category=category), xarf=PARTY)).message == composed.message


@pytest.mark.parametrize("gone", [{"category": "vulnerability"}, {"source_ip": None}, {"arrival_date": None}])
def test_what_xarf_cannot_say_stays_arf(gone: dict[str, Any]) -> None:
    read = parse(compose(notice(evidence=replace(EVIDENCE, **({"category": "spam"} | gone)), xarf=PARTY)).message)
    assert read.format == "arf"


@pytest.mark.parametrize("locale", ["en", "zh", "ro"])
def test_html_says_the_same_words_and_nothing_in_it_loads_or_runs(locale: str) -> None:
    facts = FACTS | {
        "customer": '<img src="https://evil.example/x" onerror=alert(1)>',
        "page": "https://isp.example/c/1?a=b&c",
    }
    composed = compose(notice(language=locale, html=True, facts=facts))
    found = parts(composed.message)
    page = found["text/html"].get_payload(decode=True).decode()
    text = found["text/plain"].get_payload(decode=True).decode().replace("\r\n", "\n")
    shown = entities.unescape(re.sub(r"<[^>]*>", "", page.partition("<body")[2].partition(">")[2]))
    assert "".join(shown.split()) == "".join(text.split())
    assert set(re.findall(r"<([a-z]+)", page)) <= {"html", "head", "meta", "body", "p", "pre", "br", "a"}
    assert re.findall(r'href="([^"]*)"', page) == ["https://isp.example/c/1?a=b&amp;c"]
    assert (parse(composed.message).kind, parse(composed.message).format) == (Kind.REPORT, "arf")


@pytest.mark.standard("SEC-3")
@pytest.mark.parametrize("kind", sorted(set(NoticeKind)))
@pytest.mark.parametrize(
    "hostile",
    [
        "x\r\nBcc: victim@example.com\r\n\r\nhttps://evil.example/",
        "\u202eabc\u2066 \u200bhidden",
        "https://evil.example/" + "a" * 5000,
        "www.evil.example " + "é" * 3000,
        "{{ 7 * 7 }}{% include '/etc/passwd' %}<script>",
    ],
    ids=["lines", "bidi", "long", "wide", "template"],
)
def test_no_fact_writes_a_header_a_line_or_a_link_whatever_the_kind(kind: NoticeKind, hostile: str) -> None:
    named = (*FACTS, "account", "registration", "contact_source", "subject", "number", "role", "day")
    facts: dict[str, Any] = {
        name: hostile for name in named if isinstance(FACTS.get(name, ""), str) and not name.endswith("_at")
    }
    facts |= {"items": [{"resource": hostile, "category": hostile, "count": 1}], "lines": [hostile], "cases": [hostile]}
    for locale in ("en",) if kind in ENGLISH else ("en", "zh", "ro"):
        _stays_data(compose(notice(kind, locale, facts=facts, html=True, sender_name=hostile)), hostile)


def _stays_data(composed: Composed, hostile: str) -> None:
    assert max(map(len, composed.message.split(b"\r\n"))) <= 998
    assert b"\n" not in composed.message.replace(b"\r\n", b"")
    read = email.message_from_bytes(composed.message)
    assert read["Bcc"] is None
    for part in read.walk():
        if part.get_content_maintype() == "text":
            text = part.get_payload(decode=True).decode()
            assert "://evil.example" not in text
            assert "www.evil.example" not in text
            assert not set(text) & set("\u202e\u2066\u200b")
            assert "49" not in text or "49" in hostile
            assert "<script>" not in text or part.get_content_subtype() == "plain"
