"""A table of conversion rates as bars of pairs that a run watches: the one way in which a rate moves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast.data.schema import BAR_SCHEMA, as_frame
from mirrorfast.data.timeframes import interval_ms
from mirrorfast.errors import DataError, ParameterError, ShapeError

if TYPE_CHECKING:
    from mirrorfast.config import TradingConfig

__all__ = ["with_rates"]


def with_rates(
    bars: pl.DataFrame, config: TradingConfig, rates: Any, *, interval: str
) -> tuple[pl.DataFrame, TradingConfig]:
    """Lay rates beside the bars that they hold for, as bars of a pair that is watched.

    Parameters
    ----------
    bars : polars.DataFrame
        Validated bars.
    config : TradingConfig
        Configuration, whose `currency` the rates are in.
    rates : DataFrame or Arrow table, shape (n, 3)
        ``currency``, ``timestamp`` (when the rate was known, or the open of the bar that it is the close of) and
        ``rate`` (account currency for one unit, > 0).
    interval : str
        Step of the bars.

    Returns
    -------
    tuple of polars.DataFrame and TradingConfig
        The bars with one flat bar a time and currency, from its first rate on, and the configuration that watches them.

    Raises
    ------
    ShapeError
        If a column is missing.
    DataError
        If a rate is null or no number > 0, or a currency has two at one time.
    ParameterError
        If the configuration has another source for the same currency.

    Examples
    --------
    >>> from mirrorfast.config import TradingConfig
    >>> from mirrorfast.data import sample_bars
    >>> bars = sample_bars(["BTC/USD"]).head(3).with_columns(symbol=pl.lit("BTC/EUR"))
    >>> rates = pl.DataFrame({"currency": ["EUR"], "timestamp": bars["timestamp"][:1], "rate": [1.14]})
    >>> table, config = with_rates(bars, TradingConfig(), rates, interval="1h")
    >>> table["close"].to_list()[3:], config.watch, config.rate_symbols
    ([1.14, 1.14, 1.14], ('EUR/USD',), {'EUR': 'EUR/USD'})
    """
    frame = _checked(rates)
    known = set(bars["symbol"].unique())
    step = timedelta(milliseconds=interval_ms(interval))
    # A rate of time s counts at the close of the bar that s lies in, and of no earlier one.
    times = bars.select(pl.col("timestamp").unique().sort()).with_columns(seen=pl.col("timestamp") + step)
    parts, pairs = [bars], {}
    for (currency,), part in frame.partition_by("currency", as_dict=True, maintain_order=True).items():
        symbol = f"{currency}/{config.currency}"
        if currency == config.currency or currency in config.rate_symbols:
            raise ParameterError(
                f"rates: rows for {currency}, "
                + ("the account's own currency" if currency == config.currency else "which rate_symbols gives too")
                + ": expected other currencies"
            )
        if symbol in known:
            raise ParameterError(
                f"rates: rows for {currency}, while {symbol} is among the bars: "
                f'expected rate_symbols = {{{currency} = "{symbol}"}} in their place'
            )
        pairs[currency] = symbol
        joined = times.join_asof(
            part.select("rate", seen="timestamp"), on="seen", strategy="backward", allow_exact_matches=False
        ).drop_nulls("rate")
        price = {name: pl.col("rate") for name in ("open", "high", "low", "close")}
        flat = joined.select(pl.lit(symbol).alias("symbol"), "timestamp", **price, volume=pl.lit(0.0))
        parts.append(flat.select(pl.col(name).cast(dtype) for name, dtype in BAR_SCHEMA.items()))
    table = pl.concat([part.select(BAR_SCHEMA.names()) for part in parts]).sort("symbol", "timestamp")
    watched = config.replace(watch=(*config.watch, *pairs.values()), rate_symbols={**config.rate_symbols, **pairs})
    return table, watched


def _checked(rates: Any) -> pl.DataFrame:
    frame = as_frame(rates, source="rates")
    for name in ("currency", "timestamp", "rate"):
        if name not in frame.columns:
            raise ShapeError(f"rates: column {name} is missing: found {', '.join(frame.columns) or 'none'}")
    frame = frame.select(
        pl.col("currency").cast(pl.String).str.to_uppercase(),
        pl.col("timestamp").cast(pl.Datetime("ms", "UTC")),
        pl.col("rate").cast(pl.Float64),
    ).sort("currency", "timestamp")
    bad = frame.filter(~(pl.col("rate").is_finite() & (pl.col("rate") > 0)).fill_null(value=False))
    if bad.height:
        row = bad.row(0, named=True)
        raise DataError(
            f"rates: rate = {row['rate']} of {row['currency']} at {row['timestamp']}: expected a number > 0"
        )
    if frame.null_count().sum_horizontal()[0]:
        raise DataError("rates: a currency or timestamp is null: expected both in every row")
    twice = frame.filter(pl.struct("currency", "timestamp").is_duplicated())
    if twice.height:
        raise DataError(f"rates: two rows for {twice.row(0)[:2]}: expected one a time")
    return frame
