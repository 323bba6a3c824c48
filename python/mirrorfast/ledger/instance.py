"""One process at a time: a lock with an owner's name and a sign of life.

Two things make the lock of a file. The kernel's lock on it is what counts: it goes when its process goes, however that
ends. What stands in the file says who holds it, for a person and for the cases in which the kernel cannot know: a file
system shared by machines. An owner whose end is not certain is never taken over from, however old its last sign.

On a PostgreSQL server the lock is an advisory one, which goes with its connection.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, Self

import sqlalchemy as sa

from mirrorfast.errors import LedgerError
from mirrorfast.ledger.database import connect, parsed_url, sqlite_path, translated
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["LOCK_FILE", "InstanceLock", "Owner", "account_lock", "ledger_lock", "owner_of"]

LOCK_FILE: Final = "run.lock"
"""Who runs a run: a file in its folder."""

_BEAT_S: Final = 5.0
_SIZE: Final = 4_096
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a lock.

    Attributes
    ----------
    pid, started
        Process, and when the kernel started it (clock ticks since boot; 0 where that is not known): a number that is
        used again belongs to another process.
    host, machine, boot
        Name of the machine, a digest of its identity, and of its present boot.
    since, beat
        When the lock was taken, and the last sign of life; milliseconds since the epoch.
    what
        What it is for.

    Examples
    --------
    >>> Owner.present("run demo").pid == os.getpid()
    True
    """

    pid: int
    started: int
    host: str
    machine: str
    boot: str
    since: int
    beat: int
    what: str

    @classmethod
    def present(cls, what: str) -> Self:
        """Describe this process.

        Parameters
        ----------
        what
            What the lock is for.

        Returns
        -------
        Owner
            With a sign of life of now.
        """
        now = time.time_ns() // 1_000_000
        return cls(
            pid=os.getpid(),
            started=_started(os.getpid()) or 0,
            host=socket.gethostname(),
            machine=_digest(Path("/etc/machine-id")),
            boot=_digest(Path("/proc/sys/kernel/random/boot_id")),
            since=now,
            beat=now,
            what=what,
        )

    @property
    def sentence(self) -> str:
        """What a person reads."""
        age = max(0.0, time.time() - self.beat / 1_000)
        return f"process {self.pid} on {self.host} (last sign of life {age:.0f} s ago)"

    def why_not_gone(self, present: Owner) -> str | None:
        """Tell why it is not certain that this owner has ended, seen by one who has the kernel's lock.

        Parameters
        ----------
        present
            Who asks.

        Returns
        -------
        str or None
            ``None``: it is certain.
        """
        if self.boot and self.boot == present.boot:
            # The same kernel: it gives the lock to nobody while its holder lives. A process that lives all the same has
            # lost its lock, as after a copy of the file took its place. (Numbers mean nothing in another container.)
            if self.host == present.host and self.started and _started(self.pid) == self.started:
                return None if self.pid == present.pid else "that process lives"
            return None
        if self.machine and (self.machine, self.host) == (present.machine, present.host):
            return None  # this machine, before it was started anew
        return "it ran on another machine, of which nothing is known here"


class _Lock(Protocol):
    def take(self) -> None: ...

    def drop(self) -> None: ...

    def alive(self) -> str | None: ...


class InstanceLock:
    """A lock that one process holds, with its name in it, while the block runs.

    Parameters
    ----------
    path
        File of the lock; made where it is absent, and left, empty, afterwards.
    what
        What it is for, in messages: ``"run demo"``.
    on_lost
        Called, from another thread, with a sentence once the lock was lost: the file was replaced or removed.
    beat_s
        Time between signs of life, in seconds.

    Raises
    ------
    LedgerError
        On entry, when another process holds it, or it is not certain that the last holder has ended.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "lock"
    >>> with InstanceLock(path, "run demo"):
    ...     owner_of(path).what
    'run demo'
    >>> owner_of(path) is None
    True
    >>> folder.cleanup()
    """

    def __init__(
        self, path: Path, what: str, *, on_lost: Callable[[str], None] | None = None, beat_s: float = _BEAT_S
    ) -> None:
        self._held = _Held(_FileLock(path, what), what, on_lost, beat_s)

    def __enter__(self) -> Self:
        self._held.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    @property
    def lost(self) -> str | None:
        """Why the lock no longer protects anything; ``None`` while it does."""
        return self._held.lost


