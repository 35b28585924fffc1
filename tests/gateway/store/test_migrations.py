"""The migrations make exactly the tables that the code knows, from nothing, and may be run again."""

from __future__ import annotations

from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from gateway.store import migrate
from gateway.store.database import Database


async def test_from_nothing_the_migrations_make_every_table(empty_database_url):
    database = Database(empty_database_url)
    async with database.reading() as connection:
        assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == []
        assert (await connection.run_sync(migrate.version))[0] is None
    await database.migrate()
    async with database.reading() as connection:
        names = await connection.run_sync(lambda c: inspect(c).get_table_names())
        has, newest = await connection.run_sync(migrate.version)
    await database.close()
    assert set(names) - {"alembic_version"} == set(SQLModel.metadata.tables)
    assert has == newest


async def test_the_migrations_say_all_that_the_tables_say(database):
    async with database.reading() as connection:
        assert await connection.run_sync(migrate.differences) == []


async def test_a_missing_column_would_be_seen(database):
    async with database.writing() as connection:
        await connection.execute(text("ALTER TABLE switches ADD COLUMN forgotten INTEGER"))
    async with database.reading() as connection:
        assert await connection.run_sync(migrate.differences) != []


async def test_migrating_again_keeps_what_is_stored(database):
    async with database.writing() as connection:
        await connection.execute(text("INSERT INTO switches (name, value) VALUES ('paused', 'yes')"))
    await database.migrate()
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT value FROM switches"))).scalar_one() == "yes"
