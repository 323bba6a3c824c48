"""Bars with encoded features, cut into spans: what is trained on, what is looked at, what is tested."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from mirrorfast.config import TradingConfig
from mirrorfast.data.digest import bars_digest
from mirrorfast.data.schema import bar_interval, validate_bars
from mirrorfast.errors import DataError
from mirrorfast.features import compute_features
from mirrorfast.rl.observation import ACCOUNT
from mirrorfast.signals.encoder import SignalEncoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import numpy.typing as npt

    from mirrorfast.config import RLConfig

__all__ = ["MarketData", "growth_of", "spaces_env"]

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
        """What a card says of the span."""
        first, last = self.bars["timestamp"].min(), self.bars["timestamp"].max()
        return {
            "symbols": self.symbols,
            "bars": self.bars.height,
            "first": str(first),
            "last": str(last),
            "digest": bars_digest(self.bars),
        }

    def digest(self) -> str:
        """Hash of the bars."""
        return bars_digest(self.bars)

    def costs(self) -> dict[str, float]:
        """What a trade costs."""
        return {"transaction_cost": self.config.transaction_cost, "slippage": self.config.slippage}

    def encoder_document(self) -> dict[str, Any]:
        """The encoder for a card."""
        document: dict[str, Any] = json.loads(self.encoder.to_json())
        return document

    def overlaps(self, facts: dict[str, Any]) -> bool:
        """Whether a training span of these facts shares symbol and time with what is tested here."""
        if not set(facts.get("symbols", ())) & set(self.symbols) or "last" not in facts:
            return False
        first = self.bars["timestamp"].min() if self.since is None else self.since
        return str(first) <= str(facts["last"]) and str(self.bars["timestamp"].max()) >= str(facts["first"])


def _features(bars: pl.DataFrame, timeframe: str) -> pl.DataFrame:
    """Compute the encoder's sources for each symbol by its kind of market."""
    kinds = TradingConfig()
    sources = list(dict.fromkeys(SignalEncoder().sources))
    return pl.concat(
        compute_features(part, timeframe=timeframe, market=kinds.market_of(str(name)), columns=sources)
        for (name,), part in bars.partition_by("symbol", as_dict=True, maintain_order=True).items()
    )
