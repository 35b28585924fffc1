"""Who sends, what authenticates, what evidence, under which policy: verdict, reason and reply of each case of the
table in cases.txt. The mails are those of fixtures/, given another sender; everything is read by the real parser."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.model import Verdict
from gateway.screening.identity import Border, Feed, identify
from gateway.screening.replies import Ledger, decide
from gateway.screening.reporters import Standing, Trust
from gateway.screening.verdict import ScreeningContext, screen
from parsers import parse
from parsers.report import Kind

FIXTURES = Path(__file__).parents[2].parent / "fixtures"
NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)  # the fixtures happen on the day before
BORDER = Border(
    frozenset({"mx.isp.example"}),
    (
        Feed("fbl", frozenset({"fbl.example"}), frozenset({"fbl-1@isp.example"})),
        Feed("counted", frozenset({"statistics.example"}), opens_cases=False),
        Feed("by-alias", aliases=frozenset({"trap-7@isp.example"})),
        Feed("staff-only", frozenset({"bigmail.example"}), senders=frozenset({"fbl@bigmail.example"})),
    ),
)

# From, return path, more fields
WHO = {
    "person": ("ann@reporter.example", "<ann@reporter.example>", ""),
    "person-below": ("ann@mail.reporter.example", "<ann@mail.reporter.example>", ""),
    "colleague": ("bob@reporter.example", "<bob@reporter.example>", ""),
    "person-srs": ("ann@reporter.example", "<srs0=x=reporter.example=ann@relay.example>", ""),
    "person-elsewhere": ("ann@reporter.example", "<ann@other.example>", ""),
    "person-no-path": ("ann@reporter.example", None, ""),
    "person-null-path": ("ann@reporter.example", "<>", ""),
    "list": ("ann@reporter.example", "<ann@reporter.example>", "List-Id: <spam.lists.example>"),
    "bulk": ("ann@reporter.example", "<ann@reporter.example>", "Precedence: bulk"),
    "automatic": ("ann@reporter.example", "<ann@reporter.example>", "Auto-Submitted: auto-generated"),
    "says-manual": ("ann@reporter.example", "<ann@reporter.example>", "Auto-Submitted: no"),
    "no-reply": ("no-reply@reporter.example", "<no-reply@reporter.example>", ""),
    "daemon": ("mailer-daemon@reporter.example", "<mailer-daemon@reporter.example>", ""),
    "owner": ("ann@reporter.example", "<owner-abuse@reporter.example>", ""),
    "two-authors": ("ann@reporter.example, bob@other.example", "<ann@reporter.example>", ""),
    "no-author": (None, "<ann@reporter.example>", ""),
    "doubtful": ("dan@doubtful.example", "<dan@doubtful.example>", ""),
    "blocked": ("eve@blocked.example", "<eve@blocked.example>", ""),
    "blocked-herself": ("eve@reporter.example", "<eve@reporter.example>", ""),
    "trusted": ("tom@trusted.example", "<tom@trusted.example>", ""),
    "counted-only": ("pat@counts.example", "<pat@counts.example>", ""),
    "feed": ("feedback@fbl.example", "<feedback@fbl.example>", ""),
    "feed-no-reply": ("no-reply@fbl.example", "<>", "Auto-Submitted: auto-generated"),
    "feed-other-from": ("ann@reporter.example", "<x@fbl.example>", ""),
    "feed-statistics": ("stats@statistics.example", "<stats@statistics.example>", ""),
    "feed-in-bigmail": ("fbl@bigmail.example", "<fbl@bigmail.example>", ""),
    "user-of-bigmail": ("joe@bigmail.example", "<joe@bigmail.example>", ""),
    "ourselves": ("abuse@isp.example", "<abuse@isp.example>", "X-Arfgate-Loop: arfgate-isp"),
    "our-own-user": ("amy@isp.example", "<amy@isp.example>", ""),
    "another-gateway": ("desk@other-isp.example", "<desk@other-isp.example>", "X-Loop: somebody"),
}
TO = {"by-alias": "trap-7@isp.example", "to-feed-alias": "fbl-1@isp.example", "cfbl": "feedback@isp.example"}

# {from}: domain of the From address; None: no field at all
AUTHENTICATES = {
    "dkim": "mx.isp.example; dkim=pass header.d={from}",
    "dkim-above": "mx.isp.example; dkim=pass header.d=reporter.example",
    "spf": "mx.isp.example; spf=pass smtp.mailfrom={from}",
    "dkim+spf": "mx.isp.example; dkim=pass header.d={from}; spf=pass smtp.mailfrom={path}",
    "dmarc": "mx.isp.example; dmarc=pass header.from={from}",
    "esp": "mx.isp.example; dkim=pass header.d=esp.example",
    "fbl": "mx.isp.example; dkim=pass header.d=fbl.example",
    "fails": "mx.isp.example; dkim=fail header.d={from}; spf=softfail smtp.mailfrom={from}",
    "none": "mx.isp.example; none",
    "temperror": "mx.isp.example; dkim=temperror header.d={from}",
    "unreadable": "mx.isp.example; dkim=pass (((",
    "absent": None,
    "foreign": "mx.elsewhere.example; dkim=pass header.d={from}",
    "forged-below": "mx.elsewhere.example; none\nmx.isp.example; dkim=pass header.d={from}",
}

STANDINGS = {
    one.key: one
    for one in (
        Standing("organisation:blocked.example", blocked=True, why="forged evidence"),
        Standing("person:eve@reporter.example", blocked=True, why="forged evidence"),
        Standing("person:dan@doubtful.example", Trust.DOUBTFUL, why="often wrong"),
        Standing("organisation:doubtful.example", Trust.DOUBTFUL, why="often wrong"),
        Standing("person:tom@trusted.example", Trust.TRUSTED, why="colleague"),
        Standing("organisation:counts.example", opens_cases=False),
        Standing("person:pat@counts.example", opens_cases=False),
    )
}
USUAL = ScreeningContext(
    own_addresses=frozenset({"abuse@isp.example"}),
    loop_token="arfgate-isp",
    names_ours=lambda parsed: "198.51.100." in parsed.text,
    now=NOW,
    age_limit=timedelta(days=7),
    count_only_feeds=frozenset({"counted"}),
    standings=STANDINGS,
)
POLICY = {
    "usual": USUAL,
    "desk": replace(USUAL, header_needed=False),  # [intake.isp-desk] requires = "authenticated"
    "late": replace(USUAL, now=NOW + timedelta(days=30)),
    "patient": replace(USUAL, now=NOW + timedelta(days=30), age_limit=timedelta(days=60)),
    "cfbl": replace(USUAL, cfbl_addresses=frozenset({"feedback@isp.example"})),
    "no-border": USUAL,
}
LEDGER = Ledger(
    NOW, left=10, own_addresses=frozenset({"abuse@isp.example"}), own_domains=frozenset({"isp.example"}),
    answered={"bob@reporter.example": NOW - timedelta(days=3)},
)  # fmt: skip
_DROPPED = re.compile(
    rb"^(?:return-path|received|authentication-results|from|sender|reply-to|to|cc|delivered-to|x-original-to"
    rb"|dkim-signature|x-loop|list-.*|precedence)$",
    re.IGNORECASE,
)


def table() -> list[list[str]]:
    lines = (Path(__file__).parent / "cases.txt").read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def mail(who: str, authenticates: str, evidence: str, policy: str) -> bytes:
    """The fixture with the header fields of this sender. `who@alias` writes to that address of ours."""
    who, _, to = who.partition("@")
    author, path, more = WHO[who]
    domain = author.rpartition("@")[2] if author else "reporter.example"
    block, _, body = (FIXTURES / f"{evidence}.eml").read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    kept = [one for one in re.split(rb"\n(?![ \t])", block) if not _DROPPED.match(one.partition(b":")[0])]
    top = [f"Return-Path: {path}"] if path is not None else []
    for said in (AUTHENTICATES[authenticates] or "").splitlines():
        filled = said.replace("{from}", domain).replace("{path}", (path or "<>").strip("<>").rpartition("@")[2])
        top.append(f"Authentication-Results: {filled}")
    top += [f"From: {author}"] if author else []
    top += [f"To: {TO.get(to, 'abuse@isp.example')}", *([more] if more else [])]
    return "\n".join(top).encode() + b"\n" + b"\n".join(kept) + b"\n\n" + body


def outcome(who: str, authenticates: str, evidence: str, policy: str) -> tuple[str, str, str]:
    parsed = parse(mail(who, authenticates, evidence, policy))
    identity = identify(parsed.envelope, Border(feeds=BORDER.feeds) if policy == "no-border" else BORDER)
    report = parsed.reports[0] if parsed.reports and parsed.kind is Kind.REPORT else None
    screening = screen(parsed, report, identity, POLICY[policy])
    said = decide(parsed, report, screening, LEDGER)
    assert screening.detail
    return screening.verdict.value, screening.reason.value, said.reply.value if said.reply else "-"


@pytest.mark.parametrize("row", [pytest.param(row, id=" ".join(row[:4])) for row in table()])
def test_case(row: list[str]) -> None:
    assert outcome(*row[:4]) == tuple(row[4:])


def test_the_table_is_what_it_says() -> None:
    rows = table()
    assert len(rows) >= 120
    assert not [row for row, count in Counter(tuple(row[:4]) for row in rows).items() if count > 1]
    assert {row[4] for row in rows} == {verdict.value for verdict in Verdict}
    assert {row[0].partition("@")[0] for row in rows} == set(WHO)
    assert {row[1] for row in rows} == set(AUTHENTICATES)
    assert {row[3] for row in rows} == set(POLICY)


def test_nobody_is_answered_who_was_not_accepted_or_asked_for_more() -> None:
    """Whoever cannot be held to it is filed in silence (AR-6)."""
    for row in table():
        if row[6] != "-":
            assert row[4:6] in (["accepted", "signed"], ["accepted", "trusted"], ["held", "evidence-missing"])
