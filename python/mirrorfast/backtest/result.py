"""What a backtest gives back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from mirrorfast.analytics.monte_carlo import MonteCarlo
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
        Orders sent, what became of them, executions, closed round trips, strategy weights over time. Prices, and of
        fills fee and slippage, are in the symbol's quote currency; ``rate``, ``entry_rate`` and ``exit_rate`` are the
        account currency per unit of it at which they were booked. All else of a trade is in account currency.
    risk_events
        What the risk engine noticed, as (milliseconds, text).
    bars
        The bars that were replayed.
    seconds
        Time that the run took.
    config
        The configuration that was run.
    trade_from
        First bar whose close could be acted on, where the run was told one.
    traded
        Notional of entry and exit of the closed trades, in account currency.

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
    trade_from: datetime | None = None
    traded: float | None = None

    @cached_property
    def stats(self) -> dict[str, float]:
        """Figures of SPEC §9 over the whole portfolio; NaN where a figure is undefined.

        Returns
        -------
        dict
            As :func:`mirrorfast.performance` gives them.
        """
        from mirrorfast.analytics.performance import performance

        return performance(self.equity, trades=self.trades, traded=self.traded)

    @property
    def final_equity(self) -> float:
        """Equity after the last bar, in account currency.

        Returns
        -------
        float
            The starting capital when no bar was replayed.
        """
        return float(self.equity["equity"][-1]) if self.equity.height else float(self.config.capital)

    @cached_property
    def benchmark(self) -> pl.DataFrame:
        """Buying every symbol in equal parts and holding it, through the same engine at the same costs.

        Returns
        -------
        polars.DataFrame
            ``timestamp equity cash exposure drawdown`` at the times of `equity`.
        """
        from mirrorfast.backtest.benchmark import buy_and_hold

        config = self.config.model_copy(update={"symbols": (), "start": None, "end": None})
        return buy_and_hold(self.bars, config, trade_from=self.trade_from).equity

    @cached_property
    def benchmark_stats(self) -> dict[str, float]:
        """Figures of the run against `benchmark`.

        Returns
        -------
        dict
            ``alpha beta correlation tracking_error information_ratio active_return up_capture down_capture`` as
            :func:`mirrorfast.analytics.relative.relative_performance` defines them, and the benchmark's own figures of
            SPEC §9 as ``benchmark_…``; NaN where undefined.
        """
        from mirrorfast.analytics.performance import performance
        from mirrorfast.analytics.relative import relative_performance

        own = performance(self.benchmark)
        year = own["periods_per_year"]
        relative = relative_performance(
            self.equity["equity"], self.benchmark["equity"], periods_per_year=year if year > 0 else 365.0
        )
        return relative | {f"benchmark_{name}": value for name, value in own.items()}

    def stats_by(self, part: Literal["strategy", "symbol"]) -> pl.DataFrame:
        """Figures of SPEC §9 per strategy or per symbol.

        Parameters
        ----------
        part : {"strategy", "symbol"}
            What to tell apart. A trade belongs to the strategies that stood for it at its entry, by their
            contributions.

        Returns
        -------
        polars.DataFrame
            One row each, as :func:`mirrorfast.analytics.attribution.performance_by` gives them.

        Raises
        ------
        ParameterError
            For another part.
        """
        from mirrorfast.analytics.attribution import performance_by

        return performance_by(self, part)

    def monthly(self) -> pl.DataFrame:
        """Return what each month earned.

        Returns
        -------
        polars.DataFrame
            ``month`` (its first day, UTC), ``equity`` at its end, ``return`` and ``benchmark`` (return of buying and
            holding) as fractions, ``trades`` closed in it and their ``pnl``.
        """

        def returns(frame: pl.DataFrame, name: str) -> pl.DataFrame:
            months = frame.group_by(month=pl.col("timestamp").dt.truncate("1mo").dt.date(), maintain_order=True).agg(
                equity=pl.col("equity").last(), _first=pl.col("equity").first()
            )
            # The first month begins with the first equity, every other with the end of the one before.
            before = pl.col("equity").shift(1).fill_null(pl.col("_first"))
            return months.with_columns((pl.col("equity") / before - 1.0).alias(name)).drop("_first")

        closed = self.trades.group_by(month=pl.col("exit_time").dt.truncate("1mo").dt.date()).agg(
            trades=pl.len().cast(pl.Int64), pnl=pl.col("pnl").sum()
        )
        return (
            returns(self.equity, "return")
            .join(returns(self.benchmark, "benchmark").drop("equity"), on="month", how="left", maintain_order="left")
            .join(closed, on="month", how="left", maintain_order="left")
            .with_columns(pl.col("trades").fill_null(0), pl.col("pnl").fill_null(0.0))
        )

    def monte_carlo(
        self,
        *,
        paths: int = 1000,
        method: Literal["bootstrap", "shuffle", "block"] = "bootstrap",
        block: int | None = None,
        ruin: float = 0.5,
        seed: int = 0,
    ) -> MonteCarlo:
        """Resample the closed trades into other histories.

        Parameters
        ----------
        paths, method, block, ruin, seed
            As for :func:`mirrorfast.analytics.monte_carlo.monte_carlo`.

        Returns
        -------
        MonteCarlo
            Distributions of final equity and maximum drawdown, probability of ruin.

        Raises
        ------
        ParameterError
            For an option outside its range.
        """
        from mirrorfast.analytics.monte_carlo import monte_carlo

        return monte_carlo(
            self.trades,
            capital=float(self.config.capital),
            paths=paths,
            method=method,
            block=block,
            ruin=ruin,
            seed=seed,
        )

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

        return write_report(self, run=title, path=path, bars=self.bars, benchmark=self.benchmark)

    def _repr_html_(self) -> str:
        """Show the result in a notebook: verdict, curve and figures."""
        from mirrorfast.report.notebook import notebook_html

        return notebook_html(self, run="Backtest")

    def __repr__(self) -> str:
        n = self.equity.height
        span = f"{self.equity['timestamp'][0]:%Y-%m-%d} to {self.equity['timestamp'][-1]:%Y-%m-%d}" if n else "no bars"
        change = self.final_equity / float(self.config.capital) - 1.0
        return (
            f"BacktestResult({span}, {self.bars.height:,} bars, equity {self.final_equity:,.2f} ({change:+.2%}), "
            f"{self.trades.height} trades, {self.seconds:.3f} s)"
        )
