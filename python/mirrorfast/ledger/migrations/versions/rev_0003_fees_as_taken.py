"""What a venue took as a fee, in its own currency, and the attempt that was filled."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; fills of older runs have no value there."""
    op.add_column("fills", sa.Column("attempt", sa.BigInteger, nullable=True))
    op.add_column("fills", sa.Column("fee_currency", sa.String, nullable=True))
    op.add_column("fills", sa.Column("fee_quantity", sa.Text, nullable=True))
