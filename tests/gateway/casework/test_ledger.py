"""The ledger: one charge a complaint, exact sums, and nothing that is owed twice."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from gateway.casework import ledger
from gateway.casework.ledger import Counted, Entry

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def entry(number: int, amount: str, currency: str = "EUR", reverses: int | None = None) -> Entry:
    return Entry(number, NOW, "alder", 1, number, Decimal(amount), currency, "why", "ann", reverses)


def test_the_same_evidence_of_the_same_complainant_is_charged_once_and_nobodys_never():
    reports = [
        Counted(1, 7, "ann@reader.example", "f1"),
        Counted(2, 7, "ann@reader.example", "f1"),  # again
        Counted(3, 7, "ann@reader.example", "f2"),
        Counted(4, 7, "bob@reader.example", "f1"),
        Counted(5, 8, "ann@reader.example", "f1"),  # of another account
        Counted(6, 7, None, "f3"),
    ]
    planned = ledger.plan(reports)
    assert [p.report_id for p in planned] == [1, 3, 4, 5]
    assert len({p.key for p in planned}) == 4
    assert not any("reader.example" in p.key for p in planned)


def test_what_was_reversed_is_open_no_more_and_sums_do_not_mix_currencies():
    lines = [entry(1, "50.10"), entry(2, "50.20"), entry(3, "-50.10", reverses=1), entry(4, "5", "USD")]
    assert [line.id for line in ledger.open_charges(lines)] == [2, 4]
    assert ledger.balances(lines) == {"EUR": Decimal("50.20"), "USD": Decimal(5)}


@given(st.lists(st.decimals("0.01", 1000, places=2), max_size=20), st.data())
def test_reversing_leaves_exactly_what_was_not_reversed(amounts, data):
    lines = [entry(n, str(amount)) for n, amount in enumerate(amounts, 1)]
    gone = data.draw(st.sets(st.sampled_from([line.id for line in lines]))) if lines else set()
    back = [entry(100 + n, str(-lines[n - 1].amount), reverses=n) for n in gone]
    left = sum((line.amount for line in lines if line.id not in gone), Decimal(0))
    assert ledger.balances([*lines, *back]).get("EUR", Decimal(0)) == left
