"""A domain gets so many mails in a minute, and a queue of them takes as long as it has to and no longer."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from typing import Any

from notifier.pace import Pace

MINUTE = timedelta(minutes=1)


def test_a_long_queue_goes_out_at_the_full_pace_and_never_faster(clock: Any) -> None:
    pace = Pace(10, clock)
    waiting: list[tuple[datetime, int]] = [(clock(), number) for number in range(1000)]
    sent: list[datetime] = []
    asked = 0
    while waiting:
        due, number = heapq.heappop(waiting)
        clock.moment = max(clock.moment, due)
        asked += 1
        wait = pace.wait("example.net")
        if wait is None:
            sent.append(clock())
        else:
            assert wait > timedelta()
            heapq.heappush(waiting, (clock() + wait, number))
    assert all(later - earlier >= MINUTE for earlier, later in zip(sent, sent[10:], strict=False))
    assert sent[-1] - sent[0] <= 110 * MINUTE  # 100 minutes' work
    assert asked <= 3 * 1000  # and few of them ask in vain


def test_domains_do_not_wait_for_each_other_and_no_limit_is_none(clock: Any) -> None:
    pace = Pace(1, clock)
    assert pace.wait("a.example") is None
    assert pace.wait("A.example") == MINUTE
    assert pace.wait("b.example") is None
    assert [Pace(0, clock).wait("a.example") for _ in range(100)] == [None] * 100


def test_a_time_ends_a_promise_that_nobody_kept(clock: Any) -> None:
    pace = Pace(1, clock)
    for _ in range(50):
        pace.wait("a.example")
    clock.forward(timedelta(hours=2))
    assert pace.wait("a.example") is None
    assert pace.wait("a.example") == MINUTE
