"""Opening a database so that what is committed stays, and what is broken is never built upon.

SQLite runs in WAL mode with `synchronous=FULL`: a commit returns when the disk has it. Exactly one connection writes
and checkpoints; readers are `query_only` with automatic checkpoints off. (SQLite before 3.51.3 can corrupt a database
when two connections checkpoint and write at the same time.)
"""

import errno
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from mirrorfast.errors import LedgerError, ParameterError
from mirrorfast.redaction import masked, register_secret

__all__ = ["app_version", "connect", "is_url", "reason_of", "sqlite_path", "translated"]

_MAGIC: Final = b"SQLite format 3\x00"


def app_version() -> str:
    """Version of the installed mirrorfast."""
    try:
        return metadata.version("mirrorfast")
    except metadata.PackageNotFoundError:
        return "0+source"


def is_url(target: str | Path) -> bool:
    """Whether the target is a database URL and not a file name."""
    return isinstance(target, str) and "://" in target


def parsed_url(target: str | Path) -> sa.URL:
    """Parse a database URL.

    Raises
    ------
    ParameterError
        When it is none; the message does not repeat it, as it may hold a password.
    """
    try:
        return sa.make_url(str(target))
    except (sa.exc.ArgumentError, ValueError):
        raise ParameterError("ledger URL: expected a form such as postgresql+psycopg://user@host/database") from None


def sqlite_path(target: str | Path) -> Path | None:
    """File of an SQLite target; None for a server."""
    if not is_url(target):
        return Path(target).expanduser()
    url = parsed_url(target)
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise ParameterError(f"ledger {target!r}: expected a file; a ledger in memory would not outlive its run")
    return Path(url.database)


def connect(
    target: str | Path, *, readonly: bool = False, immutable: bool = False, busy_timeout_s: float = 5.0
) -> sa.Engine:
    """Make an engine for reading (`readonly`) or for the one writer.

    Parameters
    ----------
    target
        File name, or an SQLAlchemy URL.
    readonly
        Refuse every change at the database.
    immutable
        The file can change under nobody's hands (read-only medium): needs no shared-memory file beside it.
    busy_timeout_s
        How long to wait for another writer before giving up, in seconds.
    """
    path = sqlite_path(target)
    if path is None:
        return _server(target, readonly=readonly, busy_timeout_s=busy_timeout_s)
    uri = f"file:{_quoted(path)}" + ("?mode=ro&immutable=1" if immutable else "?mode=rw")

    def creator() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA foreign_keys=ON")
            if readonly:
                cursor.execute("PRAGMA query_only=ON")
                cursor.execute("PRAGMA wal_autocheckpoint=0")
            else:
                cursor.execute("PRAGMA journal_mode=WAL")
                cursor.execute("PRAGMA synchronous=FULL")
        except BaseException:
            connection.close()
            raise
        finally:
            cursor.close()
        return connection

    engine = sa.create_engine("sqlite://", creator=creator, poolclass=NullPool)
    begin = "BEGIN" if readonly else "BEGIN IMMEDIATE"

    # sqlite3's own transaction handling starts late and upgrades read locks, which can fail without waiting.
    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _server(target: str | Path, *, readonly: bool, busy_timeout_s: float) -> sa.Engine:
    url = parsed_url(target)
    if url.password:
        register_secret(str(url.password))
    try:
        engine = sa.create_engine(url, poolclass=NullPool, connect_args=_patience(url))
    except (ImportError, sa.exc.ArgumentError) as error:
        raise ParameterError(
            f"ledger {url.render_as_string(hide_password=True)}: its driver cannot be used: {error} "
            "(for postgresql+psycopg://…: pip install 'mirrorfast[postgres]')"
        ) from error
    if engine.dialect.name == "postgresql":

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(busy_timeout_s * 1000)}")
            # Whatever the server's default: a commit that returned is on its disk.
            connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
            if readonly:
                # One snapshot for everything that is read in a transaction, as SQLite has it.
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    return engine


