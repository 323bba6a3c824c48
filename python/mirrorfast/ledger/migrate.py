"""Runs alembic's revisions. Imported only when a ledger is made or upgraded: alembic is slow to import."""

from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from mirrorfast.ledger.database import app_version, translated
from mirrorfast.ledger.schema import META, SCHEMA_VERSION

__all__ = ["SCRIPTS", "upgrade"]

SCRIPTS: Final = "mirrorfast.ledger:migrations"
_LOCK: Final = 0x6D69_7272_6F72_6673  # "mirrorfs"


def upgrade(engine: sa.Engine, name: str, *, scripts: str = SCRIPTS, version: int = SCHEMA_VERSION) -> None:
    """Run every revision that is missing, in one transaction, and write the versions down.

    Parameters
    ----------
    engine
        Writing engine.
    name
        The ledger, for messages.
    scripts
        Folder of revisions, as alembic's `script_location`.
    version
        Schema version that the newest revision makes.
    """
    config = Config()
    config.set_main_option("script_location", scripts)
    config.set_main_option("path_separator", "os")
    with translated(f"ledger {name}"), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Of two that make or upgrade a ledger at once the second waits, and then finds it done. (SQLite's write
            # lock does the same.)
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, f"{version:04d}")
        connection.execute(sa.delete(META))
        connection.execute(
            sa.insert(META),
            [{"key": "schema_version", "value": str(version)}, {"key": "app_version", "value": app_version()}],
        )
    engine.dispose()
