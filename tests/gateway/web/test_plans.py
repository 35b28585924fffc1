"""Every list of the console walks an index: what its page asks of the database is explained, and no large table is read
through to be sorted, counted or picked from.

SQLite chooses without knowing how much is in a table, so the plans of an empty one are those of a full one.
"""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from servers.waiting import arf

LARGE = {
    "access_log", "attributions", "cases", "clocks", "day_figures", "events", "held", "marks", "messages", "notices",
    "reports", "third_parties",
}  # fmt: skip
ORDERED = ["/cases?state=all", "/audit", "/audit/looks"]  # the newest of all: these walk the table itself, from its end
PAGES = [
    "/today", "/queue", "/queue/2", "/held", "/held?tray=rejected", "/held?tray=review", "/held?tray=expired", "/junk",
    "/cases", "/cases?state=running", "/cases?state=answered", "/cases?state=closed", "/cases?state=all&after=n9",
    "/cases?class=mail", "/cases?assignee=mara", "/cases?severity=high", "/cases?customer=birch&state=all",
    "/cases?resource=198.51.100.70", "/cases?q=birch", "/case/1", "/case/1?before=9&reports_before=9",
    "/find?q=198.51.100.70", "/find?q=198.51", "/find?q=birch", "/find?q=a@b.example", "/approvals", "/blocks",
    "/blocks?all=1&q=x", "/customers", "/customers?q=birch", "/customers/birch", "/reporters", "/reporters?all=1",
    "/reporters/feed:fbl", "/audit?who=ann", "/audit?what=note", "/audit?what=clock*", "/audit?case=1",
    "/audit?since=2026-11-20&until=2026-11-20", "/audit/looks?who=ann", "/statistics?days=30", *ORDERED,
]  # fmt: skip
_SCAN = re.compile(r"^SCAN (\w+)(?! USING INDEX| USING COVERING INDEX)")


@pytest.fixture
def asked():
    """Each statement that reads, with its parameters, in the order in which it was sent."""
    found = {}

    def keep(connection, cursor, statement, parameters, context, many):
        if not many and statement.lstrip().upper().startswith(("SELECT", "WITH")):
            found[statement] = parameters

    event.listen(Engine, "before_cursor_execute", keep)
    yield found
    event.remove(Engine, "before_cursor_execute", keep)


async def test_no_list_reads_a_large_table_through(waiting, staff, asked):
    await waiting.take_in(arf("198.51.100.70"), arf("203.0.113.9"))
    asked.clear()
    faults = []
    for page in PAGES:
        assert (await staff.get(page)).status_code in {200, 303}, page
        for statement, parameters in dict(asked).items():
            faults += [f"{page}: {line}\n  {statement}" for line in await walks(waiting, statement, parameters)]
        asked.clear()
    assert not faults, "\n".join(faults)


async def test_a_list_without_an_index_would_be_found(waiting):
    query = "SELECT id FROM reports WHERE detail = ? ORDER BY detail LIMIT 5"
    assert await walks(waiting, query, ("x",)) == ["SCAN reports"]
    assert await walks(waiting, "SELECT id FROM reports ORDER BY id DESC LIMIT 5", ()) == []
    assert await walks(waiting, "SELECT count(*) FROM reports WHERE detail = ?", ("x",)) == ["SCAN reports"]


async def walks(waiting, statement, parameters):
    """The steps of the plan that read a large table through. Reading it from its end, until a page is full, is none."""
    async with waiting.house.database.reading() as connection:
        plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        steps = [row[3] for row in plan]
    from_its_end = re.search(r"\.?id DESC\s+LIMIT", statement) and not any("TEMP B-TREE" in step for step in steps)
    if from_its_end:
        return []
    return [step for step in steps if (found := _SCAN.match(step)) and found[1] in LARGE]
