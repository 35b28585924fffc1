"""xarf_flat.py: X-ARF is read line by line, by no YAML engine."""

from __future__ import annotations

import pytest

from parsers import parse
from parsers.report import Category, Kind, ResourceKind

LINES = b"""Reported-From: reports@list.example
Category: abuse
Report-Type: login-attack
Source-Type: ipv4
Source: 198.51.100.77
Date: Wed, 14 Jan 2026 09:15:30 +0100
Port: 22
"""


def mail(lines: bytes, mark: bytes = b"X-ARF: yes\n", name: bytes = b"report.txt") -> bytes:
    return (
        b"From: reports@list.example\nTo: abuse@isp.example\nSubject: report\nMIME-Version: 1.0\n"
        + mark
        + b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nHello.\n\n--b\nContent-Type: text/plain; name="'
        + name
        + b'"\n\n'
        + lines
        + b"\n--b--\n"
    )


def test_the_lines_are_the_report() -> None:
    parsed = parse(mail(LINES))
    report = parsed.reports[0]
    assert (parsed.format, report.source_ip, report.category) == ("xarf_flat", "198.51.100.77", Category.LOGIN_ATTACK)
    assert report.arrival_date is not None
    assert report.arrival_date.hour == 8


def test_the_attacked_port_is_not_the_sources() -> None:
    report = parse(mail(LINES)).reports[0]
    assert report.source_port is None
    assert dict(report.fields)["Port"] == ("22",)


@pytest.mark.parametrize("mark", [b"X-XARF: PLAIN\n", b"x-xarf: secure\n", b"X-Arf: YES\n", b"X-XARF: BULK\n"])
def test_every_mark_is_known(mark: bytes) -> None:
    assert parse(mail(LINES, mark, b"x.dat")).format == "xarf_flat"


def test_lines_without_a_mark_and_a_name_are_not_taken_for_a_report() -> None:
    assert parse(mail(LINES, b"", b"notes.txt")).format != "xarf_flat"


@pytest.mark.parametrize(
    "trick",
    [
        b"Source: !!python/object/apply:os.system ['true']\n",
        b"Source: &a 192.0.2.1\nOther: *a\n",
        b"Source: {a: b}\n",
        b"Source: |\n  192.0.2.9\n  192.0.2.10\n",
    ],
)
def test_yaml_beyond_lines_means_nothing(trick: bytes) -> None:
    parsed = parse(mail(LINES.replace(b"Source: 198.51.100.77\n", trick)))
    assert parsed.kind is Kind.REPORT
    assert parsed.reports[0].source_ip in (None, "192.0.2.9")


def test_three_dashes_part_two_reports() -> None:
    both = LINES + b"---\n" + LINES.replace(b"198.51.100.77", b"203.0.113.9")
    assert [one.source_ip for one in parse(mail(both)).reports] == ["198.51.100.77", "203.0.113.9"]


def test_more_reports_than_allowed_are_for_a_person() -> None:
    parsed = parse(mail(b"---\n".join([LINES] * 25)))
    assert parsed.kind is Kind.UNREADABLE
    assert "more than 20" in (parsed.error or "")


@pytest.mark.parametrize("source", ["198.51.xxx.xxx", "198.51.100.0/24", "xx", "AS64500"])
def test_what_names_no_one_is_no_source(source: str) -> None:
    report = parse(mail(LINES.replace(b"198.51.100.77", source.encode()))).reports[0]
    assert (report.source_ip, report.resources) == (None, ())
    assert "bad-source-ip" in report.defects


def test_a_domain_and_a_mailbox_are_known_by_what_they_are() -> None:
    domain = parse(mail(LINES.replace(b"198.51.100.77", b"Files.Example.COM"))).reports[0]
    box = parse(mail(LINES.replace(b"198.51.100.77", b"a@Example.COM"))).reports[0]
    assert domain.reported_domain == ("files.example.com",)
    assert [(one.kind, one.value) for one in box.resources] == [(ResourceKind.MAILBOX, "a@example.com")]
