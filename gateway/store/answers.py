"""Answers of customers as rows, with the files that came with them. Must never decide what an answer stops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.tables import answer_files, answers
from gateway.store.text import storable

_SHOWN = [column for column in answer_files.c if column.name != "content"]


async def known(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    """Those of the keys under which an answer was filed before. One statement."""
    rows = await connection.execute(select(answers.c.key).where(answers.c.key.in_(list(keys))))
    return set(rows.scalars())


async def add(
    connection: AsyncConnection, rows: Sequence[dict[str, Any]], files: dict[str, list[dict[str, Any]]]
) -> None:
    """Insert answers and their files, {key: files}. Two statements."""
    if not rows:
        return
    made = await connection.execute(insert(answers).returning(answers.c.key, answers.c.id), storable(list(rows)))
    ids = {row.key: row.id for row in made}
    kept = [{"answer_id": ids[key]} | one for key, some in files.items() for one in some]
    if kept:
        await connection.execute(insert(answer_files), storable(kept))


async def of_case(connection: AsyncConnection, case_id: int) -> list[dict[str, Any]]:
    """The answers to a case, oldest first, each with its `files` (without their content)."""
    rows = await connection.execute(select(answers).where(answers.c.case_id == case_id).order_by(answers.c.id))
    found = {row["id"]: dict(row) | {"files": []} for row in rows.mappings()}
    of_these = answer_files.c.answer_id.in_(list(found))
    for row in (await connection.execute(select(*_SHOWN).where(of_these).order_by(answer_files.c.id))).mappings():
        found[row["answer_id"]]["files"].append(dict(row))
    return list(found.values())


async def file(connection: AsyncConnection, number: int) -> dict[str, Any] | None:
    """One file with its content; None: there is no such file."""
    row = (await connection.execute(select(answer_files).where(answer_files.c.id == number))).mappings().one_or_none()
    return dict(row) if row else None
