"""What a backtest gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from mirrorfast.config import TradingConfig

__all__ = ["BacktestResult"]


@dataclass(eq=False, repr=False)
class BacktestResult:
    """Tables and figures of a finished backtest.

    Attributes
    ----------
    equity
        One row a bar time: ``timestamp equity cash exposure drawdown``.
    decisions
        One row a bar: votes, consensus, target, what the risk engine said and why.
    orders, order_events, fills, trades, weights
        Orders sent, what became of them, executions, closed round trips, strategy weights over time.
    risk_events
        What the risk engine noticed, as (milliseconds, text).
    bars
        The bars that were replayed.
    seconds
        Time that the run took.
    config
        The configuration that was run.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> result = mf.backtest(mf.sample_bars(["BTC/USD"]).head(500))
    >>> result.equity.columns
    ['timestamp', 'equity', 'cash', 'exposure', 'drawdown']
    """

    equity: pl.DataFrame
    decisions: pl.DataFrame
    orders: pl.DataFrame
    order_events: pl.DataFrame
    fills: pl.DataFrame
    trades: pl.DataFrame
    weights: pl.DataFrame
    risk_events: list[tuple[int, str]]
    bars: pl.DataFrame
    seconds: float
    config: TradingConfig
    _extra: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def stats(self) -> dict[str, float]:
        """Figures of SPEC §9 over the whole portfolio; NaN where a figure is undefined.

        Returns
        -------
        dict
            As :func:`mirrorfast.performance` gives them.
        """
        from mirrorfast.analytics.performance import performance

        return performance(self.equity, trades=self.trades, traded=self._extra.get("traded"))

    @property
    def final_equity(self) -> float:
        """Equity after the last bar, in quote currency.

        Returns
        -------
        float
            The starting capital when no bar was replayed.
        """
        return float(self.equity["equity"][-1]) if self.equity.height else float(self.config.capital)

    def tearsheet(self, path: str | Path, *, title: str = "Backtest") -> Path:
        """Write a self-contained HTML report.

        Parameters
        ----------
        path
            File to write.
        title
            Heading of the page.

        Returns
        -------
        pathlib.Path
            The file.
        """
        from mirrorfast.report import write_report

        return write_report(self, run=title, path=path, bars=self.bars)

    def __repr__(self) -> str:
        n = self.equity.height
        span = f"{self.equity['timestamp'][0]:%Y-%m-%d} to {self.equity['timestamp'][-1]:%Y-%m-%d}" if n else "no bars"
        change = self.final_equity / float(self.config.capital) - 1.0
        return (
            f"BacktestResult({span}, {self.bars.height:,} bars, equity {self.final_equity:,.2f} ({change:+.2%}), "
            f"{self.trades.height} trades, {self.seconds:.3f} s)"
        )
