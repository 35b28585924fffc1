"""A period: its first report by the index of times alone, its figures added up in the order of an index

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _of("received_at", "category", "id")
    columns = ["figure", "name", "ref", "step", "day", "count"]
    op.create_index("day_figures_ref", "day_figures", columns, unique=False)


def downgrade() -> None:
    op.drop_index("day_figures_ref", "day_figures")
    _of("received_at", "category")


def _of(*columns: str) -> None:
    op.drop_index("reports_received", "reports")
    op.create_index("reports_received", "reports", list(columns), unique=False)