def account_lock(
    exchange: str,
    account: str,
    prefix: str,
    *,
    folder: Path | None = None,
    on_lost: Callable[[str], None] | None = None,
) -> InstanceLock:
    """Make the lock of an account and a prefix of client order ids: two of them would undo each other's orders.

    Parameters
    ----------
    exchange, account
        The venue, and what names the account there; it is hashed, so a key's public part may be given.
    prefix
        Prefix of the client order ids.
    folder
        Where locks are; by default ``mirrorfast/locks`` in the user's state directory, or ``MIRRORFAST_LOCKS``.
        Every process that may use the account has to look there.
    on_lost
        As for `InstanceLock`.

    Returns
    -------
    InstanceLock
        Not taken yet.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with account_lock("binance", "key", "mf", folder=Path(folder)) as lock:
    ...         lock.lost is None
    True
    """
    digest = hashlib.sha256("\x00".join((exchange, account, prefix)).encode()).hexdigest()[:24]
    place = locks_directory() if folder is None else folder
    with translated(f"locks {place}"):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return InstanceLock(
        place / f"{exchange}-{digest}.lock", f"account of {exchange}, orders {prefix}…", on_lost=on_lost
    )


def locks_directory() -> Path:
    """Where the locks of accounts are."""
    if os.environ.get("MIRRORFAST_LOCKS"):
        return Path(os.environ["MIRRORFAST_LOCKS"])
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "mirrorfast" / "locks"


def ledger_lock(
    target: str | Path, *, on_lost: Callable[[str], None] | None = None, beat_s: float = _BEAT_S
) -> contextlib.AbstractContextManager[Any]:
    """Make the lock of a whole ledger: for a daemon that will have no other beside it on the same database.

    Parameters
    ----------
    target
        File name, or database URL.
    on_lost, beat_s
        As for `InstanceLock`.

    Returns
    -------
    context manager
        Not taken yet.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, ledger_lock(folder + "/ledger.sqlite"):
    ...     sorted(file.name for file in Path(folder).iterdir())
    ['ledger.sqlite.owner']
    """
    path = sqlite_path(target)
    if path is not None:
        with translated(f"ledger {path}"):
            path.absolute().parent.mkdir(parents=True, exist_ok=True)
        return InstanceLock(
            path.absolute().with_name(path.name + ".owner"), f"ledger {path}", on_lost=on_lost, beat_s=beat_s
        )
    name = f"ledger {parsed_url(target).render_as_string(hide_password=True)}"
    return _Held(_ServerLock(target, name), name, on_lost, beat_s)


def owner_of(path: Path) -> Owner | None:
    """Read who holds a lock, without asking for it.

    Parameters
    ----------
    path
        File of the lock.

    Returns
    -------
    Owner or None
        ``None`` where it is free, by what stands in it; a process that was killed still stands there.

    Examples
    --------
    >>> owner_of(Path("/nowhere")) is None
    True
    """
    try:
        return _owner(path.read_bytes()[:_SIZE])
    except OSError:
        return None


def is_held(path: Path) -> bool:
    """Whether a living process of this machine has the lock."""
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


