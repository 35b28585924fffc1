"""An example of each notice: for `arfgate notice preview` where there is no real one, and for the golden files.

Documentation names and addresses only. Must never be sent.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.notice import REPLIES, TO_STAFF, Evidence, Notice, NoticeKind
from notifier.redact import Redactor

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADERS = Redactor(b"0123456789abcdef").allow_listed(
    [
        (
            "Received",
            (
                "from shop.example (shop.example [192.0.2.1]) by mx.example.com with ESMTPS id Q1 "
                "for <bob@example.com>; Fri, 2 Jan 2026 03:00:00 +0000"
            ),
        ),
        ("From", "Großer Laden <sales@shop.example>"),
        ("Subject", "Bob, dein Gewinn: https://shop.example/u/7"),
        ("Date", "Fri, 2 Jan 2026 02:59:58 +0000"),
        ("Message-ID", "<1@shop.example>"),
    ],
    ["bob@example.com", "Bob Smith"],
)
EVIDENCE = Evidence(
    feedback_type="abuse",
    source_ip="192.0.2.1",
    source_port=4711,
    arrival_date=datetime(2026, 1, 2, 3, 0, tzinfo=UTC),
    incidents=3,
    reporting_mta="mx.example.com",
    reported_domain=("shop.example",),
    reported_uri=("https://shop.example/",),
    headers=HEADERS,
)
FACTS: dict[str, object] = {
    "case": "AG-2026-000123",
    "customer": "Example Shop Ltd",
    "resource": "192.0.2.1",
    "category": "spam",
    "reporter": "a registered feedback loop",
    "received_at": "2026-01-02T03:04:05+00:00",
    "reports": 2,
    "hours": "24",
    "action": "block-address",
    "action_approval": True,
    "findings": ["The subject does not begin with 广告 or AD"],
    "organisation": "Abuse desk of ISP Example",
}
_STRIKE: dict[str, object] = {
    "account": "shop",
    "complaints": 3,
    "first_at": NOW,
    "last_at": NOW + timedelta(hours=71),
    "cases": ["AG-2026-000123", "AG-2026-000124"],
    "policy": "default 1",
}
_THIRD: dict[str, object] = {
    "role": "source",
    "registration": "192.0.2.0 - 192.0.2.255 (EXAMPLE-NET)",
    "contact_source": "https://rdap.example/ip/192.0.2.1",
    "opt_out": "abuse+o.abc@isp.example",
    "action": None,
    "customer": None,
}
BY_KIND: dict[NoticeKind, dict[str, object]] = {
    NoticeKind.COMPLAINT: {},
    NoticeKind.REMINDER: {"notified_at": NOW, "due_at": NOW + timedelta(hours=24), "time_left": 43_200.0},
    NoticeKind.OVERDUE: {"due_at": NOW, "timezone": "Asia/Shanghai", "action_approval": False},
    NoticeKind.CUSTOMER_COPY: {"customer": "Oak Telecom", "below": "Example Shop Ltd", "told": "complaint"},
    NoticeKind.FIRST_WARNING: _STRIKE,
    NoticeKind.SECOND_WARNING: _STRIKE,
    NoticeKind.FINAL_WARNING: _STRIKE | {"next_action": "disable-mail", "next_approval": False},
    NoticeKind.ENFORCED: _STRIKE
    | {"resource": "shop", "action": "disable-mail", "done_at": NOW, "reason": "third strike"},
    NoticeKind.POLICY_CHANGE: {
        "policy": "default 2",
        "effective_at": NOW,
        "changes": ["classes.mail.hours: 24 -> 48"],
        "more_changes": 2,
    },
    NoticeKind.WHOIS_CONTACT: _THIRD,
    NoticeKind.ACTION_PLANNED: {"planned_at": NOW + timedelta(hours=2), "reason": "no answer in time"},
    NoticeKind.LIFTED: {"done_at": NOW, "reason": "The site is gone."},
    NoticeKind.ANSWER_RECEIVED: {"needs_statement": True, "needs_prevention": True},
    NoticeKind.RESOLVED: {"resolved_at": NOW, "days": 30},
    NoticeKind.REOPENED: {
        "resolved_at": NOW,
        "reason": "new mail of the same kind",
    },
    NoticeKind.RELAY_POSTMASTER: _THIRD,
    NoticeKind.UPSTREAM: _THIRD,
    NoticeKind.DIGEST: _THIRD
    | {
        "day": "2026-01-02",
        "items": [
            {"resource": "192.0.2.1", "category": "spam", "count": 30, "last_at": NOW},
            {"resource": "shop.example", "category": "phishing", "count": 2},
        ],
        "more": 3,
    },
    NoticeKind.CUSTOMER_DIGEST: {
        "day": "2026-01-02",
        "items": [
            {"resource": "192.0.2.1", "category": "spam", "count": 30, "last_at": NOW, "case": "AG-2026-000123"},
            {"resource": "shop.example", "category": "phishing", "count": 2},
        ],
        "more": 3,
    },
    NoticeKind.OUTCOME: {"number": "R-2026-000123", "result": "solved"},
    NoticeKind.INCOMPLETE: {"number": "R-2026-000123", "missing": ["headers", "address", "time"], "days": 14},
    NoticeKind.ACKNOWLEDGEMENT: {"number": "R-2026-000123", "may_ask": True},
    NoticeKind.CONFIRM_REPORT: {"received_at": NOW, "days": 14, "page": "https://abuse.isp.example/report/confirm/abc"},
    NoticeKind.PORTAL_LINK: {"page": "https://abuse.isp.example/portal/case/abc"},
    NoticeKind.LEGAL_ALARM: {"matter": 12, "legal_kind": "court-or-police"},
    NoticeKind.STAFF_ALARM: {
        "what": "A flood",
        "why": "200 reports from reporter.example",
        "command": "arfgate held list",
    },
    NoticeKind.FEED_ADMIN: {
        "subject": "Confirm your feed",
        "from_address": "fbl@feed.example",
        "authenticated": "feed.example by dkim",
        "message": 7,
        "lines": ["Please confirm:", "https://feed.example/confirm?token=abc"],
    },
    NoticeKind.ANSWER_REJECTED: {"due_at": NOW + timedelta(hours=9), "reason": "You do not say which site it was."},
    NoticeKind.CONSENT_ASKED: {
        "campaign": "Winter sale (news.shop.example)",
        "sent_on": NOW,
        "records_due_at": NOW + timedelta(hours=24),
        "no_permission": True,
    },
    NoticeKind.APPEAL_DECIDED: {"granted": True, "reason": "The site is gone and the login was changed."},
    NoticeKind.POSTMASTER_CHECK: {"domain": "shop.example", "yearly": True, "customer": "Example Shop Ltd"},
    NoticeKind.SELF_TEST: {"nonce": "7f3a"},
}

# What a kind says besides, when the facts are others.
VARIANTS: dict[str, tuple[NoticeKind, dict[str, object]]] = {
    "answer-received-complete": (NoticeKind.ANSWER_RECEIVED, {"needs_statement": False}),
    "appeal-refused": (NoticeKind.APPEAL_DECIDED, {"granted": False}),
    "enforced-alone": (NoticeKind.ENFORCED, {"complaints": None, "cases": None, "reason": None}),
    "lifted-cancelled": (NoticeKind.LIFTED, {"cancelled": True, "done_at": None}),
    "outcome-closed": (NoticeKind.OUTCOME, {"result": "closed"}),
    "outcome-unfounded": (NoticeKind.OUTCOME, {"result": "unfounded"}),
    "resolved-dismissed": (NoticeKind.RESOLVED, {"dismissed": True, "days": None}),
    "whois-contact-site": (NoticeKind.WHOIS_CONTACT, {"role": "advertised", "resource": "shop.example", "guess": True}),
}
ENGLISH = TO_STAFF | {NoticeKind.SELF_TEST}
REPORTS = frozenset(NoticeKind) - REPLIES - ENGLISH


def example(kind: NoticeKind = NoticeKind.COMPLAINT, language: str = "en", **changes: Any) -> Notice:
    """One notice of the kind; `changes` are fields of Notice."""
    values: dict[str, Any] = {
        "kind": kind,
        "key": "clock:1:0:first:complaint:noc@customer.example",
        "to": "noc@customer.example",
        "language": language,
        "address": "abuse+n.abcdef@isp.example",
        "sender": "abuse@isp.example",
        "sender_name": "ISP Example",
        "date": NOW,
        "facts": FACTS | BY_KIND[kind],
        "evidence": EVIDENCE if kind in REPORTS else None,
    }
    return Notice(**(values | changes))
