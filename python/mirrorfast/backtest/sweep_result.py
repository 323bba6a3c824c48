"""What a search over parameters gives back, with what its best run is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import polars as pl

from mirrorfast.analytics.overfitting import Overfitting, overfitting_of_blocks
from mirrorfast.analytics.sharpe import deflated_sharpe, expected_maximum_sharpe, minimum_track_record_length
from mirrorfast.errors import DataError, ParameterError

if TYPE_CHECKING:
    from mirrorfast.backtest.many import Figures
    from mirrorfast.backtest.space import Space
    from mirrorfast.config import TradingConfig

__all__ = ["LOWER_IS_BETTER", "SweepResult", "score"]

#: Figures of which less is better; drawdowns and values at risk are negative, so that more is better.
LOWER_IS_BETTER: Final = frozenset(
    {
        "annual_volatility",
        "longest_drawdown_bars",
        "max_drawdown_bars",
        "max_drawdown_days",
        "recovery_bars",
        "recovery_days",
        "turnover",
    }
)


def score(stats: dict[str, float], metric: str) -> float:
    """Turn a figure into one of which more is better; NaN stays."""
    value = stats.get(metric, math.nan)
    return -value if metric in LOWER_IS_BETTER else value


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult:
    """Results of a search, one row a combination.

    Attributes
    ----------
    frame : polars.DataFrame
        ``trial``, a column for each parameter by its address, the figures of :func:`mirrorfast.performance` and
        ``final_equity``; ``error`` says why a combination could not be run.
    space
        What was searched.
    metric
        What decides by default.
    seconds
        Time that it took.
    reused
        Combinations that were known from an earlier run.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"]).head(1500)
    >>> found = mf.sweep(bars, {"ut_bot.atr_period": [5, 10, 20]}, strategies=["ut_bot"])
    >>> found.frame.height, found.overfitting.trials
    (3, 3)
    """

    frame: pl.DataFrame
    space: Space
    metric: str
    seconds: float
    reused: int
    _figures: list[Figures] = field(default_factory=list)

    def best(self, metric: str | None = None) -> dict[str, Any]:
        """Give the best combination by a figure.

        Parameters
        ----------
        metric : str, optional
            Column of `frame`; the sweep's own by default. Less is better for volatility, turnover and lengths of
            drawdowns, more for everything else.

        Returns
        -------
        dict
            Its row; ``params`` holds the parameters by address. The first of equal ones.

        Raises
        ------
        ParameterError
            For a figure that is not there.
        DataError
            When it is undefined for every combination.
        """
        name = self._known(metric)
        values = self._scores(name)
        if np.isnan(values).all():
            why = self.frame["error"].drop_nulls()
            cause = why[0] if len(why) else f"{name} is undefined for each of them"
            raise DataError(f"sweep: none of {self.frame.height} combinations has a {name}: {cause}")
        row = self.frame.row(int(np.nanargmax(values)), named=True)
        return {"params": {p: row[p] for p in self.space.parameters}} | row

    def config(self, metric: str | None = None) -> TradingConfig:
        """Give the configuration of the best combination.

        Parameters
        ----------
        metric : str, optional
            As in :meth:`best`.

        Returns
        -------
        TradingConfig
            For :func:`mirrorfast.backtest`, or to write down.

        Raises
        ------
        ParameterError, DataError
            As in :meth:`best`.
        """
        return self.space.apply(self.best(metric)["params"])

    def heatmap(
        self, x: str, y: str, metric: str | None = None, *, over: Literal["best", "mean", "median"] = "median"
    ) -> pl.DataFrame:
        """Tabulate a figure over two parameters.

        Parameters
        ----------
        x, y : str
            Addresses of the parameters of columns and rows.
        metric : str, optional
            The figure; the sweep's own by default.
        over : {"best", "mean", "median"}, default "median"
            What stands for the combinations of all other parameters. A plateau of good medians is worth more than a
            lonely best one.

        Returns
        -------
        polars.DataFrame
            First column `y`, then one column a value of `x`, both in rising order; null where nothing was run.

        Raises
        ------
        ParameterError
            For a parameter or a figure that is not there, the same parameter twice, or another `over`.
        """
        name = self._known(metric)
        for label, address in (("x", x), ("y", y)):
            if address not in self.space.parameters:
                raise ParameterError(f"{label} = {address!r}: expected one of {', '.join(self.space.parameters)}")
        if x == y:
            raise ParameterError(f"y = {y!r}: expected another parameter than x")
        best = pl.element().min() if name in LOWER_IS_BETTER else pl.element().max()
        ways = {"best": best, "mean": pl.element().mean(), "median": pl.element().median()}
        if over not in ways:
            raise ParameterError(f"over = {over!r}: expected one of {', '.join(ways)}")
        known = self.frame.select(x, y, pl.col(name).fill_nan(None)).drop_nulls(name)
        table = known.sort(x).pivot(on=x, index=y, values=name, aggregate_function=ways[over])
        return table.sort(y)

    @cached_property
    def overfitting(self) -> Overfitting:
        """Say how likely choosing the best of these trials is worth nothing.

        Returns
        -------
        Overfitting
            By combinatorially symmetric cross-validation of the bars; NaN with fewer than two trials.
        """
        blocks = [f.blocks for f in self._figures if f.blocks is not None]
        if not blocks:
            return Overfitting(math.nan, math.nan, math.nan, 0, 0, 0, np.empty(0))
        return overfitting_of_blocks(np.stack(blocks))

    def significance(self, metric: str | None = None) -> dict[str, float]:
        """Say what is left of the best run's Sharpe ratio once all trials are counted.

        Parameters
        ----------
        metric : str, optional
            What the best run is chosen by.

        Returns
        -------
        dict of str to float
            ``trials``, ``sharpe`` (a year) of the best, ``expected_maximum_sharpe`` (a year; what the best of so many
            trials without skill would show), ``probabilistic_sharpe``, ``deflated_sharpe``,
            ``minimum_track_record_bars`` (to tell the ratio from 0 with 95 % confidence),
            ``probability_of_overfitting`` and ``loss_probability`` out of sample.

        Raises
        ------
        ParameterError, DataError
            As in :meth:`best`.

        Notes
        -----
        Every combination counts as one independent trial, which is strict where neighbours are alike. A combination
        that never traded has ratio 0.
        """
        best = self.best(metric)
        bars, year = best["bars"], best["periods_per_year"]
        # A guided search may ask for the same combination twice: that is one trial.
        known = self.frame.filter(pl.col("error").is_null()).unique([*self.space.parameters], maintain_order=True)
        each = known.select(pl.col("sharpe").fill_nan(0.0).fill_null(0.0) / pl.col("periods_per_year").sqrt())
        ratios = each.to_series().fill_nan(0.0).fill_null(0.0).to_numpy()
        variance = float(ratios.var(ddof=1)) if len(ratios) > 1 else 0.0
        ratio = best["sharpe"] / math.sqrt(year)
        skew, kurtosis = _moments(best["skew"], best["kurtosis"], bars)
        shape = {"skew": skew, "kurtosis": kurtosis}
        defined = all(math.isfinite(x) for x in (ratio, skew, kurtosis)) and bars > 1
        return {
            "trials": float(len(ratios)),
            "sharpe": best["sharpe"],
            "expected_maximum_sharpe": expected_maximum_sharpe(len(ratios), variance) * math.sqrt(year),
            "probabilistic_sharpe": best["probabilistic_sharpe"],
            "deflated_sharpe": deflated_sharpe(ratio, bars=bars, n_trials=len(ratios), variance=variance, **shape)
            if defined
            else math.nan,
            "minimum_track_record_bars": minimum_track_record_length(ratio, **shape) if defined else math.nan,
            "probability_of_overfitting": self.overfitting.probability,
            "loss_probability": self.overfitting.loss_probability,
        }

    def _known(self, metric: str | None) -> str:
        name = self.metric if metric is None else metric
        if name not in self.frame.columns or name in self.space.parameters or not self.frame[name].dtype.is_numeric():
            figures = [c for c in self.frame.columns if c not in {*self.space.parameters, "trial", "error"}]
            raise ParameterError(f"metric = {name!r}: expected one of {', '.join(figures)}")
        return name

    def _scores(self, name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        values = self.frame[name].cast(pl.Float64).fill_null(math.nan).to_numpy()
        return -values if name in LOWER_IS_BETTER else values

    def __str__(self) -> str:
        failed = self.frame["error"].drop_nulls().len()
        head = f"Sweep of {self.frame.height:,} combinations in {self.seconds:.2f} s"
        head += f", {self.reused:,} known before" if self.reused else ""
        head += f", {failed:,} could not be run" if failed else ""
        best = self.best()
        chosen = ", ".join(f"{k} = {v:g}" if isinstance(v, float) else f"{k} = {v}" for k, v in best["params"].items())
        found = f"  return {best['total_return']:+.2%}, Sharpe {best['sharpe']:.2f}, "
        found += f"drawdown {best['max_drawdown']:.2%}, {best['trades']:.0f} trades"
        return "\n".join([head, f"Best {self.metric} {best[self.metric]:.4g}: {chosen}", found, *self.warning()])

    def warning(self) -> list[str]:
        """Say in words what the best run is worth.

        Returns
        -------
        list of str
            Lines.

        Raises
        ------
        DataError
            When there is no best run.
        """
        s = self.significance()
        alone, after = _share(s["probabilistic_sharpe"]), _share(s["deflated_sharpe"])
        over, loss = _share(s["probability_of_overfitting"]), _share(s["loss_probability"])
        trials, luck = f"{s['trials']:.0f}", f"{s['expected_maximum_sharpe']:.2f}"
        lines = [
            f"The best of {trials} trials flatters itself: luck alone would show a Sharpe ratio of {luck}.",
            f"  deflated Sharpe ratio {after}: probability of skill after {trials} trials ({alone} had it been alone)",
            f"  probability of overfitting {over}: the best of half of the bars is at or below the median in the other",
            f"  probability of loss out of sample {loss}",
        ]
        bars = s["minimum_track_record_bars"]
        length = "no length of record" if math.isinf(bars) else "unknown" if math.isnan(bars) else f"{bars:,.0f} bars"
        lines.append(f"  record needed to tell it from no skill at 95 %: {length}")
        return lines

    def __repr__(self) -> str:
        return f"SweepResult({self.frame.height:,} combinations of {', '.join(self.space.parameters)}; {self.metric})"


def _share(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.1%}"


def _moments(skew: float, kurtosis: float, n: float) -> tuple[float, float]:
    """Undo the bias correction of skewness and excess kurtosis: the deflated ratio is defined by the plain moments."""
    if not n > 3:
        return math.nan, math.nan
    plain = skew * (n - 2.0) / math.sqrt(n * (n - 1.0))
    excess = (kurtosis * (n - 2.0) * (n - 3.0) / (n - 1.0) - 6.0) / (n + 1.0)
    return plain, excess + 3.0
