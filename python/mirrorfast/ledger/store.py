"""The ledger: one database of runs, read by anyone, written by one `RunWriter` per run."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

import polars as pl
import sqlalchemy as sa

from mirrorfast.errors import LedgerError, ParameterError
from mirrorfast.ledger.database import (
    check_file,
    check_integrity,
    connect,
    parsed_url,
    sqlite_path,
    translated,
)
from mirrorfast.ledger.opening import copy_file, create_file, migrate
from mirrorfast.ledger.schema import (
    CHECKPOINTS,
    FINGERPRINT_TABLES,
    RUNS,
    TABLES,
)
from mirrorfast.ledger.types import DecimalText, JsonText, json_text
from mirrorfast.ledger.writer import Checkpoint, RunWriter

__all__ = ["Ledger", "Verification"]

#: Left out of fingerprints: what differs between two runs that did the same.
_NOT_COMPARED: Final = frozenset({"run", "seq", "client_order_id", "venue_order_id", "venue_trade_id"})
#: Rows that are read in one go.
_ROWS: Final = 20_000
_TIMES: Final = frozenset({"ts", "entry_ts", "exit_ts", "updated", "started", "finished", "written"})


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking a run found.

    Attributes
    ----------
    run
        Name of the run.
    events
        Journal lines read.
    rows
        Rows compared, per table.
    digest
        Last digest of the journal.
    problems
        One line per difference between the journal's fold and the tables; empty when the ledger is sound.

    Examples
    --------
    >>> Verification("demo", events=2, rows={"equity": 2}, digest="00").is_sound
    True
    """

    run: str
    events: int
    rows: dict[str, int]
    digest: str
    problems: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether the tables are what the journal says."""
        return not self.problems


class Ledger:
    """A database of runs. Open it with `Ledger.open`.

    Parameters
    ----------
    target
        File name (SQLite), or an SQLAlchemy URL.
    busy_timeout_s
        How long a write waits for another process, in seconds.
    writable
        Whether runs can be written.
    immutable
        Whether the file is on a medium that nobody can write.

    Examples
    --------
    >>> import tempfile
    >>> from mirrorfast.ledger import Batch, Ledger
    >>> folder = tempfile.TemporaryDirectory()
    >>> with Ledger.open(folder.name + "/ledger.sqlite") as ledger:
    ...     writer = ledger.run("demo", mode="replay", config={}, symbols=["BTC/USD"])
    ...     writer.begin()
    ...     batch = Batch(1_500_000_000_000)
    ...     batch.equity({"equity": 10_000.5})
    ...     _ = writer.write(batch)
    ...     writer.finish()
    ...     ledger.frame("equity", "demo")["equity"].to_list()
    [10000.5]
    >>> folder.cleanup()
    """

    def __init__(self, target: str | Path, *, busy_timeout_s: float, writable: bool, immutable: bool) -> None:
        self.target: Final = target
        self.busy_timeout_s: Final = busy_timeout_s
        self._writable = writable
        self._reader = connect(target, readonly=True, immutable=immutable, busy_timeout_s=busy_timeout_s)

    # ------------------------------------------------------------------ open

    @classmethod
    def open(cls, target: str | Path, *, create: bool = True, busy_timeout_s: float = 5.0) -> Self:
        """Open a ledger, making or upgrading it where needed.

        Parameters
        ----------
        target
            File name (SQLite), or an SQLAlchemy URL.
        create
            Make the file if it is absent. An existing file is never replaced, whatever is in it.
        busy_timeout_s
            How long a write waits for another process, in seconds.

        Returns
        -------
        Ledger
            Where the file or its folder cannot be written, it can be read and `run` refuses.

        Raises
        ------
        LedgerError
            When the file is damaged, no ledger, or written by a newer release; when it is absent and `create` is
            false; when the folder cannot be written.

        Notes
        -----
        An older schema is upgraded after a copy of the file was made beside it (`NAME.v<schema>.bak`).
        """
        path = sqlite_path(target)
        if path is None:
            migrate(target, parsed_url(target).render_as_string(hide_password=True), create=create)
            return cls(target, busy_timeout_s=busy_timeout_s, writable=True, immutable=False)
        if not path.exists():
            if not create:
                raise LedgerError(f"ledger {path}: there is no such file")
            create_file(path)
        check_file(path)
        writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
        wal = path.with_name(path.name + "-wal")
        if not writable and wal.exists() and wal.stat().st_size:
            raise LedgerError(
                f"ledger {path}: it was not closed cleanly and its folder cannot be written; copy it first"
            )
        engine = connect(path, readonly=True, immutable=not writable, busy_timeout_s=busy_timeout_s)
        check_integrity(engine, str(path))
        migrate(path, str(path), create=False, engine=engine, writable=writable)
        return cls(path, busy_timeout_s=busy_timeout_s, writable=writable, immutable=not writable)

    @property
    def name(self) -> str:
        """File name, or URL without its password."""
        path = sqlite_path(self.target)
        return str(path) if path else parsed_url(self.target).render_as_string(hide_password=True)

    def check_writable(self) -> None:
        """Refuse where the ledger can only be read.

        Raises
        ------
        LedgerError
            When the file or its folder cannot be written.
        """
        if not self._writable:
            raise LedgerError(f"ledger {self.name}: it cannot be written; check the rights of the file and its folder")

    def close(self) -> None:
        """Let the reading connections go."""
        self._reader.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ write

    def run(
        self,
        run: str,
        *,
        mode: str,
        config: Mapping[str, Any],
        symbols: Iterable[str],
        commit: Literal["each", "group"] = "group",
        group: int = 500,
        code_version: str | None = None,
    ) -> RunWriter:
        """Make the writer of a run.

        Parameters
        ----------
        run, mode, config, symbols, commit, group, code_version
            As for `RunWriter`.

        Returns
        -------
        RunWriter
            Not begun yet: call its `begin`, `resume` or `begin_or_resume`.
        """
        return RunWriter(
            self, run, mode=mode, config=config, symbols=symbols, commit=commit, group=group, code_version=code_version
        )

    # ------------------------------------------------------------------ read

    def runs(self) -> pl.DataFrame:
        """Return the runs.

        Returns
        -------
        polars.DataFrame
            One row per run, oldest first.
        """
        return self._frame(
            sa.select(*_columns(RUNS, exact=False)).order_by(RUNS.c.started, RUNS.c.id), RUNS, exact=False
        )

    def has_run(self, run: str) -> bool:
        """Whether the ledger has a run of this name.

        Parameters
        ----------
        run
            Name of the run.

        Returns
        -------
        bool
            True where it has been begun, finished or not.
        """
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            return connection.execute(sa.select(RUNS.c.id).where(RUNS.c.id == run)).first() is not None

    def info(self, run: str) -> dict[str, Any]:
        """Return what is known of a run as a whole.

        Parameters
        ----------
        run
            Name of the run.

        Returns
        -------
        dict
            ``id mode config config_hash symbols started finished status code_version resumed``; times in ms.

        Raises
        ------
        LedgerError
            When there is no such run; the message names those there are.
        """
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            row = connection.execute(sa.select(RUNS).where(RUNS.c.id == run)).mappings().first()
            if row is None:
                known = (
                    connection.execute(sa.select(RUNS.c.id).order_by(RUNS.c.started.desc()).limit(5)).scalars().all()
                )
                hint = f"the newest are {', '.join(known)}" if known else "it has no runs"
                raise LedgerError(f"run {run!r} in ledger {self.name}: there is no such run; {hint}")
        return dict(row)

    def latest_run(self) -> str:
        """Return the run that was started last.

        Returns
        -------
        str
            Its name.

        Raises
        ------
        LedgerError
            When the ledger has no runs.
        """
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            name = connection.execute(sa.select(RUNS.c.id).order_by(RUNS.c.started.desc(), RUNS.c.id).limit(1)).scalar()
        if name is None:
            raise LedgerError(f"ledger {self.name}: it has no runs")
        return str(name)

    def frame(self, table: str, run: str, *, exact: bool = False) -> pl.DataFrame:
        """Read a table of a run, in the order of its key.

        Parameters
        ----------
        table
            `decisions`, `orders`, `fills`, `trades`, `equity`, `weights`, `incidents` or `events`.
        run
            Name of the run.
        exact
            Money as decimal text; otherwise as `float64`, which is the engine's own number, bit for bit, where the
            engine computed it.

        Returns
        -------
        polars.DataFrame
            Times as `datetime[ms, UTC]`, JSON as text; empty with all columns when the run has no such rows.

        Raises
        ------
        ParameterError
            For another table.
        """
        if table not in TABLES or "run" not in TABLES[table].c:
            raise ParameterError(
                f"table {table!r}: expected one of {', '.join(n for n, t in TABLES.items() if 'run' in t.c)}"
            )
        source = TABLES[table]
        query = (
            sa.select(*_columns(source, exact=exact)).where(source.c.run == run).order_by(*source.primary_key.columns)
        )
        return self._frame(query, source, exact=exact)

    def rows(self, table: str, run: str) -> list[dict[str, Any]]:
        """Read a table of a run as Python objects.

        Parameters
        ----------
        table
            Any table that has runs.
        run
            Name of the run.

        Returns
        -------
        list of dict
            Money as `Decimal`, times in ms, JSON decoded; in the order of the table's key.
        """
        source = TABLES[table]
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            query = sa.select(source).where(source.c.run == run).order_by(*source.primary_key.columns)
            return [dict(row) for row in connection.execute(query).mappings()]

    def last_checkpoint(self, run: str) -> Checkpoint | None:
        """Return the newest checkpoint.

        Parameters
        ----------
        run
            Name of the run.

        Returns
        -------
        Checkpoint or None
            None where there is none.

        Raises
        ------
        LedgerError
            When its content does not have the digest it was written with.
        """
        query = sa.select(CHECKPOINTS).where(CHECKPOINTS.c.run == run).order_by(CHECKPOINTS.c.seq.desc()).limit(1)
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            return None
        checkpoint = Checkpoint(row["ts"], row["engine"], row["broker"], row["feed"], row["seq"])
        if checkpoint.sha256() != row["sha256"]:
            raise LedgerError(f"run {run!r} in ledger {self.name}: its checkpoint at event {row['seq']} is damaged")
        return checkpoint

    def fingerprint(self, run: str) -> str:
        """Return a digest of what a run decided, ordered, filled and was worth.

        Parameters
        ----------
        run
            Name of the run.

        Returns
        -------
        str
            SHA-256 in hex over the rows of decisions, orders, fills, trades and equity without the run's name, journal
            numbers and venue ids. Equal for two runs of the same code on the same bars.
        """
        self.info(run)
        digest = hashlib.sha256()
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            for table in FINGERPRINT_TABLES:
                source = TABLES[table]
                columns = [c for c in _columns(source, exact=True) if c.name not in _NOT_COMPARED]
                digest.update(f"{table}:{','.join(c.name for c in columns)}\n".encode())
                query = sa.select(*columns).where(source.c.run == run).order_by(*source.primary_key.columns)
                for row in connection.execute(query):
                    digest.update(json_text(list(row)).encode())
                    digest.update(b"\n")
        return digest.hexdigest()

    def verify(self, run: str) -> Verification:
        """Fold the run's journal again and compare with the tables; check the journal's chain of digests.

        Parameters
        ----------
        run
            Name of the run.

        Returns
        -------
        Verification
            What was found; `is_sound` when nothing is wrong.
        """
        from mirrorfast.ledger.verify import verify

        self.info(run)
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            return verify(connection, run)

    def backup(self, path: str | Path) -> Path:
        """Copy the ledger while it is in use.

        Parameters
        ----------
        path
            File to make.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        LedgerError
            When the copy exists already, cannot be written, or the ledger is on a server (use its own tools).
        """
        source = sqlite_path(self.target)
        if source is None:
            raise LedgerError(f"ledger {self.name}: back a server up with its own tools: pg_dump --format=custom")
        return copy_file(source, Path(path))

    def _frame(self, query: sa.Select[Any], source: sa.Table, *, exact: bool) -> pl.DataFrame:
        raw = {c.name: _raw_dtype(c) for c in source.columns}
        casts = []
        for column in source.columns:
            if isinstance(column.type, DecimalText) and not exact:
                casts.append(pl.col(column.name).cast(pl.Float64))
            elif column.name in _TIMES:
                casts.append(pl.col(column.name).cast(pl.Datetime("ms", "UTC")))
        parts = [pl.DataFrame(schema=raw).with_columns(casts)]
        with translated(f"ledger {self.name}"), self._reader.connect() as connection:
            # Rows are Python objects, some thirty times as large as the columns they become: never all of them at once.
            found = connection.execute(query.execution_options(yield_per=_ROWS))
            parts.extend(
                pl.DataFrame([tuple(row) for row in rows], schema=raw, orient="row").with_columns(casts)
                for rows in found.partitions()
            )
        return pl.concat(parts, rechunk=True)


def _columns(source: sa.Table, *, exact: bool) -> list[Any]:  # noqa: ARG001 - both readings take the text
    return [
        sa.type_coerce(c, sa.Text).label(c.name) if isinstance(c.type, DecimalText | JsonText) else c
        for c in source.columns
    ]


def _raw_dtype(column: sa.Column[Any]) -> pl.DataType:
    match column.type:
        case sa.Boolean():
            return pl.Boolean()
        case sa.Double():
            return pl.Float64()
        case sa.Integer():
            return pl.Int64()
        case sa.LargeBinary():
            return pl.Binary()
    return pl.String()
