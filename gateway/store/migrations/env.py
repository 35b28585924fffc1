"""Alembic's entry: works on the connection that `gateway.store.migrate` hands in."""

from alembic import context
from sqlmodel import SQLModel

from gateway.store import tables

assert tables.messages is not None  # the import registers the tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
