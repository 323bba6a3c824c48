"""Making, checking and upgrading ledgers."""

import contextlib
import os
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from mirrorfast.errors import LedgerError, LedgerVersionError
from mirrorfast.ledger.database import app_version, connect, sqlite_path, translated
from mirrorfast.ledger.schema import META, SCHEMA_VERSION

__all__ = ["copy_file", "create_file", "migrate"]


def create_file(path: Path) -> None:
    """Make a ledger under another name and put it in place whole: a crash leaves either no ledger or a sound one."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists():
        raise LedgerError(
            f"ledger {path}: it is gone, but its log {wal.name} is there; restore the file, or move the log away"
        )
    with translated(f"ledger {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            fresh.unlink(missing_ok=True)
            fresh.touch()
            migrate(fresh, str(path), create=True)
            with fresh.open("rb") as file:
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was faster: its ledger is as good
                os.link(fresh, path)
            _sync_folder(path.parent)
        finally:
            for name in (fresh, fresh.with_name(fresh.name + "-wal"), fresh.with_name(fresh.name + "-shm")):
                with contextlib.suppress(OSError):
                    name.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_file(source: Path, target: Path) -> Path:
    """Copy a database that may be in use to a new file."""
    if target.exists():
        raise LedgerError(f"backup {target}: the file exists already")
    with translated(f"backup {target}"):
        origin = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
        copy = sqlite3.connect(target)
        try:
            origin.backup(copy)
        finally:
            copy.close()
            origin.close()
        with target.open("rb") as file:
            os.fsync(file.fileno())
        _sync_folder(target.absolute().parent)
    return target


def _versions(engine: sa.Engine, name: str) -> tuple[int, str] | None:
    """Read the schema and application version of a database; None when it is empty."""
    with translated(f"ledger {name}"), engine.connect() as connection:
        tables = set(sa.inspect(connection).get_table_names())
        if not tables:
            return None
        if not {"meta", "runs", "events"} <= tables:
            raise LedgerError(
                f"ledger {name}: not a ledger (its tables are {', '.join(sorted(tables)[:5])}); nothing was changed"
            )
        meta = {row.key: row.value for row in connection.execute(sa.select(META.c.key, META.c.value))}
    try:
        return int(meta["schema_version"]), meta["app_version"]
    except (KeyError, ValueError) as error:
        raise LedgerError(f"ledger {name}: its version cannot be read from {meta!r}") from error


def migrate(
    target: str | Path, name: str, *, create: bool, engine: sa.Engine | None = None, writable: bool = True
) -> None:
    """Bring a database to this release's schema, after a copy of the file where it has an older one."""
    found = _versions(engine or connect(target, readonly=True), name)
    if found is None and not create:
        raise LedgerError(f"ledger {name}: not a ledger (it has no tables); nothing was changed")
    if found is not None:
        schema, app = found
        if schema > SCHEMA_VERSION:
            raise LedgerVersionError(
                f"ledger {name}: written by mirrorfast {app} (schema {schema}); this is mirrorfast {app_version()} "
                f"(schema {SCHEMA_VERSION}), which cannot read it: upgrade mirrorfast"
            )
        if schema == SCHEMA_VERSION:
            return
        if not writable:
            raise LedgerError(
                f"ledger {name}: its schema {schema} must be upgraded to {SCHEMA_VERSION}, but it cannot be written"
            )
        path = sqlite_path(target)
        if path is not None:
            backup = path.with_name(f"{path.name}.v{schema}.bak")
            if not backup.exists():
                copy_file(path, backup)
    from mirrorfast.ledger.migrate import upgrade

    upgrade(connect(target), name)
