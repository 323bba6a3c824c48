"""Every figure of SPEC §9 per strategy and per symbol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import polars as pl

from mirrorfast.analytics.performance import performance
from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
from mirrorfast.errors import ParameterError

if TYPE_CHECKING:
    from mirrorfast.analytics.frames import RunFrames

__all__ = ["performance_by"]

Part = Literal["strategy", "symbol"]


def performance_by(source: Any, part: Part, *, run: str | None = None) -> pl.DataFrame:
    """Compute the performance metrics of each strategy or symbol of a run.

    Parameters
    ----------
    source : Ledger, path, URL, BacktestResult, RunFrames or TradeAnalyzerAgent
        Where the run's tables are.
    part : {"strategy", "symbol"}
        What to tell apart.
    run : str, optional
        Name of the run; a ledger's newest by default.

    Returns
    -------
    polars.DataFrame
        One row a strategy or symbol of the run, traded or not: its name, ``pnl`` in account currency, and the metrics
        of :func:`mirrorfast.performance`.

    Raises
    ------
    ParameterError
        For another part.

    Notes
    -----
    The curve of a part is the run's first equity plus the profit of the trades that are its own, booked at the bar in
    which they closed: what is still open is nobody's yet. A trade belongs to the strategies whose contribution to its
    entry decision had its direction, in proportion to those contributions (see
    :class:`~mirrorfast.TradeAnalyzerAgent`). The exposure is that of its trades: bars with one open over all bars.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> result = mf.backtest(mf.sample_bars().head(2000), strategies=["ut_bot", "mean_reversion"])
    >>> performance_by(result, "strategy")["strategy"].to_list()
    ['ut_bot', 'mean_reversion']
    """
    if part not in get_args(Part):
        raise ParameterError(f"part = {part!r}: expected one of {', '.join(get_args(Part))}")
    agent = source if isinstance(source, TradeAnalyzerAgent) else TradeAnalyzerAgent(source, run=run)
    frames = agent.frames
    rows = agent.attribution if part == "strategy" else agent.round_trips
    names = frames.strategies if part == "strategy" else frames.symbols
    seen = rows[part].unique(maintain_order=True).to_list()
    every = [*names, *(name for name in seen if name not in names)]
    return pl.DataFrame([{part: name} | _figures(frames, rows.filter(pl.col(part) == name)) for name in every])


def _figures(frames: RunFrames, trades: pl.DataFrame) -> dict[str, float]:
    equity = frames.equity.select("timestamp", "equity").sort("timestamp")
    closed = trades.group_by(timestamp="exit_time").agg(pl.col("pnl").sum()).sort("timestamp")
    first = float(equity["equity"][0]) if equity.height else 1.0
    booked = equity.select("timestamp").join_asof(
        closed.with_columns(pl.col("pnl").cum_sum()), on="timestamp", strategy="backward"
    )
    curve = booked.select("timestamp", equity=first + pl.col("pnl").fill_null(0.0))
    # Losses beyond the first capital (other parts carried them) leave no return to speak of.
    whole = curve.height > 0 and bool((curve["equity"] > 0).all())
    figures = performance(curve, trades=trades) if whole else dict(performance(equity=[1.0], trades=trades))
    return {"pnl": float(trades["pnl"].sum())} | figures | {"exposure": _exposure(curve, trades)}


def _exposure(curve: pl.DataFrame, trades: pl.DataFrame) -> float:
    if curve.height == 0:
        return float("nan")
    # +1 where a trade opens and −1 where it closes: bars whose running sum is above 0 had one open.
    marks = pl.concat(
        [
            trades.select(timestamp="entry_time", change=pl.lit(1, dtype=pl.Int64)),
            trades.select(timestamp="exit_time", change=pl.lit(-1, dtype=pl.Int64)),
        ]
    )
    if marks.height == 0:
        return 0.0
    level = marks.group_by("timestamp").agg(pl.col("change").sum()).sort("timestamp")
    level = level.with_columns(pl.col("change").cum_sum())
    held = curve.select("timestamp").join_asof(level, on="timestamp", strategy="backward")
    return float((held["change"].fill_null(0) > 0).mean())  # type: ignore[arg-type]
