"""Bars with their encoded features, as all environments over them share them."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from mirrorfast import _core
from mirrorfast.config import RLConfig, TradingConfig
from mirrorfast.data.schema import as_frame, bar_interval, validate_bars
from mirrorfast.errors import ConfigurationError, ParameterError, ShapeError
from mirrorfast.features import compute_features, feature_catalogue
from mirrorfast.signals.encoder import SignalEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EnvironmentData"]


class EnvironmentData:
    """Bars and what a policy sees of them, computed once.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k)
        Closed bars of one or more symbols.
    config : RLConfig, optional
        Its ``features``, ``lookback`` and ``capital`` count here.
    encoder : SignalEncoder, optional
        A fitted encoder; without one, a new one is fitted on these bars. For test data give the encoder of the training
        data: nothing of a test span may enter its scales.
    features : DataFrame, shape (n, k), optional
        Columns of your own, row by row beside `bars`. A row may use nothing later than its bar's close. They stand
        before columns of the same name that would be computed.
    timeframe : str, default "auto"
        As in `compute_features`; ``"auto"`` takes the step of the bars.
    together : bool, default False
        One account that trades all symbols at once, over the times at which each has a bar, instead of one symbol an
        episode.
    trading : TradingConfig, optional
        Where ticks, lots and markets of symbols come from. A symbol without an instrument of its own is traded in steps
        of 1e-8, or finer where its price asks for it.

    Attributes
    ----------
    encoder : SignalEncoder
        The encoder.
    bars : polars.DataFrame
        The bars that are traded.
    features : tuple of str
        Names of the encoded features.
    symbols : tuple of tuple of str
        Symbols of each market: one each, or all in one with `together`.

    Raises
    ------
    ShapeError
        If there are too few bars for one step, `features` has another height or lacks a column.
    DataError
        If a bar cannot be used, or a feature has no value in all of the bars.
    ParameterError
        If a feature is unknown.
    ModelError
        If the encoder is not fitted or gives other features.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> data = EnvironmentData(mf.sample_bars(), mf.RLConfig(features=("price", "rsi")))
    >>> data.symbols, data.features
    ((('BTC/USD',), ('EUR/USD',)), ('price', 'rsi'))
    """

    def __init__(
        self,
        bars: Any,
        config: RLConfig | None = None,
        *,
        encoder: SignalEncoder | None = None,
        features: Any = None,
        timeframe: str = "auto",
        together: bool = False,
        trading: TradingConfig | None = None,
    ) -> None:
        self.config = config or RLConfig()
        table, own = _beside(bars, features)
        names = list(self.config.features or (encoder.features if encoder else ())) or None
        self.encoder = SignalEncoder(names) if encoder is None else encoder
        if names is not None:
            self.encoder = _required(self.encoder, names)
        settings = trading or TradingConfig()
        sources = _sources(table, own, self.encoder.sources, timeframe, settings)
        if together:
            table, sources = _common_times(table, sources)
        if not self.encoder.is_fitted:
            self.encoder.fit(sources)
        encoded = self.encoder.encode(sources)
        ids = table["symbol"].rle()
        ends = ids.struct.field("len").cum_sum().to_list()
        starts = [0, *ends[:-1]]
        known = sources.select(
            pl.all_horizontal(pl.col(c).is_finite() for c in set(self.encoder.sources)).fill_null(value=False)
        )
        warm = known.to_series().to_numpy()
        symbols = ids.struct.field("value").to_list()
        instruments = [
            _instrument(settings, name, table["close"][a:b], self.config.capital)
            for name, a, b in zip(symbols, starts, ends, strict=True)
        ]
        # From the first row that is whole; later gaps are what the encoder calls missing.
        warm_up = [int(np.argmax(warm[a:b])) if warm[a:b].any() else 0 for a, b in zip(starts, ends, strict=True)]
        self.bars = table
        self.features = self.encoder.features
        self.native = _core.Markets(table, encoded, warm_up, instruments, together)
        self.symbols = tuple(tuple(group) for group in self.native.symbols)
        # A market too short for one step is told here, not at the first use.
        self.batch(1, config=self.config)

    def batch(self, n_envs: int, *, config: RLConfig | None = None, seed: int | None = None) -> _core.TradingBatch:
        """Make environments of the core over these markets.

        Parameters
        ----------
        n_envs : int
            How many.
        config : RLConfig, optional
            Settings of the episodes; those of the data by default.
        seed : int, optional
            Seed of their draws; that of the configuration by default.

        Returns
        -------
        _core.TradingBatch
            The environments, before their first reset.

        Raises
        ------
        ParameterError
            If `n_envs` is below 1.
        ShapeError
            If a market is too short for one step.
        """
        if not isinstance(n_envs, int) or n_envs < 1:
            raise ParameterError(f"n_envs = {n_envs!r}: expected a whole number >= 1")
        cfg = config or self.config
        if cfg.features and tuple(cfg.features) != self.features:
            raise ParameterError(f"features = {cfg.features}: expected those of the market data, {self.features}")
        return _core.TradingBatch(self.native, cfg.to_environment_json(), n_envs, cfg.seed if seed is None else seed)

    def market_of(self, symbol: str) -> int:
        """Return the place of a symbol's market.

        Parameters
        ----------
        symbol : str
            Symbol.

        Returns
        -------
        int
            Place in `symbols`.

        Raises
        ------
        ParameterError
            If there is no such symbol.
        """
        for k, group in enumerate(self.symbols):
            if symbol in group:
                return k
        known = ", ".join(name for group in self.symbols for name in group)
        raise ParameterError(f"symbol = {symbol!r}: expected one of {known}")

    def bars_of(self, market: int) -> pl.DataFrame:
        """Return the bars of a market's first symbol.

        Parameters
        ----------
        market : int
            Place in `symbols`.

        Returns
        -------
        polars.DataFrame
            Its bars, row *t* being bar *t* of an episode.
        """
        return self.bars.filter(pl.col("symbol") == self.symbols[market][0])


def _beside(bars: Any, features: Any) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    given = as_frame(bars)
    if features is None:
        return validate_bars(given), None
    own = as_frame(features, source="features")
    if own.height != given.height:
        raise ShapeError(f"features: got {own.height} rows, expected one for each of the {given.height} bars")
    table = validate_bars(given)
    if table.height != given.height or not table["timestamp"].equals(
        given["timestamp"].cast(table["timestamp"].dtype, strict=False)
    ):
        raise ShapeError("features: the bars were put in another order: expected bars sorted by symbol, then timestamp")
    return table, own


def _required(encoder: SignalEncoder, names: Sequence[str]) -> SignalEncoder:
    if encoder.is_fitted:
        encoder.require(names)
    return encoder


def _sources(
    table: pl.DataFrame, own: pl.DataFrame | None, names: Sequence[str], timeframe: str, trading: TradingConfig
) -> pl.DataFrame:
    wanted = list(dict.fromkeys(names))
    given = [name for name in wanted if own is not None and name in own.columns]
    computed = [name for name in wanted if name not in given]
    known = set(feature_catalogue()["name"])
    unknown = [name for name in computed if name not in known]
    if unknown:
        raise ParameterError(
            f"features = {unknown[0]}: expected a feature column, or a column of that name in the table of features"
        )
    found = [] if own is None or not given else [own.select(pl.col(given).cast(pl.Float64))]
    if computed:
        step = bar_interval(table) if timeframe == "auto" else timeframe
        parts = []
        for (symbol,), rows in table.group_by("symbol", maintain_order=True):
            market = trading.market_of(str(symbol))
            parts.append(compute_features(rows, timeframe=step, market=market, columns=computed))
        found.append(pl.concat(parts).select(pl.col(computed).cast(pl.Float64)))
    return pl.concat(found, how="horizontal").select(wanted)


def _common_times(table: pl.DataFrame, sources: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    symbols = table["symbol"].n_unique()
    everywhere = pl.len().over("timestamp") == symbols
    mask = table.select(everywhere).to_series()
    if not mask.any():
        raise ShapeError("bars: no time at which every symbol has a bar: expected some to trade them together")
    return table.filter(mask), sources.filter(mask)


def _instrument(trading: TradingConfig, symbol: str, close: pl.Series, capital: float) -> str:
    document = json.loads(trading.to_engine_json((symbol,)))
    instrument: dict[str, Any] = document["symbols"][0]["instrument"]
    # The agent's configuration says what trading costs, and draws it at random where it is told to.
    for own in ("taker_fee", "maker_fee", "spread", "slippage"):
        instrument.pop(own, None)
    if symbol not in trading.instruments:
        # Steps must not show: they are finer where one is more than a millionth of the price, or of what is bought.
        low, high = float(close.min()), float(close.max())  # type: ignore[arg-type]
        for name, size in (("tick", low), ("lot", capital / high)):
            if instrument[name] > 1e-6 * size:
                instrument[name] = 10.0 ** math.floor(math.log10(size) - 9)
    return json.dumps(instrument)


def require_extra(error: ImportError) -> ConfigurationError:
    """Tell what to install where a package of training is missing."""
    return ConfigurationError(f"{error.name} is not installed: pip install 'mirrorfast[train]'")
