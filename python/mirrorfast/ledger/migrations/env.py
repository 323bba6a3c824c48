"""Alembic's entry: runs the revisions on the connection that the store hands over."""

from alembic import context

from mirrorfast.ledger.schema import METADATA

connection = context.config.attributes["connection"]
# Batch mode: SQLite alters tables by copying them.
context.configure(
    connection=connection, target_metadata=METADATA, render_as_batch=True, transaction_per_migration=False
)
with context.begin_transaction():
    context.run_migrations()
