"""Lists of a million: figures of days that are over, what makes them stale, and indexes

The triggers are the database's own, so that no change can forget them. SQLite loses those of a table that a later
migration copies (batch_alter_table with a changed column): it has to make them again.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# a report's clock, if it is the first about its resource: later ones change nothing
_CLOCK_OF_THE_FIRST = (
    "(SELECT notified_at FROM clocks WHERE id = {row}.clock_id AND NOT EXISTS (SELECT 1 FROM attributions AS other"
    " WHERE other.clock_id = {row}.clock_id AND other.report_id < {row}.report_id))"
)
# table, part of the figures, the time whose day becomes stale, columns that change the figures
WATCHED = (
    (
        "reports",
        "reports",
        "{row}.received_at",
        ("received_at", "verdict", "judgement", "reporter_id", "category"),
    ),
    (
        "attributions",
        "reports",
        "(SELECT received_at FROM reports WHERE id = {row}.report_id)",
        ("report_id", "account_id"),
    ),
    (
        "attributions",
        "notified",
        _CLOCK_OF_THE_FIRST,
        ("report_id", "clock_id"),
    ),
    ("clocks", "notified", "{row}.notified_at", ("notified_at", "round")),
    ("clocks", "answers", "{row}.notified_at", ("notified_at", "answered_at", "round")),
    ("cases", "cases", "{row}.opened_at", ("opened_at",)),
    ("cases", "cases", "{row}.resolved_at", ("opened_at", "resolved_at", "state")),
    (
        "notices",
        "acknowledged",
        "CASE {row}.kind WHEN 'acknowledgement' THEN {row}.sent_at END",
        ("kind", "sent_at"),
    ),
)
_COUNTED_TO = "(SELECT value FROM switches WHERE name = 'counted_to')"


def upgrade() -> None:
    op.create_table(
        "day_figures",
        sa.Column("figure", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("day", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("name", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("ref", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("step", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("figure", "day", "name", "ref", "step"),
    )
    op.create_table(
        "counted_days",
        sa.Column("part", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("day", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("part", "day"),
    )
    op.create_table(
        "stale_days",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("part", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("day", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("stale_days_part", "stale_days", ["part", "day"], unique=False)
    _indexes()
    for number, watched in enumerate(WATCHED, 1):
        for statement in _triggers(number, *watched):
            op.execute(statement)


def _indexes() -> None:
    op.drop_index("ix_attributions_account_id", "attributions")
    op.create_index("attributions_account", "attributions", ["account_id", "report_id"], unique=False)
    op.create_index("actions_listed", "actions", ["kind", "state", "lifting", "expires_at", "target"], unique=False)
    waiting, is_open = sa.text("queue = 'waiting'"), sa.text("state = 'open'")
    op.create_index(
        "attributions_waiting",
        "attributions",
        ["value", "reason", "kind", "role", "report_id"],
        unique=False,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("cases_open", "cases", ["account_id"], unique=False, sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    for number, (table, *_) in enumerate(WATCHED, 1):
        for event in ("insert", "delete", "update"):
            name = f"stale_{number}_{event}"
            op.execute(f"DROP TRIGGER {name}" + ("" if _is_sqlite() else f" ON {table}"))
            if not _is_sqlite():
                op.execute(f"DROP FUNCTION {name}()")
    for name, table in (
        ("cases_open", "cases"),
        ("attributions_waiting", "attributions"),
        ("actions_listed", "actions"),
        ("attributions_account", "attributions"),
    ):
        op.drop_index(name, table)
    op.create_index("ix_attributions_account_id", "attributions", ["account_id"], unique=False)
    op.drop_table("stale_days")
    op.drop_table("counted_days")
    op.drop_table("day_figures")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _triggers(number: int, table: str, part: str, at: str, columns: tuple[str, ...]) -> list[str]:
    """One for each event. A change from one day to another makes both stale."""
    made = []
    for event, rows in (("insert", ("NEW",)), ("delete", ("OLD",)), ("update", ("OLD", "NEW"))):
        name = f"stale_{number}_{event}"
        days = " UNION ".join(f"SELECT {_day(at.format(row=row))} AS day" for row in rows)
        note = (
            f"INSERT INTO stale_days (part, day) SELECT '{part}', touched.day FROM ({days}) AS touched"  # noqa: S608  (of what stands above alone)
            f" WHERE touched.day <= {_COUNTED_TO};"
        )
        differs = "IS NOT" if _is_sqlite() else "IS DISTINCT FROM"
        changed = " OR ".join(f"OLD.{column} {differs} NEW.{column}" for column in columns)
        when = f"AFTER {event.upper()} " + (f"OF {', '.join(columns)} " if event == "update" else "")
        each = f"ON {table} FOR EACH ROW " + (f"WHEN ({changed}) " if event == "update" else "")
        if _is_sqlite():
            made.append(f"CREATE TRIGGER {name} {when}{each}BEGIN {note} END")
        else:
            made.append(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {note} RETURN NULL; END $$"
            )
            made.append(f"CREATE TRIGGER {name} {when}{each}EXECUTE FUNCTION {name}()")
    return made


def _day(at: str) -> str:
    return f"substr({at}, 1, 10)" if _is_sqlite() else f"to_char(({at}) AT TIME ZONE 'UTC', 'YYYY-MM-DD')"
