"""Bars with encoded features, cut into spans: what is trained on, what is looked at, what is tested."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from mirrorfast import _core
from mirrorfast.config import TradingConfig
from mirrorfast.data.digest import bars_digest
from mirrorfast.data.schema import bar_interval, validate_bars
from mirrorfast.errors import DataError
from mirrorfast.features import compute_features
from mirrorfast.rl.observation import ACCOUNT
from mirrorfast.signals.encoder import SignalEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import numpy.typing as npt

    from mirrorfast.config import RLConfig

    Act = Callable[[npt.NDArray[np.float32], int], npt.NDArray[np.float32]]
    Traded = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], list[float]]

__all__ = ["MarketData", "environment_json", "growth_of"]

#: A test measures growth and nothing else: no factor, no penalty, no end before the last bar.
_TEST: Final = {
    "reward_scaling": 1.0,
    "drawdown_penalty": 0.0,
    "turnover_penalty": 0.0,
    "drawdown_limit": 1.0,
}
_YEAR_S: Final = 365 * 86_400


@dataclass(frozen=True, eq=False)
class MarketData:
    """Bars of a span and the encoder that shows them.

    Attributes
    ----------
    bars : polars.DataFrame
        Validated bars, sorted by symbol and time.
    features : polars.DataFrame
        Their features, row by row.
    encoder : SignalEncoder
        Fitted on a training span.
    config : RLConfig
        Environment.
    timeframe : str
        Step of the bars.
    since : datetime or None
        First bar on whose close an action may be chosen; the first with a full observation by default.
    """

    bars: pl.DataFrame
    features: pl.DataFrame
    encoder: SignalEncoder
    config: RLConfig
    timeframe: str
    since: datetime | None = None

    @classmethod
    def for_training(cls, bars: Any, config: RLConfig) -> tuple[MarketData, MarketData | None]:
        """Cut bars into a training and a validation span.

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, 7)
            Bars.
        config : RLConfig
            Environment, and the share of the validation span.

        Returns
        -------
        tuple of MarketData
            Training, with the encoder fitted on it, and validation with the same encoder; None without one.

        Raises
        ------
        DataError
            For bars that break SPEC §1.
        """
        table = validate_bars(bars, source="bars")
        timeframe = bar_interval(table)
        features = _features(table, timeframe)
        times = table["timestamp"].unique().sort()
        cut = times.len() if config.validation == 0 else int(times.len() * (1 - config.validation))
        last = times[max(cut - 1, 0)]
        inside = (table["timestamp"] <= last).to_numpy()
        encoder = SignalEncoder().fit(features.filter(pl.Series(inside)))
        part = cls(table.filter(pl.Series(inside)), features.filter(pl.Series(inside)), encoder, config, timeframe)
        if config.validation == 0:
            return part, None
        first = cut + config.lookback
        if first + 2 >= times.len():
            raise DataError(
                f"bars: {times.len()} bar times: expected more for lookback {config.lookback} "
                f"and a validation share of {config.validation:g}"
            )
        return part, cls(table, features, encoder, config, timeframe, since=times[first])

    @classmethod
    def for_test(
        cls, bars: Any, config: RLConfig, encoder: SignalEncoder, *, since: datetime | None = None
    ) -> MarketData:
        """Show bars through an encoder that was fitted elsewhere.

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, 7)
            Bars, with those before the test, which warm the features up.
        config : RLConfig
            Environment.
        encoder : SignalEncoder
            Fitted.
        since : datetime, optional
            First bar of the test.

        Returns
        -------
        MarketData
            The test.

        Raises
        ------
        DataError
            For bars that break SPEC §1.
        """
        table = validate_bars(bars, source="bars")
        timeframe = bar_interval(table)
        return cls(table, _features(table, timeframe), encoder, config, timeframe, since=since)

    @classmethod
    def empty(cls, config: RLConfig, encoder: SignalEncoder, timeframe: str) -> MarketData:
        """Stand for the span of an agent that was read from a file: shapes and encoder, no bars.

        Parameters
        ----------
        config, encoder, timeframe
            Of the agent.

        Returns
        -------
        MarketData
            Without bars.
        """
        return cls(pl.DataFrame(), pl.DataFrame(), encoder, config, timeframe)

    @cached_property
    def _shared(self) -> tuple[_core.Markets, list[int]]:
        return self.arrays()

    @property
    def symbols(self) -> list[str]:
        """Names in the order of the bars."""
        return self.bars["symbol"].unique(maintain_order=True).to_list()

    @property
    def bars_per_year(self) -> float:
        """Bars of a symbol in a year, as many as were seen: a market that closes at night has fewer."""
        spans = self.bars.group_by("symbol").agg(
            n=pl.len(), span=(pl.col("timestamp").max() - pl.col("timestamp").min()).dt.total_seconds()
        )
        rates = [(n - 1) / s * _YEAR_S for n, s in zip(spans["n"], spans["span"], strict=True) if s > 0]
        return max(rates, default=math.nan)

    def times(self, symbol: str) -> npt.NDArray[np.int64]:
        """Open times of a symbol's bars, ms."""
        own = self.bars.filter(pl.col("symbol") == symbol)["timestamp"]
        return own.dt.epoch("ms").to_numpy()

    def facts(self) -> dict[str, Any]:
        """Say what a card says of the span."""
        first, last = self.bars["timestamp"].min(), self.bars["timestamp"].max()
        return {
            "symbols": self.symbols,
            "bars": self.bars.height,
            "first": str(first),
            "last": str(last),
            "digest": bars_digest(self.bars),
        }

    def arrays(self) -> tuple[_core.Markets, list[int]]:
        """Bars and encoded features as the core's environments share them, one market a symbol.

        Returns
        -------
        tuple of _core.Markets and list of int
            The markets, and the first bar of each on whose close an action can be chosen.
        """
        kinds = TradingConfig()
        document = json.loads(kinds.to_engine_json(self.symbols, interval=self.timeframe))
        instruments = [json.dumps(entry["instrument"]) for entry in document["symbols"]]
        sources = list(dict.fromkeys(self.encoder.sources))
        known = self.features.select(~pl.any_horizontal(pl.col(sources).is_null())).to_series()
        warm_up, first = [], []
        at = 0
        for symbol in self.symbols:
            times = self.times(symbol)
            # A feature that is never known keeps a symbol out; the core says so.
            whole = known.slice(at, len(times)).arg_true()
            warm_up.append(int(whole[0]) if whole.len() else len(times))
            at += len(times)
            begin = 0 if self.since is None else int(np.searchsorted(times, _ms(self.since)))
            first.append(max(warm_up[-1], self.config.lookback - 1, begin))
        encoded = self.encoder.encode(self.features)
        return _core.Markets(self.bars, encoded, warm_up, instruments, together=False), first

    def test(self, symbol: str, acts: Sequence[Act]) -> Traded:
        """Trade a symbol from the first bar of the test to the last, one environment for each actor.

        Parameters
        ----------
        symbol : str
            What is traded.
        acts : sequence of callable
            From an observation of shape (1, lookback, n_columns) and the number of its bar to a position of shape (1,).

        Returns
        -------
        tuple
            Open times of the bars that were earned on (ms), log growth over each of them of shape (n, n_actors), and the
            turnover of each actor.

        Raises
        ------
        DataError
            If the span has less than two bars that can be traded.
        """
        which = self.symbols.index(symbol)
        markets, firsts = self._shared
        times, first = self.times(symbol), firsts[which]
        steps = len(times) - 1 - first
        if steps < 2:
            raise DataError(f"bars: {symbol} has {max(steps, 0)} bars to test on: expected at least 2")
        n, (rows, columns) = len(acts), (self.config.lookback, len(self.encoder.features) + len(ACCOUNT))
        batch = _core.TradingBatch(markets, environment_json(self.config, **_TEST), n, 0)
        for k in range(n):
            batch.reset(k, market=which, start=first)
        seen, last = (np.zeros((n, rows, columns), np.float32) for _ in range(2))
        rewards, ended, cut = np.zeros(n, np.float32), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        actions = np.zeros((n, 1), np.float32)
        growth = np.zeros((steps, n))
        batch.observe_into(seen)
        for t in range(steps):
            for k, act in enumerate(acts):
                actions[k] = act(seen[k : k + 1], first + t)
            batch.step(actions, seen, rewards, ended, cut, last)
            growth[t] = rewards
        turnover = [float(batch.finished(k)["turnover"]) for k in range(n)]
        # An action on the close of a bar earns over the next one.
        return times[first + 1 :], growth, turnover

    def observations(self, n: int) -> npt.NDArray[np.float32]:
        """Real observations, evenly spread, with the account of a policy that holds something at times.

        Parameters
        ----------
        n : int
            At most so many.

        Returns
        -------
        numpy.ndarray, shape (m, lookback, n_columns)
            None where there are no bars.
        """
        shape = (self.config.lookback, len(self.encoder.features) + len(ACCOUNT))
        if self.bars.is_empty():
            return np.zeros((0, *shape), np.float32)
        seen: list[npt.NDArray[np.float32]] = []
        drawn = np.random.default_rng(0).uniform(-1, 1, max(self.bars.height // 12, 1) + 1).astype(np.float32)

        def act(observation: npt.NDArray[np.float32], at: int) -> npt.NDArray[np.float32]:
            seen.append(observation[0].copy())
            return drawn[at // 12 :][:1]

        for symbol in self.symbols:
            self.test(symbol, [act])
        return np.stack(seen[:: max(1, -(-len(seen) // n))])

    def digest(self) -> str:
        """Hash of the bars."""
        return bars_digest(self.bars)

    def costs(self) -> dict[str, float]:
        """Say what a trade costs."""
        return {"transaction_cost": self.config.transaction_cost, "slippage": self.config.slippage}

    def encoder_document(self) -> dict[str, Any]:
        """Write the encoder for a card."""
        document: dict[str, Any] = json.loads(self.encoder.to_json())
        return document

    def overlaps(self, facts: dict[str, Any]) -> bool:
        """Whether a training span of these facts shares symbol and time with what is tested here."""
        if not set(facts.get("symbols", ())) & set(self.symbols) or "last" not in facts:
            return False
        first = self.bars["timestamp"].min() if self.since is None else self.since
        return str(first) <= str(facts["last"]) and str(self.bars["timestamp"].max()) >= str(facts["first"])


def growth_of(market: MarketData, ask: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]) -> float:
    """Let a policy trade a span, and say by how much equity grew.

    Parameters
    ----------
    market : MarketData
        The span.
    ask : callable
        From observations of shape (n, lookback, n_columns) to positions of shape (n,).

    Returns
    -------
    float
        Growth as a fraction, after costs; the mean over the symbols.
    """
    grown = [market.test(symbol, [lambda seen, _at: ask(seen)])[1].sum() for symbol in market.symbols]
    return float(np.mean(np.expm1(grown)))


def environment_json(config: RLConfig, **changes: Any) -> str:
    """Write what the core's environment reads.

    Parameters
    ----------
    config : RLConfig
        Settings.
    **changes
        Fields of the environment that win over it.

    Returns
    -------
    str
        JSON.
    """
    fields = (
        "lookback",
        "max_position",
        "transaction_cost",
        "slippage",
        "reward_scaling",
        "drawdown_penalty",
        "turnover_penalty",
        "drawdown_limit",
    )
    return json.dumps({name: getattr(config, name) for name in fields} | changes)


def _ms(time: datetime) -> int:
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def _features(bars: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """Compute the encoder's sources for each symbol by its kind of market."""
    kinds = TradingConfig()
    sources = list(dict.fromkeys(SignalEncoder().sources))
    return pl.concat(
        compute_features(part, timeframe=timeframe, market=kinds.market_of(str(name)), columns=sources)
        for (name,), part in bars.partition_by("symbol", as_dict=True, maintain_order=True).items()
    )