def _patience(url: sa.URL) -> dict[str, int]:
    """Bound the waiting for a server that has gone: neither connecting nor a half-open connection waits for ever."""
    if url.get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    bounds = {"connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
    return {name: value for name, value in (bounds | {"tcp_user_timeout": 30_000}).items() if name not in url.query}


def take_server_lock(connection: sa.Connection, name: str, run: str) -> None:
    """Take the run's advisory lock on a PostgreSQL server; it is held as long as the connection.

    Raises
    ------
    LedgerError
        When another connection holds it.
    """
    if connection.dialect.name != "postgresql":
        return
    key = int.from_bytes(hashlib.sha256(f"mirrorfast {run}".encode()).digest()[:8], "big", signed=True)
    with connection.begin():
        taken = connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar()
    if not taken:
        raise LedgerError(f"{name}: another process writes it; stop that one, or choose another run")


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def reason_of(error: BaseException) -> str:
    """One readable clause for what went wrong, without SQL or parameters in it."""
    original: BaseException = getattr(error, "orig", None) or error
    text = masked(str(original).strip() or type(original).__name__)
    low = text.lower()
    if "locked" in low or "busy" in low or "lock timeout" in low:
        return f"another process holds it ({text})"
    if "full" in low or (isinstance(original, OSError) and original.errno == errno.ENOSPC):
        return f"the disk is full ({text})"
    if "readonly" in low or "read-only" in low:
        return f"it cannot be written ({text})"
    if "malformed" in low or "not a database" in low or "corrupt" in low:
        return f"the file is damaged ({text}); restore a backup, or move it away and rebuild it from the venue"
    return text


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn a database's or file system's error into a `LedgerError` that names the ledger and the reason."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error, OSError) as error:
        raise LedgerError(f"{what}: {reason_of(error)}") from error


def check_file(path: Path) -> None:
    """Refuse a file that is no sound SQLite database.

    Raises
    ------
    LedgerError
        For an empty file, another format, a lost main file beside its write-ahead log, or failed integrity.
    """
    with translated(f"ledger {path}"):
        if not path.is_file():
            raise LedgerError(f"ledger {path}: expected a file")
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    if not head:
        raise LedgerError(f"ledger {path}: the file is empty; restore a backup, or move it away to start anew")
    if head != _MAGIC:
        raise LedgerError(f"ledger {path}: not a ledger (it starts with {head!r}); nothing was changed")


def check_integrity(engine: sa.Engine, name: str) -> None:
    """Let SQLite check its pages and raise `LedgerError` on the first fault."""
    if engine.dialect.name != "sqlite":
        return
    with translated(f"ledger {name}"), engine.connect() as connection:
        faults = [row[0] for row in connection.exec_driver_sql("PRAGMA quick_check(3)")]
    if faults != ["ok"]:
        raise LedgerError(
            f"ledger {name}: the file is damaged ({'; '.join(faults)}); restore a backup, nothing was changed"
        )


class RunLocks:
    """One writer per run and ledger: an advisory lock that the kernel drops when its process dies.

    POSIX locks belong to the process and vanish when *any* descriptor of the file is closed, so there is one descriptor
    per ledger and process, never closed while a lock is held.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._files: dict[Path, int] = {}
        self._held: dict[Path, set[int]] = {}

    def take(self, ledger: Path, run: str) -> None:
        """Take the run's lock or raise `LedgerError` naming the holder."""
        import fcntl  # absent on Windows, where a ledger can still be read

        path = ledger.absolute().with_name(ledger.name + ".lock")
        place = self._place(run)
        with self._guard, translated(f"ledger {ledger}"):
            if place in self._held.get(path, ()):
                raise LedgerError(f"run {run!r} in ledger {ledger}: it is being written by this very process")
            if path not in self._files:
                self._files[path] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.lockf(self._files[path], fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError) as error:
                raise LedgerError(
                    f"run {run!r} in ledger {ledger}: another process writes it; stop that one, or choose another run"
                ) from error
            self._held.setdefault(path, set()).add(place)

    def drop(self, ledger: Path, run: str) -> None:
        """Let the run's lock go."""
        import fcntl

        path = ledger.absolute().with_name(ledger.name + ".lock")
        place = self._place(run)
        with self._guard:
            held = self._held.get(path, set())
            if place in held:
                held.discard(place)
                fcntl.lockf(self._files[path], fcntl.LOCK_UN, 1, place)
                if not held:
                    os.close(self._files.pop(path))

    @staticmethod
    def _place(run: str) -> int:
        return int.from_bytes(hashlib.sha256(run.encode()).digest()[:7], "big")


LOCKS: Final[Any] = RunLocks()
