"""Where a dashboard's events come from: the trading loop of this process, or the journal of a ledger.

Both end in one fold (`RunView`). Each source is a sequence of callables that the server's own thread works off.
"""

from __future__ import annotations

import heapq
import json
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from mirrorfast.dashboard.view import RunView
from mirrorfast.ledger.database import connect, translated
from mirrorfast.ledger.schema import DECISIONS, EVENTS, RUNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from mirrorfast.execution.loop import Update
    from mirrorfast.ledger import Ledger

__all__ = ["LedgerSource", "LiveSource", "load", "opening_view"]

#: Decisions that are read when a ledger is opened; older ones only where they led to an order.
_RECENT: Final = 2_000
#: Journal lines read in one go.
_CHUNK: Final = 5_000
#: Samples (bars, decisions, equity) that may wait for the server's thread; more are left out, oldest first.
_WAITING: Final = 20_000
#: Without news for this long a run that is said to be running is doubted.
_SILENT_S: Final = 120.0


def opening_view(ledger: Ledger, run: str) -> RunView:
    """Make the empty view of a run.

    Parameters
    ----------
    ledger
        Where the run is.
    run
        Name of the run.

    Raises
    ------
    LedgerError
        When there is no such run.
    """
    info = ledger.info(run)
    engine = (info["config"] or {}).get("engine", {})
    capital = engine.get("capital", (info["config"] or {}).get("capital"))
    view = RunView(
        run,
        info["symbols"],
        mode=info["mode"],
        status=info["status"],
        capital=None if capital is None else float(capital),
        facts={"version": info["code_version"], "started": info["started"], "config": info["config_hash"][:12]},
    )
    own = [*engine.get("strategies", []), *engine.get("external", [])]
    view.strategies({s["name"]: s.get("weight") for s in own})
    return view


def load(ledger: Ledger, run: str, view: RunView, *, after: int = 0) -> int:
    """Fold what a run's journal has into a view.

    Parameters
    ----------
    ledger
        Where the run is.
    run
        Name of the run.
    view
        What to fold into.
    after
        Number of the last event that it has already.

    Returns
    -------
    int
        Number of the last event now.

    Raises
    ------
    LedgerError
        When the ledger cannot be read.
    """
    reader = connect(ledger.target, readonly=True, busy_timeout_s=ledger.busy_timeout_s)
    try:
        return _Journal(reader, run, ledger.name).fold(view, after)
    finally:
        reader.dispose()


class _Journal:
    """The events of a run, in order."""

    def __init__(self, reader: sa.Engine, run: str, name: str) -> None:
        self._reader, self._run, self._name = reader, run, name
        self.status = ""

    def fold(self, view: RunView, after: int) -> int:
        last = after
        for seq, ts, kind, payload in self._events(after):
            view.event(ts, kind, json.loads(payload))
            last = seq
        if self.status:
            view.status(self.status)
        return last

    def _events(self, after: int) -> Iterator[tuple[int, int, str, str]]:
        of_run = EVENTS.c.run == self._run
        with translated(f"ledger {self._name}"), self._reader.connect() as connection, connection.begin():
            self.status = connection.execute(sa.select(RUNS.c.status).where(RUNS.c.id == self._run)).scalar() or ""
            query = sa.select(EVENTS.c.seq, EVENTS.c.ts, EVENTS.c.kind, EVENTS.c.payload).where(of_run)
            if after == 0:
                # Most of a journal is decisions that led to nothing; of those only the latest are shown.
                recent = (
                    sa.select(DECISIONS.c.seq)
                    .where(DECISIONS.c.run == self._run)
                    .order_by(DECISIONS.c.id.desc())
                    .offset(_RECENT)
                    .limit(1)
                )
                cut = connection.execute(recent).scalar() or 0
                acted = sa.select(DECISIONS.c.seq).where(
                    DECISIONS.c.run == self._run, DECISIONS.c.order_id.is_not(None)
                )
                query = query.where((EVENTS.c.kind != "decision") | (EVENTS.c.seq > cut) | EVENTS.c.seq.in_(acted))
            query = query.where(EVENTS.c.seq > after).order_by(EVENTS.c.seq)
            for row in connection.execute(query.execution_options(yield_per=_CHUNK)):
                yield row.seq, row.ts, row.kind, row.payload


