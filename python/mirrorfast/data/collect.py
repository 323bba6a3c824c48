"""Bars of many symbols on their way into one batch a bar time, whatever order they arrive in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from mirrorfast.data.feed import BarBatch, Row
from mirrorfast.data.timeframes import interval_ms
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mirrorfast.data.venue.counters import Counters

__all__ = ["BarCollector"]

_log = get_logger(__name__)


class BarCollector:
    """Holds closed bars until their batch goes out, and knows which symbols have fallen silent.

    Parameters
    ----------
    symbols
        In the order of their ids.
    timeframe
        Timeframe key or interval.
    after
        Open time of the last batch that went out, ms; bars up to it are late.
    max_age_bars
        A symbol without a bar for more than so many bar times is in quarantine.
    counters
        Where late bars are counted.

    Examples
    --------
    >>> from mirrorfast.data.venue.counters import Counters
    >>> held = BarCollector(["A", "B"], "1m", after=0, counters=Counters("demo"))
    >>> held.add("B", 60_000, (1.0, 2.0, 1.0, 1.5, 3.0))
    >>> held.missing(60_000), held.take(60_000)
    (['A'], BarBatch(ts=60000, rows=[(1, 1.0, 2.0, 1.0, 1.5, 3.0)], held=()))
    """

    def __init__(
        self, symbols: Sequence[str], timeframe: str, *, after: int, max_age_bars: int = 2, counters: Counters
    ) -> None:
        self.symbols = list(symbols)
        self._ids = {name: k for k, name in enumerate(symbols)}
        self._step = interval_ms(timeframe)
        self._max_age = max_age_bars
        self._counters = counters
        self._held: dict[int, dict[int, Row]] = {}
        self._seen: dict[str, int] = dict.fromkeys(symbols, after)
        self.after = after
        self.quarantined: dict[str, str] = {}
        self.suspects: dict[str, str] = {}

    def bars(self, ts: int) -> dict[str, tuple[float, ...]]:
        """Tell what is there of a time.

        Parameters
        ----------
        ts
            Open time, ms.

        Returns
        -------
        dict
            Open, high, low, close, volume by symbol.
        """
        return {self.symbols[number]: row[1:] for number, row in self._held.get(ts, {}).items()}

    def hold(self, symbol: str, ts: int, why: str) -> None:
        """Keep a bar out of its batch.

        Parameters
        ----------
        symbol
            Whose.
        ts
            Open time, ms.
        why
            For messages.
        """
        self._held.get(ts, {}).pop(self._ids[symbol], None)
        self.suspects[symbol] = why
        _log.warning("bar_suspect", symbol=symbol, ts=ts, why=why)

    def add(self, symbol: str, ts: int, numbers: tuple[float, float, float, float, float]) -> None:
        """Take a closed bar; one of a batch that went out is late, and counted.

        Parameters
        ----------
        symbol
            One of the symbols.
        ts
            Open time, ms.
        numbers
            Open, high, low, close, volume.
        """
        if ts <= self.after:
            if ts > self._seen[symbol]:
                self._counters.add("late_bars")
                self._seen[symbol] = ts
            return
        number = self._ids[symbol]
        self._held.setdefault(ts, {})[number] = (number, *numbers)
        self._seen[symbol] = max(self._seen[symbol], ts)

    def add_frame(self, bars: pl.DataFrame) -> None:
        """Take closed bars with their symbols.

        Parameters
        ----------
        bars
            Columns of a bar.
        """
        table = bars.filter(pl.col("timestamp").dt.epoch("ms") > self.after).select(
            "symbol", pl.col("timestamp").dt.epoch("ms"), "open", "high", "low", "close", "volume"
        )
        for symbol, ts, *numbers in table.iter_rows():
            if symbol in self._ids:
                self.add(symbol, ts, tuple(numbers))

    def missing(self, ts: int) -> list[str]:
        """Tell which symbols have no bar of a time yet.

        Parameters
        ----------
        ts
            Open time, ms.

        Returns
        -------
        list of str
            In the order of their ids.
        """
        there = self._held.get(ts, {})
        return [name for name, number in self._ids.items() if number not in there]

    def take(self, ts: int) -> BarBatch | None:
        """Give a batch out; from then on bars up to its time are late.

        Parameters
        ----------
        ts
            Open time, ms.

        Returns
        -------
        BarBatch or None
            ``None`` when no symbol has a bar of that time.
        """
        self.after = ts
        for old in [t for t in self._held if t < ts]:
            del self._held[old]
        rows = self._held.pop(ts, {})
        self._watch(ts)
        for name in [name for name in self.suspects if self._ids[name] in rows]:
            del self.suspects[name]
            _log.warning("symbol_recovered", symbol=name)
        held = {**self.quarantined, **self.suspects}
        away = tuple((k, held[name]) for name, k in self._ids.items() if name in held and k not in rows)
        return BarBatch(ts, [rows[k] for k in sorted(rows)], away) if rows else None

    def _watch(self, ts: int) -> None:
        for name, seen in self._seen.items():
            bars = (ts - seen) // self._step
            if bars > self._max_age and name not in self.quarantined:
                self.quarantined[name] = f"no bar for {bars} bar times"
                _log.warning("symbol_quarantined", symbol=name, bars=bars)
            elif bars <= self._max_age and name in self.quarantined:
                del self.quarantined[name]
                _log.warning("symbol_recovered", symbol=name)
