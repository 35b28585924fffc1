"""`arfgate db`: the schema and its version."""

from __future__ import annotations

import asyncio

import typer

from gateway import figures
from gateway.cli.session import ConfigOption, fail, in_house, settings_of
from gateway.store.database import Database, StoreError
from gateway.store.migrate import version

db_app = typer.Typer(help="The database.", no_args_is_help=True)


@db_app.command()
def upgrade(config: ConfigOption = None) -> None:
    """Bring the schema to the newest version (every start does so too)."""
    database = Database(settings_of(config).database.url)

    async def work() -> tuple[str | None, str | None]:
        try:
            await database.migrate()
            async with database.reading() as connection:
                return await connection.run_sync(version)
        finally:
            await database.close()

    try:
        have, newest = asyncio.run(work())
    except StoreError as error:
        fail(str(error))
    typer.echo(f"The schema has version {have}, the newest is {newest}.")


@db_app.command()
def recount(config: ConfigOption = None) -> None:
    """Count the figures of all days that are over anew; `run` counts by itself what was not counted yet."""
    count = in_house(config, figures.recount)
    typer.echo(f"Counted: {count} parts of days.")