class _Held:
    """A lock that is held: signs of life from a thread, and a look whether it is still ours."""

    def __init__(self, lock: _Lock, what: str, on_lost: Callable[[str], None] | None, beat_s: float) -> None:
        self._lock, self._what, self._on_lost, self._beat_s = lock, what, on_lost, beat_s
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost: str | None = None

    def open(self) -> None:
        self._lock.take()
        self.lost = None
        self._done.clear()
        self._thread = threading.Thread(target=self._live, name=f"lock of {self._what}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._lock.drop()

    def _live(self) -> None:
        while not self._done.wait(self._beat_s):
            self.lost = self._lock.alive()
            if self.lost is not None:
                _log.critical("lock_lost", what=self._what, reason=self.lost)
                if self._on_lost is not None:
                    self._on_lost(f"the lock of {self._what} is lost: {self.lost}")
                return

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _FileLock:
    def __init__(self, path: Path, what: str) -> None:
        self._path, self._what = path, what
        self._descriptor: int | None = None
        self._owner = Owner.present(what)

    def take(self) -> None:
        import fcntl

        present = Owner.present(self._what)
        with translated(f"{self._what}, lock {self._path}"):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                try:
                    # Of this open file, not of the process: a second one in the same process is refused as well.
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    owner = _owner(os.pread(descriptor, _SIZE, 0))
                    who = "another process" if owner is None else owner.sentence
                    raise LedgerError(f"{self._what}: {who} holds it; stop that one first") from None
                self._succeed(_owner(os.pread(descriptor, _SIZE, 0)), present)
                self._descriptor, self._owner = descriptor, present
                os.ftruncate(descriptor, 0)  # whatever stood there may have been longer
                self._write(present)
            except BaseException:
                self._descriptor = None
                os.close(descriptor)
                raise

    def _succeed(self, before: Owner | None, present: Owner) -> None:
        """Take over from an owner that stands in the file still: only if its end is certain."""
        if before is None:
            return
        doubt = before.why_not_gone(present)
        if doubt is not None:
            raise LedgerError(
                f"{self._what}: it was {before.sentence}, and it is not certain that it ended: {doubt}; "
                f"if it has, remove {self._path}"
            )
        _log.warning("lock_taken_over", what=self._what, owner=before.sentence)

    def drop(self) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # a full disk must not keep a lock
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def alive(self) -> str | None:
        if self._descriptor is None:
            return "it was dropped"
        try:
            if os.stat(self._path).st_ino != os.fstat(self._descriptor).st_ino:  # noqa: PTH116 - as fstat's
                return f"{self._path} was replaced"
            self._write(self._owner)
        except FileNotFoundError:
            return f"{self._path} was removed"
        except OSError as error:
            # The kernel's lock holds without a sign of life; a full disk is told elsewhere.
            _log.warning("no_sign_of_life", file=str(self._path), error=str(error))
        return None

    def _write(self, owner: Owner) -> None:
        assert self._descriptor is not None  # noqa: S101 - by construction
        document = asdict(owner) | {"beat": time.time_ns() // 1_000_000}
        # One write of one length: a reader sees the old line or the new one.
        os.pwrite(self._descriptor, json.dumps(document).encode().ljust(_SIZE // 4), 0)


class _ServerLock:
    def __init__(self, target: str | Path, name: str) -> None:
        self._target, self._name = target, name
        self._connection: sa.Connection | None = None
        self._key = int.from_bytes(hashlib.sha256(b"mirrorfast ledger").digest()[:8], "big", signed=True)

    def take(self) -> None:
        with translated(self._name):
            connection = connect(self._target).connect()
        try:
            with translated(self._name), connection.begin():
                self._tell(connection)
                taken = connection.execute(sa.text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar()
                if not taken:
                    self._refuse(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _tell(self, connection: sa.Connection) -> None:
        owner = Owner.present(self._name)
        name = f"mirrorfast {owner.pid} on {owner.host}"[:63]
        connection.execute(sa.text("SELECT set_config('application_name', :name, false)"), {"name": name})

    def _refuse(self, connection: sa.Connection) -> NoReturn:
        query = (
            "SELECT a.application_name, a.client_addr::text, a.backend_start::text FROM pg_locks l "
            "JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted "
            "AND l.classid = CAST(:high AS bigint)::oid AND l.objid = CAST(:low AS bigint)::oid LIMIT 1"
        )
        key = self._key & 0xFFFF_FFFF_FFFF_FFFF
        row = connection.execute(sa.text(query), {"high": key >> 32, "low": key & 0xFFFF_FFFF}).first()
        who = "another process"
        if row is not None:
            who = f"{row[0] or 'a process'} from {row[1] or 'this machine'}, connected since {row[2]},"
        raise LedgerError(f"{self._name}: {who} holds it; stop that one first")

    def drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sa.exc.DBAPIError):  # a lost connection has lost the lock already
                self._connection.close()
            self._connection = None

    def alive(self) -> str | None:
        if self._connection is None:
            return "it was dropped"
        try:
            with self._connection.begin():
                self._connection.execute(sa.text("SELECT 1"))
        except (sa.exc.DBAPIError, sa.exc.InvalidRequestError) as error:
            return f"the connection to the server is lost ({type(error).__name__})"
        return None


def _owner(text: bytes) -> Owner | None:
    try:
        document = json.loads(text.rstrip(b"\x00 ") or b"null")
        return None if document is None else Owner(**document)
    except (ValueError, TypeError):
        # Torn by a power cut, or another program's: nobody is named, and the kernel's lock decides.
        return None


def _started(pid: int) -> int | None:
    try:
        # The second field is a name in parentheses that may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[19])
    except (OSError, IndexError, ValueError):
        return None


def _digest(file: Path) -> str:
    try:
        text = file.read_bytes().strip()
    except OSError:
        return ""
    return hashlib.sha256(b"mirrorfast " + text).hexdigest()[:16] if text else ""
