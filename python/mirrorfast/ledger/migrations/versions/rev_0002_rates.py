"""Rates of quote currencies beside what was booked at them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; null is the account's own currency."""
    op.add_column("fills", sa.Column("rate", sa.Text, nullable=True))
    op.add_column("trades", sa.Column("entry_rate", sa.Text, nullable=True))
    op.add_column("trades", sa.Column("exit_rate", sa.Text, nullable=True))
