"""The one writer of a run: journal, tables and checkpoint of a moment in one transaction."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import sqlalchemy as sa

from mirrorfast.errors import InternalError, LedgerError, ParameterError
from mirrorfast.ledger.database import LOCKS, app_version, connect, sqlite_path, take_server_lock, translated
from mirrorfast.ledger.events import FINAL_STATUSES, Batch, Event
from mirrorfast.ledger.identifiers import check_run
from mirrorfast.ledger.journal import GENESIS, Fold, Rows, chain
from mirrorfast.ledger.schema import CHECKPOINTS, EVENTS, FILLS, FOLDED_TABLES, ORDERS, RUNS, TABLES
from mirrorfast.ledger.types import json_text

if TYPE_CHECKING:
    from mirrorfast.ledger.store import Ledger

__all__ = ["Checkpoint", "RunWriter"]

CommitPolicy = Literal["each", "group"]

#: Checkpoints kept per run: the newest, and one before it in case a restart has to step back by hand.
_CHECKPOINTS_KEPT: Final = 2
#: A group is committed early when this many events wait, whatever the number of bars.
_EVENTS_WAITING: Final = 10_000

_UPDATE_ORDER = (
    sa.update(ORDERS)
    .where(
        ORDERS.c.run == sa.bindparam("k_run"),
        ORDERS.c.id == sa.bindparam("k_id"),
        ORDERS.c.attempt == sa.bindparam("k_attempt"),
    )
    .values({name: sa.bindparam("v_" + name) for name in ("status", "reason", "venue_order_id", "filled", "updated")})
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a run needs to go on from a bar boundary.

    Parameters
    ----------
    ts
        Close time of the last bar that is inside, ms.
    engine
        `DecisionEngine.snapshot()`.
    broker
        State of the simulated exchange; empty where the venue keeps it.
    feed
        Position of the feed, any JSON value.
    seq
        Last journal event that is inside; the writer sets it.

    Examples
    --------
    >>> Checkpoint(1_500_000_000_000, b"engine", feed={"bar": 7}).sha256()[:8]
    '383a01dc'
    """

    ts: int
    engine: bytes
    broker: bytes = b""
    feed: Any = None
    seq: int = 0

    def sha256(self) -> str:
        """Return the digest of everything in it.

        Returns
        -------
        str
            SHA-256 in hex.
        """
        digest = hashlib.sha256()
        for part in (f"{self.seq}|{self.ts}|".encode(), self.engine, self.broker, json_text(self.feed).encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.hexdigest()


class RunWriter:
    """Writes one run; made by `Ledger.run`.

    Call `begin` or `resume` (or `begin_or_resume`) first, then `write` once a bar, then `finish`.

    Parameters
    ----------
    ledger
        Where to write.
    run
        Name of the run.
    mode
        `backtest`, `replay`, `paper` or `live`.
    config
        The whole configuration as JSON values, without secrets. A run can only be resumed under the same.
    symbols
        Symbols by engine id.
    commit
        `"each"`: every `write` is durable when it returns; `record_intents` makes orders durable before they are sent.
        `"group"`: only every `group` bars, together with the checkpoint, so that a killed run goes on from there and
        ends with the rows of an uninterrupted one.
    group
        Bars per commit under `"group"`, >= 1.
    code_version
        Version of the code that decides; default mirrorfast's.

    Examples
    --------
    >>> import tempfile
    >>> from mirrorfast.ledger import Batch, Ledger
    >>> folder = tempfile.TemporaryDirectory()
    >>> ledger = Ledger.open(folder.name + "/ledger.sqlite")
    >>> with ledger.run("demo", mode="live", config={}, symbols=["BTC/USD"], commit="each") as writer:
    ...     writer.begin()
    ...     intents = Batch(1_500_000_000_000)
    ...     order = {"id": 1, "symbol": "BTC/USD", "side": "buy", "type": "market", "quantity": 1, "purpose": "entry"}
    ...     intents.order(order)
    ...     writer.record_intents(intents)  # on disk now: it may be sent
    ...     [order["status"] for order in writer.open_orders()]
    ['intent']
    >>> folder.cleanup()
    """

    def __init__(
        self,
        ledger: "Ledger",
        run: str,
        *,
        mode: str,
        config: Mapping[str, Any],
        symbols: Iterable[str],
        commit: CommitPolicy = "group",
        group: int = 500,
        code_version: str | None = None,
    ) -> None:
        if commit not in ("each", "group"):
            raise ParameterError(f"commit {commit!r}: expected 'each' or 'group'")
        if group < 1:
            raise ParameterError(f"group {group}: expected a number of bars >= 1")
        self.run: Final = check_run(run)
        self.mode: Final = mode
        self._ledger = ledger
        self._config = json_text(dict(config))
        self._symbols = list(symbols)
        self._commit: CommitPolicy = commit
        self._group = group if commit == "group" else 1
        self._code_version = code_version or app_version()
        self._engine: sa.Engine | None = None
        self._connection: sa.Connection | None = None
        self._locked = False
        self._reset()

    def _reset(self) -> None:
        self._seq = 0
        self._digest = GENESIS
        self._fold = Fold(self.run, self._load_order)
        self._rows = Rows()
        self._events: list[dict[str, Any]] = []
        self._bars = 0

    # ------------------------------------------------------------------ start

    def begin(self) -> None:
        """Start a new run.

        Raises
        ------
        LedgerError
            When the ledger has a run of this name, or another process writes it.
        """
        self._open()
        with self._closed_on_error(), self._transaction() as connection:
            if connection.execute(sa.select(RUNS.c.id).where(RUNS.c.id == self.run)).first() is not None:
                raise LedgerError(f"{self._name}: it exists already; resume it, or choose another name")
            connection.execute(
                sa.insert(RUNS),
                {
                    "id": self.run,
                    "mode": self.mode,
                    "config": json.loads(self._config),
                    "config_hash": hashlib.sha256(self._config.encode()).hexdigest(),
                    "symbols": self._symbols,
                    "started": _now(),
                    "finished": None,
                    "status": "running",
                    "code_version": self._code_version,
                    "resumed": 0,
                },
            )

    def resume(self) -> Checkpoint | None:
        """Go on with a run that was stopped or killed.

        Returns
        -------
        Checkpoint or None
            Where to go on; None when the run stopped before its first checkpoint: start at the first bar.

        Raises
        ------
        LedgerError
            When there is no such run, it is finished, its configuration was another, its journal does not end in its
            checkpoint (under `"group"`), or another process writes it.
        """
        self._open()
        with self._closed_on_error():
            return self._resume()

    def _resume(self) -> Checkpoint | None:
        checkpoint = self._ledger.last_checkpoint(self.run)
        with self._transaction() as connection:
            row = connection.execute(sa.select(RUNS).where(RUNS.c.id == self.run)).mappings().first()
            if row is None:
                raise LedgerError(f"{self._name}: there is no such run")
            if row["status"] == "finished":
                raise LedgerError(f"{self._name}: it is finished; choose another name to run again")
            self._check_config(row["config"])
            last = connection.execute(
                sa.select(EVENTS.c.seq, EVENTS.c.digest)
                .where(EVENTS.c.run == self.run)
                .order_by(EVENTS.c.seq.desc())
                .limit(1)
            ).first()
            self._reset()
            if last is not None:
                self._seq, self._digest = last.seq, last.digest
            covered = checkpoint.seq if checkpoint else 0
            if self._commit == "group" and self._seq != covered:
                raise LedgerError(
                    f"{self._name}: its journal ends at event {self._seq}, its checkpoint at {covered}; "
                    "it was written without checkpoints and cannot be resumed"
                )
            trades = TABLES["trades"]
            count = sa.select(sa.func.count()).select_from(trades).where(trades.c.run == self.run)
            self._fold.trades = connection.execute(count).scalar_one()
            open_orders = sa.select(ORDERS).where(ORDERS.c.run == self.run, ORDERS.c.status.not_in(FINAL_STATUSES))
            for order in connection.execute(open_orders.order_by(ORDERS.c.id, ORDERS.c.attempt)).mappings():
                self._fold.adopt(dict(order))
            connection.execute(
                sa.update(RUNS)
                .where(RUNS.c.id == self.run)
                .values(status="running", finished=None, resumed=RUNS.c.resumed + 1, code_version=self._code_version)
            )
        return checkpoint

    def begin_or_resume(self) -> Checkpoint | None:
        """Resume the run if the ledger has it, else begin it.

        Returns
        -------
        Checkpoint or None
            Where to go on; None to start at the first bar.
        """
        if self._ledger.has_run(self.run):
            return self.resume()
        self.begin()
        return None

    def _check_config(self, stored: Any) -> None:
        mine = json.loads(self._config)
        if stored == mine:
            return
        keys = sorted(k for k in {*stored, *mine} if stored.get(k) != mine.get(k))
        changed = "; ".join(f"{k}: {stored.get(k)!r} then, {mine.get(k)!r} now" for k in keys[:3])
        raise LedgerError(
            f"{self._name}: its configuration was another ({changed}); choose another name, or the old configuration"
        )

    # ------------------------------------------------------------------ write

    def write(self, batch: Batch, *, checkpoint: Callable[[], Checkpoint] | None = None) -> bool:
        """Record one bar (or, between bars, what a venue reported).

        Parameters
        ----------
        batch
            Everything that happened, in order.
        checkpoint
            Makes the state after this batch; called only when the batch is committed. Without it nothing after the last
            checkpoint can be resumed from.

        Returns
        -------
        bool
            Whether it was committed. If committing raises, everything stays in memory and goes with the next commit.
        """
        self._stage(batch.events)
        self._bars += 1
        if self._bars < self._group and len(self._events) < _EVENTS_WAITING:
            return False
        self.flush(checkpoint=checkpoint)
        return True

    def record_intents(self, batch: Batch, *, checkpoint: Callable[[], Checkpoint] | None = None) -> None:
        """Make orders durable before they are sent: returns when the disk has them.

        Parameters
        ----------
        batch
            Whatever happened, and then the orders that are to be sent.
        checkpoint
            As for `write`: a state that knows of the orders, stored with them or not at all.

        Raises
        ------
        LedgerError
            When they could not be stored. The orders are forgotten then, and **must not be sent**; everything else
            stays in memory and goes with the next commit.
        """
        # The orders come last, so that they alone can be taken back.
        first = len(batch.events)
        while first and batch.events[first - 1].kind == "order":
            first -= 1
        self._stage(batch.events[:first])
        before = (self._seq, self._digest, len(self._events), len(self._rows.inserts["orders"]))
        try:
            self._stage(batch.events[first:])
            self.flush(checkpoint=checkpoint)
        except BaseException:
            self._seq, self._digest, events, orders = before
            for row in self._rows.inserts["orders"][orders:]:
                self._rows.orders.discard((row["id"], row["attempt"]))
                self._fold.forget((row["id"], row["attempt"]))
            del self._events[events:]
            del self._rows.inserts["orders"][orders:]
            raise

    def flush(self, *, checkpoint: Callable[[], Checkpoint] | None = None) -> None:
        """Commit what waits.

        Parameters
        ----------
        checkpoint
            As for `write`.

        Raises
        ------
        LedgerError
            When the disk is full or another process holds the ledger; everything stays in memory then.
        """
        self._flush(checkpoint, None)

    def _flush(self, checkpoint: Callable[[], Checkpoint] | None, status: str | None) -> None:
        state = None
        if checkpoint is not None:
            made = checkpoint()
            state = Checkpoint(made.ts, made.engine, made.broker, made.feed, self._seq)
        rows = self._rows
        with self._transaction() as connection:
            if self._events:
                connection.execute(sa.insert(EVENTS), self._events)
            for name in FOLDED_TABLES:
                if rows.inserts[name]:
                    connection.execute(sa.insert(TABLES[name]), rows.inserts[name])
            if rows.updates:
                connection.execute(_UPDATE_ORDER, [_order_update(row) for row in rows.updates.values()])
            if state is not None:
                self._insert_checkpoint(connection, state)
            if status is not None:
                connection.execute(sa.update(RUNS).where(RUNS.c.id == self.run).values(status=status, finished=_now()))
        self._events = []
        self._rows = Rows()
        self._bars = 0
        self._fold.trim()

    def finish(
        self,
        status: str = "finished",
        *,
        reason: str | None = None,
        ts: int | None = None,
        checkpoint: Callable[[], Checkpoint] | None = None,
    ) -> None:
        """Commit the rest and close.

        Parameters
        ----------
        status
            `finished`; or `interrupted`, `failed`, `halted`, which can be resumed.
        reason
            Why, for a person.
        ts
            Time of the end in the run's own time, ms; a `run` event is journalled when given.
        checkpoint
            As for `write`.
        """
        if ts is not None and status == "finished":
            end = Batch(ts)
            end.add("run", {"status": status, "reason": reason})
            self._stage(end.events)
        self._flush(checkpoint, status)
        self.close()

    def _stage(self, events: Iterable[Event]) -> None:
        for event in events:
            if event.kind == "fill" and self._is_booked(event):
                continue
            event.seq = self._seq + 1
            self._fold.apply(event, self._rows)
            self._seq = event.seq
            self._digest, payload = chain(self._digest, event)
            self._events.append(
                {
                    "run": self.run,
                    "seq": event.seq,
                    "ts": event.ts,
                    "kind": event.kind,
                    "payload": payload,
                    "digest": self._digest,
                }
            )

    def _is_booked(self, event: Event) -> bool:
        trade = event.payload["venue_trade_id"]
        return trade is not None and self.has_trade(event.payload["symbol"], trade)

    def _insert_checkpoint(self, connection: sa.Connection, state: Checkpoint) -> None:
        of_run = CHECKPOINTS.c.run == self.run
        connection.execute(sa.delete(CHECKPOINTS).where(of_run, CHECKPOINTS.c.seq == state.seq))
        connection.execute(
            sa.insert(CHECKPOINTS),
            {
                "run": self.run,
                "seq": state.seq,
                "ts": state.ts,
                "engine": state.engine,
                "broker": state.broker,
                "feed": state.feed,
                "sha256": state.sha256(),
                "written": _now(),
            },
        )
        seqs = (
            connection.execute(sa.select(CHECKPOINTS.c.seq).where(of_run).order_by(CHECKPOINTS.c.seq.desc()))
            .scalars()
            .all()
        )
        if len(seqs) > _CHECKPOINTS_KEPT:
            connection.execute(sa.delete(CHECKPOINTS).where(of_run, CHECKPOINTS.c.seq < seqs[_CHECKPOINTS_KEPT - 1]))

    # ------------------------------------------------------------------ state

    @property
    def seq(self) -> int:
        """Number of the last journal event, committed or waiting."""
        return self._seq

    @property
    def digest(self) -> str:
        """Digest of the journal so far: equal for two runs that did the same."""
        return self._digest.hex()

    @property
    def waiting(self) -> int:
        """Events that are not committed yet."""
        return len(self._events)

    def open_orders(self) -> list[dict[str, Any]]:
        """Return the orders whose end is not known: what start-up has to reconcile.

        Returns
        -------
        list of dict
            Their rows, oldest first.
        """
        return [dict(row) for row in self._fold.open_orders()]

    def next_attempt(self, order: int) -> int:
        """Return the attempt number for sending an order.

        Parameters
        ----------
        order
            Number of the order within the run.

        Returns
        -------
        int
            1, or one more than the last recorded.
        """
        known = self._fold.attempt(order)
        if not known:
            row = self._load_order(order, None)
            known = row["attempt"] if row else 0
        return known + 1

    def has_trade(self, symbol: str, trade: str) -> bool:
        """Tell whether a venue's trade is booked, committed or waiting.

        Parameters
        ----------
        symbol
            Symbol.
        trade
            The venue's id of the trade.

        Returns
        -------
        bool
            Whether it is.
        """
        waiting = self._rows.inserts["fills"]
        if any(row["venue_trade_id"] == trade and row["symbol"] == symbol for row in waiting):
            return True
        query = sa.select(FILLS.c.id).where(
            FILLS.c.run == self.run, FILLS.c.symbol == symbol, FILLS.c.venue_trade_id == trade
        )
        with self._reading() as connection:
            return connection.execute(query).first() is not None

    def fills(self, order: int | None = None) -> list[dict[str, Any]]:
        """Return the fills that are committed.

        Parameters
        ----------
        order
            Only of this order.

        Returns
        -------
        list of dict
            Their rows in the order in which they were booked, with exact decimals.
        """
        query = sa.select(FILLS).where(FILLS.c.run == self.run).order_by(FILLS.c.seq)
        if order is not None:
            query = query.where(FILLS.c.order == order)
        with self._reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def last_order(self, symbol: str, purpose: str) -> dict[str, Any] | None:
        """Return the newest order of a symbol that served a purpose.

        Parameters
        ----------
        symbol
            Symbol.
        purpose
            Such as ``stop_loss``.

        Returns
        -------
        dict or None
            Its row.
        """
        query = (
            sa.select(ORDERS)
            .where(ORDERS.c.run == self.run, ORDERS.c.symbol == symbol, ORDERS.c.purpose == purpose)
            .order_by(ORDERS.c.id.desc(), ORDERS.c.attempt.desc())
            .limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def order_of_venue(self, symbol: str, venue_order_id: str) -> dict[str, Any] | None:
        """Return the order that a venue knows by a number.

        Parameters
        ----------
        symbol
            Symbol.
        venue_order_id
            The venue's number.

        Returns
        -------
        dict or None
            Its row.
        """
        query = sa.select(ORDERS).where(
            ORDERS.c.run == self.run, ORDERS.c.symbol == symbol, ORDERS.c.venue_order_id == venue_order_id
        )
        with self._reading() as connection:
            row = connection.execute(query.order_by(ORDERS.c.id.desc()).limit(1)).mappings().first()
        return dict(row) if row else None

    def order(self, order: int, attempt: int | None = None) -> dict[str, Any] | None:
        """Return an order's row as it is committed.

        Parameters
        ----------
        order
            Number of the order within the run.
        attempt
            Which sending of it; the newest by default.

        Returns
        -------
        dict or None
            Its row, or None where there is no such order.
        """
        return self._load_order(order, attempt)

    def _load_order(self, order: int, attempt: int | None) -> dict[str, Any] | None:
        query = sa.select(ORDERS).where(ORDERS.c.run == self.run, ORDERS.c.id == order)
        if attempt is not None:
            query = query.where(ORDERS.c.attempt == attempt)
        with self._reading() as connection:
            row = connection.execute(query.order_by(ORDERS.c.attempt.desc()).limit(1)).mappings().first()
        return dict(row) if row else None

    # ------------------------------------------------------------------ resources

    @property
    def _name(self) -> str:
        return f"run {self.run!r} in ledger {self._ledger.name}"

    @contextmanager
    def _closed_on_error(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        if self._connection is not None:
            raise InternalError(f"{self._name}: begun twice")
        self._ledger.check_writable()
        path = sqlite_path(self._ledger.target)
        if path is not None:
            LOCKS.take(path, self.run)
            self._locked = True
        with self._closed_on_error(), translated(self._name):
            self._engine = connect(self._ledger.target, busy_timeout_s=self._ledger.busy_timeout_s)
            self._connection = self._engine.connect()
            take_server_lock(self._connection, self._name, self.run)

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        if self._connection is None:
            raise LedgerError(f"{self._name}: not begun, or closed")
        with translated(self._name), self._connection.begin():
            yield self._connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """Read what is committed: whoever holds the ledger for writing does not stand in the way."""
        if self._connection is None:
            raise LedgerError(f"{self._name}: not begun, or closed")
        with translated(self._name), self._ledger._reader.connect() as connection:  # noqa: SLF001 - its ledger
            yield connection

    def close(self) -> None:
        """Let the connection and the lock go without committing what waits. Calling it twice is harmless."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
        path = sqlite_path(self._ledger.target)
        if self._locked and path is not None:
            LOCKS.drop(path, self.run)
            self._locked = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _order_update(row: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"k_" + name: row[name] for name in ("run", "id", "attempt")}
    return keys | {"v_" + name: row[name] for name in ("status", "reason", "venue_order_id", "filled", "updated")}
