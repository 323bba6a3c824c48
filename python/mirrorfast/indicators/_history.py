"""Indicators of the user's own on bars that come piece by piece: the bars behind them are kept as far as they need."""

import io
import struct
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

import polars as pl

from mirrorfast.errors import LedgerError
from mirrorfast.indicators._custom import call
from mirrorfast.indicators.technical import TechnicalIndicators

__all__ = ["CustomHistory"]

_MAGIC: Final = b"mfcustom"


class CustomHistory:
    """Registered indicators and the last bars of every symbol.

    Parameters
    ----------
    names : sequence of str
        Indicators to ask, in the order of their columns.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        spans = [TechnicalIndicators.lookback(name) for name in self.names]
        # With n bars behind the next one, that one has a window of n + 1.
        self._keep = None if None in spans else max((n - 1 for n in spans if n is not None), default=0)
        self._kept: dict[str, pl.DataFrame] = {}
        self._next: dict[str, pl.DataFrame] = {}

    def ask(self, bars: pl.DataFrame) -> pl.DataFrame:
        """Ask every indicator about new bars; `keep` makes them part of the history."""
        self._next = {}
        if not bars.height:
            return pl.DataFrame({name: pl.Series([], dtype=pl.Float64) for name in self.names})
        parts = []
        for symbol, new in _runs(bars):
            kept = self._kept.get(symbol)
            history = new if kept is None else _below([kept, new])
            columns = [self._columns(name, history, new.height).get_columns() for name in self.names]
            parts.append(pl.DataFrame([column for of_one in columns for column in of_one]))
            self._next[symbol] = history if self._keep is None else history.tail(self._keep)
        return _below(parts)

    def _columns(self, name: str, history: pl.DataFrame, new: int) -> pl.DataFrame:
        custom = TechnicalIndicators.registered(name)
        window = history if custom.lookback is None else history.tail(custom.lookback - 1 + new)
        return call(name, custom, window).tail(new)

    def keep(self) -> None:
        """Take the bars of the last `ask` in."""
        self._kept |= self._next
        self._next = {}

    def pack(self, core: bytes) -> bytes:
        """Put the bars behind a state; it stays as it is without indicators."""
        if not self.names:
            return core
        file = io.BytesIO()
        if self._kept:
            pl.concat(self._kept.values(), how="diagonal_relaxed").write_ipc(file)
        return b"".join([_MAGIC, struct.pack("<Q", len(core)), core, file.getvalue()])

    def unpack(self, state: bytes) -> tuple[bytes, pl.DataFrame]:
        """Take such a state apart."""
        if not self.names:
            return state, pl.DataFrame()
        start = len(_MAGIC) + 8
        if not state.startswith(_MAGIC) or len(state) < start:
            raise LedgerError("state of a feature stream: expected one with registered indicators")
        (size,) = struct.unpack("<Q", state[len(_MAGIC) : start])
        rest = state[start + size :]
        try:
            return state[start : start + size], pl.read_ipc(io.BytesIO(rest)) if rest else pl.DataFrame()
        except pl.exceptions.PolarsError as error:
            raise LedgerError(f"state of a feature stream: damaged bars: {error}") from error

    def take_up(self, kept: pl.DataFrame) -> None:
        """Take such bars up as the history."""
        self._kept = dict(_runs(kept)) if kept.height else {}


def _runs(bars: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Bars by symbol; slices of neighbours, as `partition_by` wakes the thread pool for a single row."""
    if "symbol" not in bars.columns:
        yield "", bars  # a table without symbols is one symbol
        return
    start = 0
    for symbol, rows in groupby(bars["symbol"].to_list()):
        count = sum(1 for _ in rows)
        yield str(symbol), bars.slice(start, count)
        start += count


def _below(parts: list[pl.DataFrame]) -> pl.DataFrame:
    if any(part.schema != parts[0].schema for part in parts):
        return pl.concat(parts, how="diagonal_relaxed", rechunk=True)
    table = parts[0].clone()
    for part in parts[1:]:
        table.extend(part)  # concat, too, asks the thread pool
    return table
