"""A million cases made inside the database: SQL in the shape that the pipeline leaves behind, spread over a year.

Of each: one clock, one report, one attribution, two notices, four events. Every fiftieth case, of the last ones, is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from servers.waiting import NOW

FIRST = 100  # ids below are the house's own
_ROWS = (
    """INSERT INTO customers (id, "key", name, language, vetted, delivery)
    SELECT 100 + i, {key}, 'Customer ' || {number}, 'en', {no}, 'mail' FROM {few}""",
    """INSERT INTO accounts (id, customer_id, name) SELECT 100 + i, 100 + i, 'main' FROM {few}""",
    """INSERT INTO messages (id, sha256, raw, size, received_at, stored_at, state, tries, detail, hold)
    SELECT 100 + i, 'b' || {number}, {bytes}, 1, {begun}, {begun}, 'filed', 0, '', {no} FROM {all}""",
    """INSERT INTO reports (id, message_id, position, category, source_ip, arrival_date, received_at, verdict, reason,
      detail, identity, reporter_id, complainant, fingerprint, parsed, would_send, contacts_tries)
    SELECT 100 + i, 100 + i, 0, CASE i % 3 WHEN 0 THEN 'spam' WHEN 1 THEN 'fraud' ELSE 'malware' END, {address}, {begun},
      {begun}, 'accepted', 'feed', '', '{{}}', 1, 'u' || {number}, 'f' || {number}, '{{}}', '[]', 0 FROM {all}""",
    """INSERT INTO cases (id, account_id, cls, state, policy, opened_at, resolved_at, severity, legal_hold)
    SELECT 100 + i, {account}, CASE i % 2 WHEN 0 THEN 'mail' ELSE 'connection' END,
      CASE WHEN {open} THEN 'open' ELSE 'resolved' END, 'default 1', {begun},
      CASE WHEN {open} THEN NULL ELSE {resolved} END, 'normal', {no} FROM {all}""",
    """INSERT INTO clocks (id, case_id, kind, role, value, state, round, step, contact, notified_at, due_at, answered_at,
      answer_used, resolution, prevention)
    SELECT 100 + i, 100 + i, 'ip', 'source', {address}, CASE WHEN {open} THEN 'running' ELSE 'resolved' END, 1, 0, 0,
      {told}, CASE WHEN {open} THEN {due} END, CASE WHEN {open} THEN NULL ELSE {answered} END, {no}, '', '' FROM {all}""",
    """INSERT INTO attributions (id, report_id, kind, role, value, reason, account_id, how, candidates, clock_id)
    SELECT 100 + i, 100 + i, 'ip', 'source', {address}, 'assigned', {account}, '', '[]', 100 + i FROM {all}""",
    *(
        f"""INSERT INTO notices (id, "key", kind, case_id, clock_id, round, "to", language, facts, state, attempts,
          created_at, sent_at, answer, settled)
        SELECT 2 * (100 + i) + {n}, 'b{n}/' || {{number}}, '{kind}', 100 + i, 100 + i, 1, 'a@b.example', 'en', '{{{{}}}}',
          'sent', 1, {{begun}}, {{told}}, '', {{yes}} FROM {{all}}"""
        for n, kind in enumerate(("complaint", "reminder"))
    ),
    *(
        f"""INSERT INTO events (id, at, who, what, why, case_id, data)
        SELECT 4 * (100 + i) + {n}, {{begun}}, {who}, '{what}', '', 100 + i, '{{{{}}}}' FROM {{all}}"""
        for n, (what, who) in enumerate(
            (
                ("note", "CASE i % 9 WHEN 0 THEN 'mara' ELSE 'ivo' END"),
                ("case opened", "'arfgate'"),
                ("notice sent", "'arfgate'"),
                ("attributed", "'arfgate'"),
            )
        )
    ),
)


async def fill(house: Any, many: int) -> None:
    """`many` cases of a hundredth as many customers, at least a thousand. Without ANALYZE, which arfgate never asks of
    SQLite; PostgreSQL sees to it by itself."""
    for statement in _statements(many, max(1000, many // 100), sqlite=house.database.is_sqlite):
        async with house.database.writing() as connection:
            await connection.exec_driver_sql(statement)


def _statements(many: int, customers: int, *, sqlite: bool) -> Iterator[str]:
    epoch = f"({int(NOW.timestamp())} - 31536000.0 * ({many} - i) / {many})"

    def at(seconds: str) -> str:
        if sqlite:
            return f"strftime('%Y-%m-%d %H:%M:%S', {epoch} + {seconds}, 'unixepoch') || '.000000'"
        return f"to_timestamp({epoch} + {seconds})"

    def numbers(last: int) -> str:
        if sqlite:
            return f"(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) SELECT i FROM n)"
        return f"(SELECT generate_series(0, {last}) AS i) AS n"

    parts = ("10", "(i / 65536) % 256", "(i / 256) % 256", "i % 256")
    said = {
        "number": "CAST(i AS TEXT)",
        "address": " || '.' || ".join(f"CAST({part} AS TEXT)" for part in parts),
        "key": "'c' || substr('000000' || CAST(i AS TEXT), -6)" if sqlite else "'c' || lpad(CAST(i AS TEXT), 6, '0')",
        "bytes": "X'00'" if sqlite else "'x'::bytea",
        "no": "0" if sqlite else "false",
        "yes": "1" if sqlite else "true",
        "account": f"{FIRST} + i % {customers}",
        "open": f"i > {many - max(many // 50, 1)}",
        "begun": at("0"),
        "told": at("300 + 60 * (i % 50)"),
        "due": at("90000"),
        "answered": at("3600 * (1 + i % 40)"),
        "resolved": at("3600 * (2 + i % 60)"),
        "all": numbers(many - 1),
        "few": numbers(customers - 1),
    }
    for row in _ROWS:
        yield row.format(**said)
