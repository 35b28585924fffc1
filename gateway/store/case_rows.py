"""Cases and clocks as rows, and rows as the values that the pure code decides on: both ways, column by column.

Must never read or write a table.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from gateway.model import Case, CaseKey, CaseState, Cause, Clock, ClockState, Severity
from parsers.report import ResourceKind, Role

CLOCK_COLUMNS = (
    "state", "round", "step", "contact", "starts_at", "notified_at", "due_at", "next_at",
    "answered_at", "resolved_at", "remaining", "answer_used", "resolution", "prevention",
)  # fmt: skip


def case_of(row: Any) -> Case:
    """A case as the pure code knows it, from a row of `cases`."""
    return Case(
        row.account_id,
        row.cls,
        CaseState(row.state),
        row.opened_at,
        id=row.id,
        resolved_at=row.resolved_at,
        policy=row.policy,
        cause=Cause(row.cause) if row.cause else None,
    )


def key_of(row: Any) -> CaseKey:
    """(account, class) for the case that takes what is new, else with its id."""
    own = (row.account_id, row.cls)
    is_latest = row.current == current_key(*own) and row.state != CaseState.MERGED.value
    return own if is_latest else (*own, row.id)


def current_key(account_id: int, cls: str, case_id: int | None = None) -> str:
    """What `cases.current` holds: of the latest case, or of one that was split off and still takes evidence."""
    return f"{account_id}/{cls}" if case_id is None else f"{account_id}/{cls}/{case_id}"


def clock_of(row: Any, case_key: CaseKey, policy: str) -> Clock:
    """A clock as the pure code knows it, from a row of `clocks`; `policy` is its case's."""
    plain = {name: getattr(row, name) for name in CLOCK_COLUMNS if name != "state"}
    return Clock(
        case_key, ResourceKind(row.kind), Role(row.role), row.value, policy, state=ClockState(row.state),
        id=row.id, case_id=row.case_id, **plain,
    )  # fmt: skip


def case_row(case: Case) -> dict[str, Any]:
    """A new case of the account and class."""
    return {
        "current": current_key(case.account_id, case.cls),
        "account_id": case.account_id,
        "cls": case.cls,
        "state": case.state.value,
        "policy": case.policy,
        "opened_at": case.opened_at,
        "resolved_at": case.resolved_at,
        "severity": Severity.NORMAL.value,
        "legal_hold": False,
    }


def clock_row(clock: Clock) -> dict[str, Any]:
    """A new clock, but for its case."""
    row = {name: plain(getattr(clock, name)) for name in CLOCK_COLUMNS}
    return row | {"kind": clock.kind.value, "role": clock.role.value, "value": clock.value}


def plain(value: object) -> object:
    """As a column holds it."""
    return value.value if isinstance(value, Enum) else value
