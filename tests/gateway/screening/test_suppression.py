"""Who comes onto a customer's suppression list, and who never does."""

from __future__ import annotations

import pytest

from gateway.screening.suppression import Terms, complained, gone, opted_out, real_address
from parsers.report import Bounce, Report

REPORT = Report(original_rcpt_to=("reader@reader.example",))
TERMS = Terms(("fbl",))


@pytest.mark.parametrize(
    "token",
    ["xxxx@reader.example", "redacted@fbl.example", "0f3a9c8b7d6e5f4a3b2c@fbl.example", "a" * 40 + "@fbl.example",
     "user@host.invalid", "nobody", "a b@reader.example", "", None, "***@reader.example", "user@localhost"],
)  # fmt: skip
def test_a_token_in_the_place_of_an_address_is_nobody(token: str | None) -> None:
    assert real_address(token) is None


def test_an_address_is_kept_in_lower_case() -> None:
    assert real_address("Some.Reader+tag@Reader.Example") == "some.reader+tag@reader.example"


@pytest.mark.duty("PAG-8")
@pytest.mark.parametrize(
    ("action", "status", "listed"),
    [("failed", "5.1.1", True), ("failed", "5.1.10", True), ("failed", "5.2.1", True), ("failed", "5.7.1", False),
     ("failed", "4.2.2", False), ("failed", "5.2.2", False), ("delayed", "5.1.1", False), ("failed", None, False),
     ("failed", "5.1.11", False)],
)  # fmt: skip
def test_only_a_mailbox_that_is_not_there_is_dropped(action: str, status: str | None, listed: bool) -> None:
    assert gone([Bounce("gone@reader.example", action, status)]) == (["gone@reader.example"] if listed else [])


@pytest.mark.duty("PAG-8")
def test_who_opted_out_is_dropped() -> None:
    assert opted_out(REPORT) == ["reader@reader.example"]


@pytest.mark.duty("PAG-8")
@pytest.mark.parametrize(
    ("feed", "weight", "listed"), [("fbl", 1.0, True), ("other", 1.0, False), ("fbl", 3.0, False), ("fbl", 5.0, False)]
)
def test_a_feeds_complainant_only_by_its_terms_and_a_trap_never(feed: str, weight: float, listed: bool) -> None:
    found = complained(REPORT, feed, weight, None, TERMS, consents=True)
    assert found == (["reader@reader.example"] if listed else [])


@pytest.mark.duty("PAG-8")
@pytest.mark.parametrize("consents", [True, False])
def test_a_person_only_with_recorded_consent(consents: bool) -> None:
    found = complained(REPORT, None, 1.0, "ann@reporter.example", TERMS, consents=consents)
    assert found == (["ann@reporter.example"] if consents else [])
