"""Spans of bars: what is trained on, what picks the weights, what is tested; each with the encoder of its training."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from mirrorfast.data.digest import bars_digest
from mirrorfast.data.schema import bar_interval, validate_bars
from mirrorfast.errors import DataError
from mirrorfast.rl.environment_data import EnvironmentData

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    import numpy.typing as npt

    from mirrorfast.config import RLConfig
    from mirrorfast.signals.encoder import SignalEncoder

    Act = Callable[[npt.NDArray[np.float32], int], npt.NDArray[np.float32]]
    Ask = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
    Traded = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], list[float]]

__all__ = ["Span", "encoder_document", "growth_of"]

#: A test measures growth and nothing else: no factor, no penalty, no end before the last bar, no luck with costs.
_TEST: Final = {
    "reward_scaling": 1.0,
    "drawdown_penalty": 0.0,
    "turnover_penalty": 0.0,
    "drawdown_limit": 1.0,
    "cost_range": (1.0, 1.0),
    "episode_length": None,
    "random_start": False,
}
_YEAR_S: Final = 365 * 86_400
#: Bars that the account of a sampled observation holds a position for.
_HOLD: Final = 12


@dataclass(frozen=True, eq=False)
class Span:
    """Bars, what a policy sees of them, and from when on it may act.

    Attributes
    ----------
    data : EnvironmentData
        Bars with encoded features, one market a symbol.
    timeframe : str
        Step of the bars.
    since : datetime or None
        First bar on whose close an action may be chosen; the first with a full observation by default.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> train, check = Span.for_training(mf.sample_bars(["BTC/USD"]), mf.RLConfig(validation=0.25))
    >>> train.data.bars.height, check.since > train.data.bars["timestamp"].max()
    (3300, True)
    """

    data: EnvironmentData
    timeframe: str
    since: datetime | None = None

    @classmethod
    def for_training(cls, bars: Any, config: RLConfig, *, features: Any = None) -> tuple[Span, Span | None]:
        """Cut bars into a training and a validation span.

        Parameters
        ----------
        bars : DataFrame or Arrow table, shape (n, 7)
            Bars.
        config : RLConfig
            Environment, and the share of the validation span.
        features : DataFrame, shape (n, k), optional
            Columns of your own beside the bars, as `EnvironmentData` takes them.

        Returns
        -------
        tuple of Span
            Training, with the encoder fitted on it alone, and validation with the same encoder; None without one.

        Raises
        ------
        DataError, ShapeError
            For bars that break SPEC §1, or too few of them.
        """
        table = validate_bars(bars, source="bars")
        timeframe = bar_interval(table)
        if config.validation == 0:
            return cls(EnvironmentData(table, config, features=features, timeframe=timeframe), timeframe), None
        times = table["timestamp"].unique().sort()
        cut = int(times.len() * (1 - config.validation))
        first = cut + config.lookback
        if cut < 1 or first + 2 >= times.len():
            raise DataError(
                f"bars: {times.len()} bar times: expected more for a lookback of {config.lookback} "
                f"and a validation share of {config.validation:g}"
            )
        inside = table["timestamp"] < times[cut]
        own = None if features is None else features.filter(inside)
        train = EnvironmentData(table.filter(inside), config, features=own, timeframe=timeframe)
        check = EnvironmentData(table, config, encoder=train.encoder, features=features, timeframe=timeframe)
        return cls(train, timeframe), cls(check, timeframe, since=times[first])

    @classmethod
    def for_test(
        cls,
        bars: Any,
        config: RLConfig,
        encoder: SignalEncoder,
        *,
        since: datetime | None = None,
        features: Any = None,
    ) -> Span:
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
        features : DataFrame, shape (n, k), optional
            Columns of your own beside the bars.

        Returns
        -------
        Span
            The test.

        Raises
        ------
        DataError, ShapeError
            For bars that break SPEC §1, or too few of them.
        """
        table = validate_bars(bars, source="bars")
        timeframe = bar_interval(table)
        data = EnvironmentData(table, config, encoder=encoder, features=features, timeframe=timeframe)
        return cls(data, timeframe, since=since)

    @property
    def bars(self) -> pl.DataFrame:
        """The bars, sorted by symbol and time."""
        return self.data.bars

    @property
    def config(self) -> RLConfig:
        """Settings of the environment."""
        return self.data.config

    @property
    def encoder(self) -> SignalEncoder:
        """The encoder."""
        return self.data.encoder

    @property
    def symbols(self) -> list[str]:
        """Names in the order of the bars."""
        return [group[0] for group in self.data.symbols]

    @property
    def bars_per_year(self) -> float:
        """Bars of a symbol in a year, as many as were seen: a market that closes at night has fewer."""
        spans = self.bars.group_by("symbol").agg(
            n=pl.len(), span=(pl.col("timestamp").max() - pl.col("timestamp").min()).dt.total_seconds()
        )
        rates = [(n - 1) / s * _YEAR_S for n, s in zip(spans["n"], spans["span"], strict=True) if s > 0]
        return max(rates, default=math.nan)

    def facts(self) -> dict[str, Any]:
        """Say what a card says of the span.

        Returns
        -------
        dict
            Symbols, number of bars, first and last time, and their hash.
        """
        first, last = self._ends()
        return {
            "symbols": self.symbols,
            "bars": self.bars.height,
            "first": first.isoformat(),
            "last": last.isoformat(),
            "digest": bars_digest(self.bars),
        }

    def costs(self) -> dict[str, float]:
        """Say what a trade costs.

        Returns
        -------
        dict
            Fee and slippage.
        """
        return {"transaction_cost": self.config.transaction_cost, "slippage": self.config.slippage}

    def overlaps(self, facts: dict[str, Any]) -> bool:
        """Tell whether a training shares symbol and time with what is tested here.

        Parameters
        ----------
        facts : dict
            What `facts` said of the training.

        Returns
        -------
        bool
            False where nothing is known.
        """
        if "last" not in facts or not set(facts.get("symbols", ())) & set(self.symbols):
            return False
        first, last = self._ends()
        if self.since is not None:
            first = _utc(self.since)
        return first.isoformat() <= str(facts.get("seen_until", facts["last"])) and last.isoformat() >= str(
            facts["first"]
        )

    def _ends(self) -> tuple[datetime, datetime]:
        ends: tuple[datetime, datetime] = self.bars.select(
            first=pl.col("timestamp").min(), last=pl.col("timestamp").max()
        ).row(0)
        return ends

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
            Open times of the bars that were earned on (ms), log growth over each of them (n, n_actors), and the
            turnover of each actor.

        Raises
        ------
        DataError
            If the span has less than two bars that can be traded.
        """
        which, n = self.data.market_of(symbol), len(acts)
        batch = self.data.batch(n, config=self.config.model_copy(update=_TEST), seed=0)
        times = self.data.bars_of(which)["timestamp"].dt.epoch("ms").to_numpy()
        batch.reset(0, market=which)
        first = batch.bar(0)
        if self.since is not None:
            first = max(first, int(np.searchsorted(times, int(_utc(self.since).timestamp() * 1000))))
        steps = len(times) - 1 - first
        if steps < 2:
            raise DataError(f"bars: {symbol} has {max(steps, 0)} bars to test on: expected at least 2")
        for k in range(n):
            batch.reset(k, market=which, start=first)
        _, rows, width, _ = batch.shape
        seen, last = (np.zeros((n, rows, width), np.float32) for _ in range(2))
        rewards, ended, cut = np.zeros(n, np.float32), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        actions, growth = np.zeros((n, 1), np.float32), np.zeros((steps, n))
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
        """Real observations, evenly spread, with the account of somebody who holds something.

        Parameters
        ----------
        n : int
            At most so many.

        Returns
        -------
        numpy.ndarray, shape (m, lookback, n_columns)
            Each its own.
        """
        seen: list[npt.NDArray[np.float32]] = []
        drawn = np.random.default_rng(0).uniform(-1, 1, self.bars.height // _HOLD + 1).astype(np.float32)

        def act(observation: npt.NDArray[np.float32], at: int) -> npt.NDArray[np.float32]:
            seen.append(observation[0].copy())
            return drawn[at // _HOLD :][:1]

        for symbol in self.symbols:
            self.test(symbol, [act])
        return np.stack(seen[:: max(1, -(-len(seen) // n))])


def encoder_document(encoder: SignalEncoder) -> dict[str, Any]:
    """Write an encoder for a card.

    Parameters
    ----------
    encoder : SignalEncoder
        Fitted.

    Returns
    -------
    dict
        What JSON can hold.
    """
    document: dict[str, Any] = json.loads(encoder.to_json())
    return document


def growth_of(span: Span, ask: Ask) -> float:
    """Let a policy trade a span, and say by how much equity grew.

    Parameters
    ----------
    span : Span
        What is traded.
    ask : callable
        From observations of shape (n, lookback, n_columns) to positions of shape (n,).

    Returns
    -------
    float
        Growth as a fraction, after costs; the mean over the symbols.
    """
    grown = [span.test(symbol, [lambda seen, _at: ask(seen)])[1].sum() for symbol in span.symbols]
    return float(np.mean(np.expm1(grown)))


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
