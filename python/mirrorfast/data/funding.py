"""Funding rates of the past, as a table or a file, for the perpetuals of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast.data.schema import as_frame
from mirrorfast.errors import DataError, ParameterError, ShapeError

if TYPE_CHECKING:
    from mirrorfast.config import TradingConfig

__all__ = ["with_funding"]


def with_funding(config: TradingConfig, rates: Any = None) -> TradingConfig:
    """Give the perpetuals of a configuration the funding rates that were paid.

    Parameters
    ----------
    config : TradingConfig
        Configuration; its instruments say which symbols are perpetuals.
    rates : DataFrame, Arrow table or path, shape (n, 2 or 3), optional
        ``timestamp`` (when it was paid, UTC) and ``rate`` or ``funding_rate`` (fraction of the notional; longs pay
        shorts when > 0), and ``symbol`` unless the configuration has one perpetual; the file that the configuration
        names by default.

    Returns
    -------
    TradingConfig
        With the rates in its instruments, which count in place of ``costs.funding``: between the first and the last
        of them nothing else is paid, and nothing before or after.

    Raises
    ------
    ParameterError
        If the rates are of a symbol that is no perpetual of the configuration.
    ShapeError
        If a column is missing.
    DataError
        If a rate is no finite number, or a symbol has two at one time; if the file cannot be read.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from mirrorfast.config import TradingConfig
    >>> config = TradingConfig(instruments={"BTC/USDT:USDT": {"kind": "perpetual"}})
    >>> rates = pl.DataFrame({"timestamp": [datetime(2024, 1, 1, tzinfo=UTC)], "rate": [0.0003]})
    >>> with_funding(config, rates).instruments["BTC/USDT:USDT"].funding
    ((1704067200000, 0.0003),)
    """
    source = "funding"
    if rates is None:
        if config.funding is None:
            return config
        rates, source = config.funding, str(config.funding)
    perpetuals = [name for name, one in config.instruments.items() if one.kind == "perpetual"]
    frame = _checked(
        _read(rates) if isinstance(rates, str | Path) else as_frame(rates, source=source), perpetuals, source
    )
    instruments = dict(config.instruments)
    for (symbol,), part in frame.partition_by("symbol", as_dict=True, maintain_order=True).items():
        if symbol not in perpetuals:
            found = ", ".join(perpetuals) or 'none: set instruments."SYMBOL".kind'
            raise ParameterError(f"{source}: rates of {symbol}: expected a perpetual of the run ({found})")
        pairs = tuple(zip(part["ts"].to_list(), part["rate"].to_list(), strict=True))
        instruments[symbol] = instruments[symbol].model_copy(update={"funding": pairs})
    return config.model_copy(update={"instruments": instruments})


def _read(path: str | Path) -> pl.DataFrame:
    file = Path(path)
    try:
        if file.suffix.lower() in {".parquet", ".pq"}:
            return pl.read_parquet(file)
        return pl.read_csv(file, try_parse_dates=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{file}: {error}: expected a Parquet or CSV file of funding rates") from error


def _checked(frame: pl.DataFrame, perpetuals: list[str], source: str) -> pl.DataFrame:
    if "rate" not in frame.columns and "funding_rate" in frame.columns:
        frame = frame.rename({"funding_rate": "rate"})
    if "symbol" not in frame.columns and len(perpetuals) == 1:
        frame = frame.with_columns(symbol=pl.lit(perpetuals[0]))
    for name in ("symbol", "timestamp", "rate"):
        if name not in frame.columns:
            raise ShapeError(f"{source}: column {name} is missing: found {', '.join(frame.columns) or 'none'}")
    frame = frame.select(
        pl.col("symbol").cast(pl.String),
        ts=pl.col("timestamp").cast(pl.Datetime("ms", "UTC")).dt.epoch("ms"),
        rate=pl.col("rate").cast(pl.Float64),
    ).sort("symbol", "ts")
    if frame.null_count().sum_horizontal()[0] or not frame["rate"].is_finite().all():
        raise DataError(f"{source}: a symbol, timestamp or rate is missing or no finite number: expected all three")
    twice = frame.filter(pl.struct("symbol", "ts").is_duplicated())
    if twice.height:
        raise DataError(f"{source}: two rates for {twice.row(0)[:2]}: expected one a time")
    return frame
