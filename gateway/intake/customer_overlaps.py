"""Two assignments of a customer file that cannot both be true: same addresses, time and ports, other account.

What a look-up could not tell apart must never be imported. A narrower range inside a wider one is no
contradiction, nor is a port block beside the whole address: the narrower wins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.intake.customers import AssignmentRow

_FOREVER = datetime.max.replace(tzinfo=UTC)


def contradictions(rows: Iterable[AssignmentRow]) -> Iterator[tuple[AssignmentRow, AssignmentRow]]:
    """Pairs (earlier line, later line). About n log n: a row meets those of its group that hold at the same time."""
    for group in _groups(rows):
        holding: list[AssignmentRow] = []
        for row in sorted(group, key=lambda r: (r.valid_from, r.line)):
            holding = [other for other in holding if (other.valid_to or _FOREVER) > row.valid_from]
            for other in holding:
                if _meet(row, other):
                    yield (other, row) if other.line < row.line else (row, other)
            holding.append(row)


def _groups(rows: Iterable[AssignmentRow]) -> Iterator[list[AssignmentRow]]:
    """Rows of one specificity that hang together by their addresses; of hosts, those of one name."""
    same_size: dict[tuple[int, int, str], list[AssignmentRow]] = defaultdict(list)
    for row in rows:
        same_size[row.family, row.last - row.first, "" if row.family else row.resource].append(row)
    for of_size in same_size.values():
        of_size.sort(key=lambda r: r.first)
        group: list[AssignmentRow] = []
        reach = -1
        for row in of_size:
            if group and row.first > reach:
                yield group
                group = []
            group.append(row)
            reach = row.last
        yield group


def _meet(one: AssignmentRow, other: AssignmentRow) -> bool:
    """Of rows that hold at the same time: do they claim the same for different accounts, or the same twice?"""
    if one.first > other.last or other.first > one.last:
        return False
    if one.port_first is None or other.port_first is None:
        ports_meet = one.port_first is other.port_first
    else:
        ports_meet = one.port_first <= (other.port_last or 0) and other.port_first <= (one.port_last or 0)
    same_account = (one.customer, one.account) == (other.customer, other.account)
    # The same range from the same time on with another end: one of the two is a slip.
    twice = (one.resource, one.valid_from) == (other.resource, other.valid_from)
    return ports_meet and (not same_account or twice)