class LedgerSource:
    """Follows a run through its ledger, whoever writes it.

    Parameters
    ----------
    ledger
        Open ledger.
    run
        Name of the run.
    bars : DataFrame, optional
        Bars of the market, for candles; without them charts are lines through the prices of the decisions.

    Raises
    ------
    LedgerError
        When there is no such run.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> from mirrorfast.ledger import Ledger
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bars = mf.sample_bars(["BTC/USD"]).head(300)
    ...     summary = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=bars, run="demo").run()
    ...     with Ledger.open(summary.ledger) as ledger:
    ...         source = LedgerSource(ledger, "demo")
    ...         source.poll()
    ...         source.close()
    >>> source.view.name
    'demo'
    """

    def __init__(self, ledger: Ledger, run: str, *, bars: pl.DataFrame | None = None) -> None:
        self.view = opening_view(ledger, run)
        self._name = ledger.name
        self._reader = connect(ledger.target, readonly=True, busy_timeout_s=ledger.busy_timeout_s)
        self._journal = _Journal(self._reader, run, ledger.name)
        self._seq = 0
        self._news = time.monotonic()
        self._bars = bars
        self._file = Path(ledger.target) if "://" not in str(ledger.target) else None

    def poll(self) -> None:
        """Fold what is new.

        Raises
        ------
        LedgerError
            When the ledger cannot be read.
        """
        first = self._seq == 0
        if first and self._bars is not None:
            self._show_bars()
        before, status = self._seq, self._journal.status
        self._seq = self._journal.fold(self.view, self._seq)
        now = time.monotonic()
        if self._seq != before or self._journal.status != status:
            self._news = now
        self._say(now - self._news)

    def _show_bars(self) -> None:
        from mirrorfast.dashboard.view import LIMITS

        assert self._bars is not None  # noqa: S101 - asked by the caller
        for (symbol,), part in self._bars.sort("timestamp").group_by("symbol", maintain_order=True):
            for ts, *prices in (
                part.tail(LIMITS["bars"])
                .select("timestamp", "open", "high", "low", "close")
                .with_columns(timestamp=part.tail(LIMITS["bars"])["timestamp"].dt.epoch("ms"))
                .iter_rows()
            ):
                self.view.bar(ts, str(symbol), *prices)

    def _say(self, silent: float) -> None:
        running = self._journal.status == "running"
        doubted = running and silent > _SILENT_S
        text = f"nothing new for {silent:.0f} s" if silent > 5 else "news arriving"
        if not running:
            text = f"the run is {self._journal.status}"
        self.view.health("journal", "warning" if doubted else "ok", text)
        if self._file is not None and self._file.exists():
            self.view.health("ledger", "ok", f"{self._file.stat().st_size / 1e6:,.1f} MB")

    def close(self) -> None:
        """Let the ledger go."""
        self._reader.dispose()


