"""The first report of a period is found in the index of their times alone

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


def downgrade() -> None:
    _of("received_at", "category")


def _of(*columns: str) -> None:
    op.drop_index("reports_received", "reports")
    op.create_index("reports_received", "reports", list(columns), unique=False)
