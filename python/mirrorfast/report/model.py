"""What a report says, before it is HTML: figures, benchmark, monthly returns and the verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import polars as pl

from mirrorfast.analytics.attribution import performance_by
from mirrorfast.analytics.monte_carlo import MonteCarlo, monte_carlo
from mirrorfast.analytics.performance import performance
from mirrorfast.analytics.relative import relative_performance
from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
from mirrorfast.report import numbers

if TYPE_CHECKING:
    from mirrorfast.analytics.frames import RunFrames

__all__ = ["ReportModel"]

#: Fewer closed trades than this are too few to tell skill from luck.
_FEW_TRADES = 30


@dataclass(frozen=True)
class Verdict:
    """The one thing to read: `tone` is `good`, `mixed`, `bad` or `none`."""

    tone: str
    headline: str
    detail: str


class ReportModel:
    """Figures of a run for its report.

    Parameters
    ----------
    source : Ledger, path, BacktestResult or RunFrames
        Where the run's tables are.
    run
        Name of the run.
    bars : DataFrame or Arrow table, optional
        Bars of the market for prices and benchmark; the prices of the run's decisions by default.
    benchmark : DataFrame, optional
        ``timestamp equity`` of buying and holding at the run's costs; without costs, from the prices, by default.
    """

    def __init__(self, source: Any, *, run: str | None = None, bars: Any = None, benchmark: Any = None) -> None:
        self.analyzer = TradeAnalyzerAgent(source, run=run)
        self.frames: RunFrames = self.analyzer.frames
        self._bars = bars
        self._benchmark = benchmark

    @cached_property
    def metrics(self) -> dict[str, float]:
        """All figures."""
        if self.frames.equity.height == 0:
            return {}
        return self.analyzer.metrics()

    @cached_property
    def times(self) -> npt.NDArray[np.int64]:
        """Times of the equity curve, ms."""
        return self.frames.equity["timestamp"].dt.epoch("ms").to_numpy()

    @cached_property
    def equity(self) -> npt.NDArray[np.float64]:
        """Equity curve, account currency."""
        return self.frames.equity["equity"].to_numpy()

    @cached_property
    def drawdown(self) -> npt.NDArray[np.float64]:
        """Fraction below the highest equity so far, <= 0."""
        return self.equity / np.maximum.accumulate(self.equity) - 1.0

    @cached_property
    def prices(self) -> dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
        """Close prices by symbol over the span of the run."""
        if self._bars is not None:
            bars = self._bars if isinstance(self._bars, pl.DataFrame) else pl.DataFrame(self._bars)
            table = bars.select("symbol", "timestamp", price="close")
        else:
            table = self.frames.decisions.select("symbol", "timestamp", "price")
        table = table.with_columns(pl.col("symbol").cast(pl.String), ms=pl.col("timestamp").dt.epoch("ms"))
        if len(self.times):
            table = table.filter(pl.col("ms").is_between(int(self.times[0]), int(self.times[-1])))
        out = {}
        for symbol in self.frames.symbols:
            part = table.filter(pl.col("symbol") == symbol).sort("ms")
            if part.height:
                out[symbol] = (part["ms"].to_numpy(), part["price"].to_numpy())
        return out

    @cached_property
    def benchmark(self) -> npt.NDArray[np.float64]:
        """Equity of buying all symbols in equal parts with the first capital and holding them.

        With costs where the model was given such a curve, else without. A symbol whose prices begin later waits in
        cash; empty when there are no prices.
        """
        if self.benchmark_costs and len(self.equity):
            return self._given_benchmark()
        if not self.prices or not len(self.equity):
            return np.empty(0)
        part = float(self.equity[0]) / len(self.prices)
        total = np.zeros(len(self.times))
        for ms, price in self.prices.values():
            at = np.searchsorted(ms, self.times, side="right") - 1
            total += part * np.where(at >= 0, price[np.maximum(at, 0)] / price[0], 1.0)
        return total

    @property
    def benchmark_costs(self) -> bool:
        """Whether the benchmark paid the run's costs."""
        return self._benchmark is not None

    def _given_benchmark(self) -> npt.NDArray[np.float64]:
        given = self._benchmark if isinstance(self._benchmark, pl.DataFrame) else pl.DataFrame(self._benchmark)
        ms, equity = given["timestamp"].dt.epoch("ms").to_numpy(), given["equity"].to_numpy()
        if not len(ms):
            return np.empty(0)
        at = np.searchsorted(ms, self.times, side="right") - 1
        return np.where(at >= 0, equity[np.maximum(at, 0)], equity[0])

    @cached_property
    def relative(self) -> dict[str, float]:
        """The run against the benchmark: alpha, beta, information ratio and what else there is; empty without one."""
        if len(self.benchmark) < 2 or not (self.equity > 0).all() or not (self.benchmark > 0).all():
            return {}
        year = self.metrics["periods_per_year"]
        if not year > 0:
            return {}
        return relative_performance(self.equity, self.benchmark, periods_per_year=year)

    @cached_property
    def benchmark_metrics(self) -> dict[str, float]:
        """All figures of the benchmark; empty without one."""
        if not len(self.benchmark):
            return {}
        return performance(pl.DataFrame({"timestamp": self.frames.equity["timestamp"], "equity": self.benchmark}))

    @cached_property
    def resampled(self) -> MonteCarlo | None:
        """Other histories of the same trades; None with too few trades to draw from."""
        trades = self.frames.trades
        if trades.height < _FEW_TRADES or trades["pnl_fraction"].null_count():
            return None
        return monte_carlo(trades, capital=float(self.equity[0]))

    @cached_property
    def benchmark_return(self) -> float:
        """Total return of the benchmark; NaN without prices."""
        return float(self.benchmark[-1] / self.benchmark[0] - 1.0) if len(self.benchmark) else math.nan

    @cached_property
    def total_return(self) -> float:
        """Total return of the run."""
        return float(self.equity[-1] / self.equity[0] - 1.0) if len(self.equity) else math.nan

    def symbol_return(self, symbol: str) -> float:
        """Return of holding one symbol; NaN without prices."""
        if symbol not in self.prices:
            return math.nan
        price = self.prices[symbol][1]
        return float(price[-1] / price[0] - 1.0)

    @property
    def currency(self) -> str:
        """What equity and profit are in; empty where nothing tells."""
        return self.frames.currency

    @cached_property
    def months(self) -> dict[int, dict[int, float]]:
        """Return by year and month."""
        if not len(self.equity):
            return {}
        monthly = (
            self.frames.equity.sort("timestamp")
            .group_by(year=pl.col("timestamp").dt.year(), month=pl.col("timestamp").dt.month(), maintain_order=True)
            .agg(pl.col("equity").last())
        )
        out: dict[int, dict[int, float]] = {}
        before = float(self.equity[0])
        for year, month, equity in monthly.iter_rows():
            out.setdefault(year, {})[month] = equity / before - 1.0
            before = equity
        return out

    @cached_property
    def span_days(self) -> float:
        """Days from the first to the last bar."""
        return float(self.times[-1] - self.times[0]) / 86_400_000 if len(self.times) > 1 else 0.0

    @cached_property
    def last_decisions(self) -> pl.DataFrame:
        """Decisions that did something or were refused, newest first.

        A rule that refuses bar after bar would fill the list: refusals of one symbol by one rule that follow each other
        are one row, with their number in ``times`` and the first one's time in ``since``.
        """
        acted = self.frames.decisions.filter(pl.col("verdict").is_in(["approved", "reduced", "refused"]))
        reason = pl.element()
        rule = (
            pl.col("reasons")
            .list.eval(reason.filter(~reason.str.contains(" stands (", literal=True)))
            .list.last()
            .str.split(":")
            .list.first()
        )
        kind = pl.when(pl.col("verdict") == "refused").then(rule.fill_null("")).otherwise(pl.col("id").cast(pl.String))
        return (
            acted.with_columns(_kind=kind)
            .with_columns(
                _group=(pl.col("_kind") != pl.col("_kind").shift(1)).fill_null(value=True).cum_sum().over("symbol")
            )
            .group_by("symbol", "_group", maintain_order=True)
            .agg(
                pl.all().exclude("symbol", "_group", "_kind").last(),
                times=pl.len(),
                since=pl.col("timestamp").first(),
            )
            .sort("timestamp", "id", descending=True)
        )

    @cached_property
    def parts(self) -> dict[str, dict[str, dict[str, float]]]:
        """Figures by `strategy` and `symbol`, then by its name."""
        return {
            part: {row.pop(part): row for row in performance_by(self.analyzer, part).iter_rows(named=True)}
            for part in ("strategy", "symbol")
        }

    @cached_property
    def verdict(self) -> Verdict:
        """What came of it, in two sentences."""
        if len(self.equity) < 2:
            return Verdict("none", "No bars have been processed yet.", "The report fills as the run goes on.")
        gain, hold = self.total_return, self.benchmark_return
        trades = self.frames.trades.height
        amount = numbers.money(float(self.equity[-1] - self.equity[0]), sign=True)
        unit = f" {self.currency}" if self.currency else ""
        did = "Earned" if gain > 0 else "Lost" if gain < 0 else "Ended where it began:"
        headline = f"{did} {numbers.percent(abs(gain))} ({amount}{unit}) in {numbers.duration(self.span_days * 86_400)}"
        if math.isnan(hold):
            tone = "good" if gain > 0 else "bad"
            headline += "."
        else:
            ahead = gain > hold
            tone = "good" if gain > 0 and ahead else "bad" if gain <= 0 and not ahead else "mixed"
            verb = "returned" if hold >= 0 else "lost"
            headline += f"; buying and holding {verb} {numbers.percent(abs(hold))}."
        worst = float(self.drawdown.min())
        detail = f"Deepest drawdown {numbers.percent(worst)}"
        if not math.isnan(hold):
            under = float((self.benchmark / np.maximum.accumulate(self.benchmark) - 1.0).min())
            detail += f" (buy and hold {numbers.percent(under)})"
        if trades:
            won = float((self.frames.trades["pnl"] > 0).mean() or 0.0)  # type: ignore[arg-type]
            many = "trades" if trades > 1 else "trade"
            detail += f". {numbers.count(trades)} closed {many}, {numbers.percent(won, 0)} won"
            share = self.analyzer.costs()["cost_share"]
            if math.isfinite(share):
                detail += f"; costs took {numbers.percent(share, 0)} of what was earned"
            else:
                paid = sum(self.analyzer.costs()[name] for name in ("fees", "slippage", "funding"))
                detail += f"; costs were {numbers.money(paid)}{unit}"
            detail += "."
            if trades < _FEW_TRADES:
                detail += " So few trades cannot tell skill from luck."
        else:
            detail += ". No trade was closed."
        return Verdict(tone, headline, detail)