class LiveSource:
    """An observer of the trading loop: hands everything over and is gone; the fold is another thread's work.

    Parameters
    ----------
    ledger, run
        Where the run is, for what an earlier process of it did.
    health
        Asked once a second, in the server's thread: state and text by name.

    Notes
    -----
    What a batch costs the loop is a few appends; no lock, as its holder might not be running. Orders, fills and trades
    are never left out; bars, decisions and points of the curve are, oldest first, if the server's thread falls far
    behind.

    Examples
    --------
    >>> import tempfile
    >>> import mirrorfast as mf
    >>> from mirrorfast.ledger import Ledger
    >>> def watch(system, total):
    ...     with Ledger(system.ledger_target, busy_timeout_s=5.0, writable=False, immutable=False) as ledger:
    ...         sources.append(LiveSource(ledger, system.run_id))
    ...     return sources
    >>> sources = []
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     bars = mf.sample_bars(["BTC/USD"]).head(300)
    ...     system = mf.IntegratedTradingSystem(mf.TradingConfig(runs=folder), bars=bars, run="demo")
    ...     _ = system.run(watch=watch)
    >>> sources[0].poll()
    >>> sources[0].view.name
    'demo'
    """

    def __init__(
        self, ledger: Ledger, run: str, *, health: Callable[[], dict[str, tuple[str, str]]] | None = None
    ) -> None:
        self.view = opening_view(ledger, run)
        self.view.status("running")
        load(ledger, run, self.view)
        self.view.status("running")
        self._symbols: list[str] = ledger.info(run)["symbols"]
        # Appending to a deque and taking from its other end need no lock.
        self._facts: deque[tuple[int, int, Any]] = deque()
        self._samples: deque[tuple[int, int, Any]] = deque(maxlen=_WAITING)
        self._latest: tuple[tuple[int, int, int | None], float, float] | None = None
        self._health = health
        self._left_out = 0
        self._batches = 0
        self._shut = False
        self._ended: str | None = None

    def on_batch(self, update: Update) -> None:
        """Hand one bar time over.

        Parameters
        ----------
        update
            What it brought.
        """
        if self._shut:
            return
        now = time.monotonic()
        self._batches += 1
        at = self._batches
        self._sample((at, 0, (update.ts, update.bars)))
        for k, event in enumerate(update.events, 1):
            # A decision that led to an order is needed when its trade is closed.
            idle = event.kind == "decision" and event.payload["order_id"] is None
            if idle or event.kind == "equity":
                self._sample((at, k, event))
            else:
                self._facts.append((at, k, event))
        before = self._latest
        self._latest = ((update.ts, update.done, update.total), now, 0.0 if before is None else now - before[1])

    def _sample(self, item: tuple[int, int, Any]) -> None:
        self._left_out += len(self._samples) == _WAITING
        self._samples.append(item)

    def poll(self) -> None:
        """Fold what has arrived, in the order in which it happened."""
        latest, ended = self._latest, self._ended
        # Samples are handed over first, and taken first: of a batch that comes at this moment only its end waits.
        samples, facts = _drained(self._samples), _drained(self._facts)
        for _, _, item in heapq.merge(facts, samples, key=lambda found: found[:2]):
            if isinstance(item, tuple):
                ts, rows = item
                for symbol, open_, high, low, close, _volume in rows:
                    self.view.bar(ts, self._symbols[symbol], open_, high, low, close)
            else:
                self.view.event(item.ts, item.kind, item.payload)
        if latest is not None:
            self.view.clock(*latest[0])
        if ended is not None:
            self.view.status(ended)
        self._say(latest, ended)

    def _say(self, latest: tuple[Any, float, float] | None, ended: str | None) -> None:
        if ended is not None:
            self.view.health("feed", "ok", f"the run is {ended}")
        elif latest is None:
            self.view.health("feed", "unknown", "no bar yet")
        else:
            silent = time.monotonic() - latest[1]
            late = silent > max(_SILENT_S, 3 * latest[2])
            self.view.health("feed", "warning" if late else "ok", f"last bar {silent:.0f} s ago")
        if self._left_out:
            self.view.health("samples", "warning", f"{self._left_out:,} not drawn: the run is faster than the page")
        for name, (state, text) in (self._health() if self._health else {}).items():
            self.view.health(name, state, text)

    def end(self, status: str) -> None:
        """Say how the run ended.

        Parameters
        ----------
        status
            ``finished``, ``interrupted`` or ``failed``.
        """
        self._ended = status

    def close(self) -> None:
        """Take nothing more."""
        self._shut = True
        self._facts.clear()
        self._samples.clear()


def _drained(waiting: deque[Any]) -> list[Any]:
    """Take what is there now; what comes meanwhile is for the next time."""
    taken: list[Any] = []
    try:
        for _ in range(len(waiting)):
            taken.append(waiting.popleft())  # noqa: PERF401 - what was taken must not be lost with the exception
    except IndexError:
        pass  # closed meanwhile
    return taken
