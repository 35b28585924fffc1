"""Hosts by exact name, else by the longest registered parent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.attribution.holders import Found
from gateway.attribution.hosts import HostIndex
from gateway.model import Assignment
from gateway.model import AttributionReason as Why

JAN = datetime(2026, 1, 1, tzinfo=UTC)
NOV3 = datetime(2026, 11, 3, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def held(account: int, name: str, start: datetime = JAN, end: datetime | None = None) -> Assignment:
    return Assignment(account, account, name, 0, 0, 0, None, None, start, end)


INDEX = HostIndex(
    [
        held(1, "shop.example"),
        held(2, "blog.shop.example"),
        held(3, "moved.example", end=NOV3),
        held(4, "Moved.Example.", start=NOV3),
        held(5, "new.shop.example", start=NOV3),
        held(6, "left.example", end=NOV3),
        held(7, "xn--bcher-kva.example"),
        Assignment(8, 8, "192.0.2.0/24", 4, 1, 9, None, None, JAN, None),
    ]
)


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("shop.example", NOW, 1),
        ("www.shop.example", NOW, 1),
        ("blog.shop.example", NOW, 2),
        ("a.b.blog.shop.example", NOW, 2),
        ("WWW.Shop.Example.", NOW, 1),
        ("myshop.example", NOW, Why.NOT_OURS),
        ("example", NOW, Why.NOT_OURS),
        ("shop.example.evil.example", NOW, Why.NOT_OURS),
        ("moved.example", JAN, 3),
        ("moved.example", NOW, 4),
        ("moved.example", None, Why.NO_TIME),
        ("new.shop.example", JAN, 1),
        ("new.shop.example", NOW, 5),
        ("left.example", NOW, Why.NOT_ASSIGNED_THEN),
        ("left.example", None, 6),
        ("bücher.example", NOW, 7),
        ("192.0.2.0/24", NOW, Why.NOT_OURS),
        ("", NOW, Why.NOT_OURS),
        ("." * 600, NOW, Why.NOT_OURS),
        (".".join("a" * 200) + ".shop.example", NOW, Why.NOT_OURS),
    ],
)
def test_holder_of_a_host(name: str, at: datetime | None, expected: int | Why) -> None:
    found = INDEX.lookup(name, at)
    assert (found.assignment.account_id if isinstance(found, Found) else found.reason) == expected
    assert INDEX.covers(name) is (expected is not Why.NOT_OURS)
