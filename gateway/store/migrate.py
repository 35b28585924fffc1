"""Runs the Alembic migrations in `migrations/` on a connection that is handed in.

No alembic.ini: the one place that knows the database is `database`. Must never create a
table any other way.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlmodel import SQLModel

from gateway.store import tables

FOLDER = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, with the connection where its env.py looks for it."""
    configuration = Config()
    configuration.set_main_option("script_location", str(FOLDER))
    configuration.attributes["connection"] = connection
    return configuration


def upgrade(connection: Connection) -> None:
    """Bring the schema to the newest version, in the transaction of `connection`."""
    command.upgrade(config(connection), "head")


def version(connection: Connection) -> tuple[str | None, str | None]:
    """(the version of the database, the newest one)."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision(), newest


def differences(connection: Connection) -> list[object]:
    """What the tables say and the database does not: empty when the migrations are complete."""
    assert tables.messages is not None  # the import registers the tables
    return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))
