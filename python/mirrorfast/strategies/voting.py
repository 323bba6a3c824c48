"""Votes of the user's own strategies: one call a symbol for a table of bars, one call a closed bar in live."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from mirrorfast.data.schema import BAR_COLUMNS, BAR_SCHEMA
from mirrorfast.errors import MirrorfastError, UserCodeError
from mirrorfast.features import FeatureStream, compute_features
from mirrorfast.telemetry import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mirrorfast.config import TradingConfig
    from mirrorfast.strategies._answers import Votes
    from mirrorfast.strategies.lineup import Own

__all__ = ["VoteStream", "ask", "batch_votes", "with_features"]

#: Decimals of a vote: a sum added up in another order must not give another position.
_DECIMALS: Final = 9
#: Bars of a symbol from which a strategy without a look-back is worth a word.
_LONG: Final = 20_000

_log = get_logger(__name__)


def with_features(
    bars: pl.DataFrame, names: Sequence[str], *, timeframe: str, market_of: Callable[[str], str]
) -> pl.DataFrame:
    """Append feature columns to bars.

    Parameters
    ----------
    bars
        Validated bars.
    names
        Columns of `mirrorfast.compute_features`; those that bars have already are left out.
    timeframe, market_of
        What sets periods and thresholds: the timeframe, and the kind of market of a symbol.

    Returns
    -------
    polars.DataFrame
        The bars with the columns behind.

    Raises
    ------
    ParameterError
        If a column is unknown.
    """
    wanted = _wanted(names)
    if not wanted:
        return bars
    parts = [
        part.hstack(
            compute_features(part, timeframe=timeframe, market=market_of(symbol), columns=wanted).select(wanted)
        )
        for (symbol,), part in bars.partition_by("symbol", as_dict=True, maintain_order=True).items()
    ]
    return pl.concat(parts)


def _wanted(names: Sequence[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name not in BAR_COLUMNS]


def ask(own: Own, frame: pl.DataFrame) -> Votes:
    """Ask a strategy about the bars of one symbol.

    Parameters
    ----------
    own
        The strategy.
    frame
        Bars of one symbol, with the features that it wants.

    Returns
    -------
    tuple of numpy.ndarray, shape (n,)
        Signals and confidences, rounded, NaN before its warm-up and wherever it has no opinion.

    Raises
    ------
    UserCodeError, ShapeError, DataError
        If it raises, or answers with something that is no vote.
    """
    signal, confidence = (np.round(values, _DECIMALS) for values in own.agent.vote(frame))
    cold = own.agent.warm_up - 1
    signal[:cold] = confidence[:cold] = np.nan
    return signal, confidence


def batch_votes(own: Own, bars: pl.DataFrame, *, timeframe: str, market_of: Callable[[str], str]) -> Votes:
    """Ask a strategy about a table of bars, once a symbol.

    Parameters
    ----------
    own
        The strategy.
    bars
        Validated bars of any number of symbols.
    timeframe, market_of
        As in `with_features`.

    Returns
    -------
    tuple of numpy.ndarray, shape (n,)
        Signals and confidences, NaN where there is no vote.

    Raises
    ------
    UserCodeError
        If the strategy raises; the message names symbol and bar.
    ShapeError, DataError
        If it answers with something that is no vote.
    """
    table = with_features(bars, own.agent.features, timeframe=timeframe, market_of=market_of)
    parts = []
    for part in table.partition_by("symbol", maintain_order=True):
        try:
            parts.append(ask(own, part.rechunk()))
        except UserCodeError as error:
            raise UserCodeError(f"{error} ({_first_bar(own, part)})") from error.__cause__
    return np.concatenate([s for s, _ in parts]), np.concatenate([c for _, c in parts])


def _first_bar(own: Own, part: pl.DataFrame) -> str:
    """Find the first bar on which a strategy raises: the shortest history that it does not survive."""

    def raises(n: int) -> bool:
        try:
            ask(own, part.head(n))
        except UserCodeError:
            return True
        except MirrorfastError:
            return False
        return False

    low, high = 0, part.height
    if raises(own.agent.warm_up):
        high = own.agent.warm_up
    else:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if raises(middle) else (middle, high)
    row = min(high, part.height) - 1
    return f"{part['symbol'][row]}, bar {part['timestamp'][row].isoformat()}, row {row}"


class VoteStream:
    """Votes of the user's own strategies as bars close.

    Parameters
    ----------
    own
        The strategies.
    symbols
        Names by symbol id.
    config
        Configuration, which knows each symbol's market.
    timeframe
        Timeframe of the features.

    Notes
    -----
    A strategy that raises, or answers with something that is no vote, votes no more on any symbol for the rest of the
    run: what it does wrong once it may do wrong again, and the others go on without it. `incidents` says so once.

    Examples
    --------
    >>> from mirrorfast.config import TradingConfig
    >>> from mirrorfast.strategies.lineup import Lineup
    >>> def rising(df):
    ...     return df["close"].diff() > 0
    >>> config = TradingConfig(strategies=[rising])
    >>> stream = VoteStream(Lineup.of(config).own, ["A"], config=config)
    >>> _ = stream.on_bars(0, [(0, 1.0, 1.0, 1.0, 1.0, 5.0)])
    >>> stream.on_bars(3_600_000, [(0, 1.0, 2.0, 1.0, 2.0, 5.0)])
    [(1.0, 1.0)]
    """

    def __init__(
        self, own: Sequence[Own], symbols: Sequence[str], *, config: TradingConfig, timeframe: str = "1h"
    ) -> None:
        self._own = tuple(own)
        self._symbols = list(symbols)
        spans = [one.agent.lookback for one in self._own]
        self._keep = None if None in spans else max((n for n in spans if n is not None), default=1)
        self._columns = _wanted([name for one in self._own for name in one.agent.features])
        self._market_of = config.market_of
        self._watched = frozenset(config.watch)
        self._timeframe = timeframe
        self._features: dict[str, FeatureStream] = {}
        self._history: dict[str, pl.DataFrame] = {}
        self._halted: dict[str, dict[str, Any]] = {}
        self._new: list[dict[str, Any]] = []
        self._warned = False

    @property
    def halted(self) -> Mapping[str, Mapping[str, Any]]:
        """Strategies that vote no more: symbol, bar and error by name."""
        return self._halted

    def warm(self, bars: pl.DataFrame) -> None:
        """Take in bars that closed before the run, or before it went on.

        Parameters
        ----------
        bars
            Validated bars; the strategies are not asked about them.
        """
        for part in bars.partition_by("symbol", maintain_order=True):
            self._take(part.select(BAR_COLUMNS))

    def on_bars(
        self, ts: int, rows: Sequence[tuple[int, float, float, float, float, float]]
    ) -> list[tuple[float, float]]:
        """Take in what closed at one time and ask every strategy.

        Parameters
        ----------
        ts
            Open time of the bars, ms.
        rows
            Symbol id, open, high, low, close, volume.

        Returns
        -------
        list of tuple of float
            Signal and confidence of every strategy for the first row, then for the second …; NaN for no vote.
        """
        votes = []
        for symbol, *values in rows:
            name = self._symbols[symbol]
            if name in self._watched:
                votes += [(math.nan, 0.0)] * len(self._own)
                continue
            history = self._take(_one_bar(name, ts, values))
            votes += [self._vote(own, history, name, ts) for own in self._own]
        return votes

    def incidents(self) -> list[dict[str, Any]]:
        """Strategies halted since the last call.

        Returns
        -------
        list of dict
            ``strategy``, ``symbol``, ``ts`` and ``error``.
        """
        new, self._new = self._new, []
        return new

    def state(self) -> dict[str, Any]:
        """Say what a run that goes on must know beside the bars.

        Returns
        -------
        dict
            For `restore`; JSON can hold it.
        """
        return {"halted": self._halted}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state.

        Parameters
        ----------
        state
            What `state` returned.
        """
        self._halted = {name: dict(why) for name, why in state.get("halted", {}).items()}

    def _take(self, bars: pl.DataFrame) -> pl.DataFrame:
        name = bars["symbol"][0]
        if self._columns:
            made = self._stream_of(name).update(bars)
            bars = pl.DataFrame([*bars.get_columns(), *(made[column] for column in self._columns)])
        held = self._history.get(name)
        held = bars.clone() if held is None else held.extend(bars)
        if self._keep is not None and held.height > 2 * self._keep + 64:
            held = held.tail(self._keep)
        self._history[name] = held
        return held

    def _stream_of(self, symbol: str) -> FeatureStream:
        market = self._market_of(symbol)
        if market not in self._features:
            self._features[market] = FeatureStream(
                timeframe=self._timeframe, market=market, columns=self._columns, threads=1
            )
        return self._features[market]

    def _vote(self, own: Own, history: pl.DataFrame, symbol: str, ts: int) -> tuple[float, float]:
        if own.name in self._halted or history.height < own.agent.warm_up:
            return math.nan, 0.0
        if own.agent.lookback is None and history.height > _LONG and not self._warned:
            self._warned = True
            _log.warning("strategy_sees_all_bars", strategy=own.name, bars=history.height, remedy="declare lookback")
        window = history if own.agent.lookback is None else history.tail(own.agent.lookback)
        try:
            signal, confidence = (float(values[-1]) for values in ask(own, window))
        except MirrorfastError as error:
            halt = {"strategy": own.name, "symbol": symbol, "ts": ts, "error": f"{type(error).__name__}: {error}"}
            self._halted[own.name] = halt
            self._new.append(halt)
            _log.error("strategy_halted", **halt)
            return math.nan, 0.0
        return (math.nan, 0.0) if math.isnan(signal) else (signal, confidence)


def _one_bar(symbol: str, ts: int, values: Sequence[float]) -> pl.DataFrame:
    time = pl.Series("timestamp", [ts], pl.Int64).cast(BAR_SCHEMA["timestamp"])
    numbers = [pl.Series(name, [value], pl.Float64) for name, value in zip(BAR_COLUMNS[2:], values, strict=True)]
    return pl.DataFrame([pl.Series("symbol", [symbol], pl.String), time, *numbers])
