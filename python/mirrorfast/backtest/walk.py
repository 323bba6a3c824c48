"""`mf.walk_forward`: choose on one span of bars, trade the next, and so on through the history."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast import _core
from mirrorfast.analytics.performance import performance
from mirrorfast.backtest.runner import execute, prepare, traded_bars
from mirrorfast.backtest.space import Space
from mirrorfast.backtest.sweeps import Search, search_space
from mirrorfast.config import TradingConfig
from mirrorfast.data.funding import with_funding
from mirrorfast.data.schema import bar_interval, require_bars, select_bars, validate_bars
from mirrorfast.errors import DataError, ParameterError
from mirrorfast.strategies.lineup import Lineup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mirrorfast.backtest.result import BacktestResult
    from mirrorfast.backtest.sweep_result import SweepResult

__all__ = ["Fold", "WalkForwardResult", "folds_of", "walk_forward"]

#: Bars after which no feature and no risk measure is undefined any more.
_MEMORY: Final = 250
#: Figures of the folds' table.
_SHOWN: Final = ("total_return", "annual_return", "sharpe", "max_drawdown", "trades")


@dataclass(frozen=True)
class Fold:
    """Positions of one fold among the bar times: `[train_start, train_end)` and `[test_start, test_end)`."""

    train_start: int
    train_end: int
    test_start: int
    test_end: int


def folds_of(
    n: int, *, train: int, test: int, step: int | None = None, embargo: int = 0, anchored: bool = False
) -> list[Fold]:
    """Cut bar times into folds.

    Parameters
    ----------
    n : int
        Number of bar times.
    train, test : int
        Lengths, >= 2; with `anchored` that of the first training window.
    step : int, optional
        Distance of neighbouring folds, >= `test` (tests must not overlap); `test` by default.
    embargo : int, default 0
        Bar times dropped between training and test.
    anchored : bool, default False
        Every training window begins with the first bar.

    Returns
    -------
    list of Fold
        Whole folds only, at least one.

    Raises
    ------
    ParameterError
        For a length out of its range.
    DataError
        For too few bar times for one fold.

    Examples
    --------
    >>> [(f.train_start, f.train_end, f.test_start, f.test_end) for f in folds_of(12, train=4, test=3, embargo=1)]
    [(0, 4, 5, 8), (3, 7, 8, 11)]
    """
    stride = test if step is None else step
    for name, value, least in (("train", train, 2), ("test", test, 2), ("embargo", embargo, 0), ("step", stride, test)):
        if value < least:
            why = " (test windows must not overlap)" if name == "step" else ""
            raise ParameterError(f"{name} = {value}: expected a whole number >= {least}{why}")
    need = train + embargo + test
    if n < need:
        raise DataError(f"bars: {n} bar times: expected at least {need} (train + embargo + test)")
    return [
        Fold(0 if anchored else k, k + train, k + train + embargo, k + need) for k in range(0, n - need + 1, stride)
    ]


@dataclass(frozen=True, eq=False, repr=False)
class WalkForwardResult:
    """Results out of sample, and what the same choice showed in sample.

    Attributes
    ----------
    folds : polars.DataFrame
        One row a fold: ``fold``, first and last bar of training and test, the chosen parameters by address, and the
        figures in (``in_…``) and out of sample (``out_…``).
    equity : polars.DataFrame
        ``timestamp equity exposure fold``: the tests joined, each going on with the capital that the one before left.
    trades : polars.DataFrame
        Trades of all tests with their ``fold``.
    results
        Backtests of the tests, without their warm-up.
    metric
        What chose.
    config
        What was run, but for the chosen parameters.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"])
    >>> run = mf.walk_forward(bars, train=1500, test=700, embargo=24, strategies=["ut_bot"])
    >>> run.folds.height, run.equity.height
    (4, 2800)
    """

    folds: pl.DataFrame
    equity: pl.DataFrame
    trades: pl.DataFrame
    results: list[BacktestResult]
    metric: str
    config: TradingConfig
    _in_sample: list[dict[str, float]] = field(default_factory=list)

    @cached_property
    def stats(self) -> dict[str, float]:
        """Figures of SPEC §9 out of sample, over the joined curve.

        Returns
        -------
        dict
            As :func:`mirrorfast.performance` gives them.
        """
        return dict(performance(self.equity, trades=self.trades))

    @cached_property
    def in_sample(self) -> dict[str, float]:
        """Figures in sample: the mean over the folds' training windows, of those in which it is defined.

        Returns
        -------
        dict
            By name; NaN where no fold has the figure.
        """
        out = {}
        for name in self._in_sample[0]:
            known = [s[name] for s in self._in_sample if math.isfinite(s[name])]
            out[name] = sum(known) / len(known) if known else math.nan
        return out

    def degradation(self, metric: str | None = None) -> float:
        """Give the part of a figure that was lost out of sample.

        Parameters
        ----------
        metric : str, optional
            A figure of which more is better; the run's own by default.

        Returns
        -------
        float
            ``1 − out / in``: 0 where nothing was lost, 1 where all was, above 1 where it turned into its opposite; NaN
            where the figure in sample is not above 0.

        Raises
        ------
        ParameterError
            For an unknown figure.
        """
        name = self.metric if metric is None else metric
        if name not in self.stats:
            raise ParameterError(f"metric = {name!r}: expected one of {', '.join(self.stats)}")
        inside, outside = self.in_sample.get(name, math.nan), self.stats[name]
        return 1.0 - outside / inside if inside > 0 else math.nan

    def __str__(self) -> str:
        lines = [f"Walk-forward of {self.folds.height} folds, {self.equity.height:,} bar times out of sample"]
        for name, form in (("total_return", "{:+.2%}"), ("sharpe", "{:.2f}"), ("max_drawdown", "{:.2%}")):
            pair = [form.format(s[name]) if math.isfinite(s[name]) else "–" for s in (self.in_sample, self.stats)]
            lines.append(f"  {name}: {pair[0]} in sample (mean of a fold), {pair[1]} out of sample")
        lost = self.degradation()
        text = "undefined (not above 0 in sample)" if math.isnan(lost) else f"{lost:.0%} lost out of sample"
        lines.append(f"  degradation of {self.metric}: {text}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"WalkForwardResult({self.folds.height} folds, {self.equity.height:,} bar times, {self.metric})"


def walk_forward(
    bars: Any,
    *,
    train: int,
    test: int,
    step: int | None = None,
    embargo: int = 0,
    anchored: bool = False,
    space: Mapping[str, Any] | None = None,
    search: Search = "grid",
    trials: int | None = None,
    metric: str = "sharpe",
    seed: int = 0,
    jobs: int = 1,
    warm_up: int | None = None,
    progress: bool = False,
    strategies: Sequence[Any] | None = None,
    ensemble: Any = None,
    risk: Any = None,
    costs: Any = None,
    config: TradingConfig | None = None,
) -> WalkForwardResult:
    """Choose parameters on a training window, trade the test window after it, and move on.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, 7)
        As for :func:`mirrorfast.backtest`.
    train, test : int
        Lengths of the windows in bar times, >= 2; with `anchored` the first training window's.
    step : int, optional
        Bar times from one fold to the next, >= `test`; `test` by default.
    embargo : int, default 0
        Bar times dropped between training and test, so that nothing that was open at the end of the one is in the
        other.
    anchored : bool, default False
        Training windows begin with the first bar and grow; else they roll.
    space : mapping of str to sequence or Range, optional
        Parameters to choose on each training window, as for :func:`mirrorfast.sweep`; none by default.
    search, trials, metric, seed, jobs
        As for :func:`mirrorfast.sweep`.
    warm_up : int, optional
        Bars of each symbol before a test that warm everything up and are not traded; by default as many as the
        strategies need, at least 250. Fewer where there are fewer.
    progress : bool, default False
        Show a progress bar on standard error for each fold's search.
    strategies, ensemble, risk, costs, config : optional
        As for :func:`mirrorfast.backtest`.

    Returns
    -------
    WalkForwardResult
        Folds, the joined curve out of sample, figures in and out of sample.

    Raises
    ------
    ParameterError
        For a length or option out of its range.
    DataError
        For bars that break SPEC §1, or too few of them.
    ConfigurationError
        For a configuration out of its range, or a missing extra.

    Notes
    -----
    A training window is a plain backtest of its bars, in which strategies warm up. A test is a plain backtest that may
    act from the close of its first bar on (``trade_from``); strategy weights begin anew. What is open at the end of a
    test is valued at its last close. Only whole folds are run. Nothing of a test reaches its own or an earlier choice.

    References
    ----------
    .. [1] R. Pardo, *The Evaluation and Optimization of Trading Strategies*, Wiley (2008).
    .. [2] M. López de Prado, *Advances in Financial Machine Learning*, ch. 7 (embargo), Wiley (2018).

    Examples
    --------
    >>> import mirrorfast as mf
    >>> run = mf.walk_forward(
    ...     mf.sample_bars(["BTC/USD"]),
    ...     train=1500,
    ...     test=1000,
    ...     embargo=24,
    ...     space={"ut_bot.atr_period": [5, 20]},
    ...     strategies=["ut_bot"],
    ... )
    >>> run.folds.columns[:6]
    ['fold', 'train_start', 'train_end', 'test_start', 'test_end', 'ut_bot.atr_period']
    """
    cfg = (config or TradingConfig()).replace(strategies=strategies, ensemble=ensemble, risk=risk, costs=costs)
    cfg = with_funding(cfg)
    table = select_bars(validate_bars(bars, source="bars"), symbols=cfg.bar_symbols, start=cfg.start, end=cfg.end)
    # What was selected holds; a fold may lack a symbol that has not begun.
    cfg = cfg.model_copy(update={"symbols": (), "start": None, "end": None})
    if warm_up is not None and warm_up < 0:
        raise ParameterError(f"warm_up = {warm_up}: expected a whole number >= 0")
    times: list[datetime] = table["timestamp"].unique().sort().to_list()
    windows = folds_of(len(times), train=train, test=test, step=step, embargo=embargo, anchored=anchored)
    chooser = None if space is None else Space(space, cfg)
    interval = bar_interval(table)
    rows, curves, trades, results, inside = [], [], [], [], []
    capital = float(cfg.capital)
    for k, fold in enumerate(windows, start=1):
        before = _between(table, times, fold.train_start, fold.train_end)
        chosen: dict[str, Any] = {}
        run_cfg = cfg
        if chooser is None:
            _, document = prepare(before, cfg, interval=interval)
            need = max(_core.DecisionEngine(document).warm_up, Lineup.of(cfg).warm_up) + 2
            require_bars(
                traded_bars(before, cfg), need, source=f"fold {k}", reason="the strategies' warm-up and one trade"
            )
            seen = execute(before, cfg, document, decisions=False, interval=interval).stats
        else:
            found: SweepResult = search_space(
                before, chooser, search, trials, metric=metric, seed=seed, jobs=jobs, progress=progress
            )
            best = found.best()
            chosen = best["params"]
            run_cfg = chooser.apply(chosen)
            seen = {name: best[name] for name in best if isinstance(best[name], float) and name not in chosen}
        result = _test(table, times, fold, run_cfg, interval, warm_up)
        figures = result.stats
        if metric not in figures:
            raise ParameterError(f"metric = {metric!r}: expected one of {', '.join(figures)}")
        shown = dict.fromkeys((metric, *_SHOWN))
        rows.append(
            {
                "fold": k,
                "train_start": times[fold.train_start],
                "train_end": times[fold.train_end - 1],
                "test_start": times[fold.test_start],
                "test_end": times[fold.test_end - 1],
                **{a: v if isinstance(v, int | float | str | bool) else str(v) for a, v in chosen.items()},
                **{f"in_{name}": seen.get(name, math.nan) for name in shown},
                **{f"out_{name}": figures[name] for name in shown},
            }
        )
        curves.append(
            result.equity.select(
                "timestamp",
                equity=pl.col("equity") * (capital / float(cfg.capital)),
                exposure="exposure",
                fold=pl.lit(k),
            )
        )
        capital *= result.final_equity / float(cfg.capital)
        trades.append(result.trades.with_columns(fold=pl.lit(k)))
        results.append(result)
        inside.append({name: seen.get(name, math.nan) for name in figures})
    return WalkForwardResult(
        folds=pl.DataFrame(rows, infer_schema_length=None),
        equity=pl.concat(curves),
        trades=pl.concat(trades),
        results=results,
        metric=metric,
        config=cfg,
        _in_sample=inside,
    )


def _between(table: pl.DataFrame, times: Sequence[datetime], start: int, end: int) -> pl.DataFrame:
    return table.filter(pl.col("timestamp").is_between(times[start], times[end - 1]))


def _test(
    table: pl.DataFrame,
    times: Sequence[datetime],
    fold: Fold,
    cfg: TradingConfig,
    interval: str,
    warm_up: int | None,
) -> BacktestResult:
    """Backtest one test window, after bars that warm it up."""
    first = times[fold.test_start]
    window = _between(table, times, fold.test_start, fold.test_end)
    if warm_up is None:
        _, document = prepare(window, cfg, interval=interval)
        warm_up = max(_MEMORY, _core.DecisionEngine(document).warm_up, Lineup.of(cfg).warm_up)
    earlier = table.filter(pl.col("timestamp") < first).group_by("symbol", maintain_order=True).tail(warm_up)
    bars = pl.concat([earlier.select(table.columns), window])
    order = {s: k for k, s in enumerate(table["symbol"].unique(maintain_order=True).to_list())}
    bars = bars.sort(pl.col("symbol").replace_strict(order, return_dtype=pl.Int64), "timestamp", maintain_order=True)
    _, document = prepare(bars, cfg, interval=interval)
    return _since(execute(bars, cfg, document, trade_from=first, interval=interval), first)


def _since(result: BacktestResult, first: datetime) -> BacktestResult:
    """Drop the bars that only warmed up: nothing was traded on them."""
    late = pl.col("timestamp") >= first
    return replace(
        result,
        equity=result.equity.filter(late),
        decisions=result.decisions.filter(late),
        bars=result.bars.filter(late),
    )
