"""Which part of a table of bars a command works on."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from pathlib import Path

    from mirrorfast.config import TradingConfig

__all__ = ["chosen", "narrowed"]


def chosen(
    cfg: "TradingConfig", bars: "Path | None", symbols: str | None, start: str | None, end: str | None
) -> "tuple[TradingConfig, pl.DataFrame]":
    """Read the bars that a command works on: its options win over the configuration.

    Parameters
    ----------
    cfg
        Configuration.
    bars, symbols, start, end
        The command's options; ``None`` where they were not given.

    Returns
    -------
    tuple of TradingConfig and polars.DataFrame
        The configuration without what the options decided, and the bars.
    """
    from mirrorfast.data.files import read_bars
    from mirrorfast.data.sample import sample_bars

    path = bars or cfg.bars
    if symbols is not None and cfg.watch:
        symbols = ",".join([symbols, *cfg.watch])
    table = narrowed(read_bars(path) if path is not None else sample_bars(), symbols, start, end)
    decided = {"symbols": (symbols, ()), "start": (start, None), "end": (end, None), "bars": (path, path)}
    return cfg.model_copy(update={k: value for k, (given, value) in decided.items() if given is not None}), table


def narrowed(table: pl.DataFrame, symbols: str | None, start: str | None, end: str | None) -> pl.DataFrame:
    """Bars of the symbols and days asked for.

    Parameters
    ----------
    table
        Bar table.
    symbols
        Names separated by commas, or ``None`` for all.
    start, end
        First and last day, ``YYYY-MM-DD``, UTC, both inclusive.

    Returns
    -------
    polars.DataFrame
        The part of the table.

    Raises
    ------
    ParameterError
        For a symbol that is not there, something that is no day, or a span without bars.
    """
    if symbols is not None:
        wanted = [s.strip() for s in symbols.split(",") if s.strip()]
        known = table["symbol"].unique(maintain_order=True).to_list()
        for name in wanted or [symbols]:
            if name not in known:
                raise ParameterError(f"--symbols = {name!r}: expected some of {', '.join(known)}")
        table = table.filter(pl.col("symbol").is_in(wanted))
    first, last = _day("--from", start), _day("--to", end)
    if first is not None:
        table = table.filter(pl.col("timestamp") >= first)
    if last is not None:
        table = table.filter(pl.col("timestamp").dt.date() <= last.date())
    if table.is_empty():
        raise ParameterError(f"--from {start} --to {end}: expected a span that has bars")
    return table


def _day(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ParameterError(f"{option} = {text!r}: expected a day such as 2017-08-01") from None
