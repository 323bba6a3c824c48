"""Performance metrics of an equity curve, of returns, of closed trades."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["performance", "trade_performance"]

#: Bars a year of data without times: days, as crypto trades on every one.
_DAYS = 365.0
_OUTCOME = ("pnl", "pnl_fraction", "fees", "bars", "mae", "mfe")
_RETURNS = ("returns", "return")


def performance(
    data: Any = None,
    /,
    *,
    equity: Any = None,
    returns: Any = None,
    timestamps: Any = None,
    trades: Any = None,
    traded: float | None = None,
    periods_per_year: float | None = None,
    risk_free: float = 0.0,
    tail: float = 0.05,
    n_trials: int = 1,
    trial_sharpes: Sequence[float] | None = None,
) -> dict[str, float]:
    """Compute the performance metrics of a run.

    Parameters
    ----------
    data : frame, Series or array of shape (n,), optional
        Equity or returns, told apart by name: a frame by its column ``equity``, ``returns`` or ``return``, a Series by
        its name. What has no such name is taken for returns if it starts at or below 0, or holds a value in [-1, 0),
        and for equity otherwise. A frame's columns ``timestamp`` and ``exposure`` are used too.
    equity, returns : Series or array of shape (n,), optional
        The same, said outright: exactly one of `data`, `equity` and `returns` is needed. Equity in account currency,
        the first value before any return; returns as fractions a bar, leading nulls dropped.
    timestamps : Series or array of shape (n,), optional
        Time of each row; datetimes, or milliseconds since the epoch.
    trades : frame, optional
        Closed trades, one a row, as ``BacktestResult.trades`` has them: ``pnl`` (account currency) is needed for the
        metrics of trades, ``pnl_fraction`` for the expectancy.
    traded : float, optional
        Notional of all fills, account currency, for the turnover; by default that of entry and exit of `trades`, at
        their ``entry_rate`` and ``exit_rate`` where they have them.
    periods_per_year : float, optional
        Bars a year, > 0. By default as many as the bars seen, scaled from their time span to 365 days; 365 without
        times.
    risk_free : float, default 0
        Risk-free return a bar, as a fraction.
    tail : float, default 0.05
        Tail probability of value at risk, in (0, 0.5).
    n_trials : int, default 1
        Strategies or parameter sets that were tried before this one was chosen, this one included: deflates the Sharpe
        ratio.
    trial_sharpes : sequence of float, optional
        Sharpe ratios, a bar, of those trials: sets `n_trials` and replaces the variance that chance alone gives.

    Returns
    -------
    dict of str to float
        ``bars periods_per_year total_return annual_return annual_volatility sharpe sortino calmar omega max_drawdown
        max_drawdown_bars max_drawdown_days recovery_bars recovery_days longest_drawdown_bars value_at_risk
        conditional_value_at_risk tail_ratio skew kurtosis probabilistic_sharpe deflated_sharpe best_bar worst_bar
        exposure turnover trades win_rate profit_factor expectancy payoff``. Fractions, not percent; drawdown and value
        at risk are <= 0. NaN where a metric is undefined (no variance, no loss, no trades), never an infinity.

    Raises
    ------
    DataError
        For a value that is not finite, equity that starts at or below 0, a return below -1, times that do not rise, a
        frame without a usable column; naming the row.
    ParameterError
        For an option out of its range, or more or less than one of `data`, `equity` and `returns`.

    Notes
    -----
    Annual return, volatility, Sharpe, Sortino, Calmar, Omega, VaR, CVaR and tail ratio are those of empyrical-reloaded;
    skew, kurtosis (bias-corrected, excess) and exposure without positions those of quantstats. With r the returns above
    the risk-free one and P the bars a year: ``sharpe = mean(r) / std(r, ddof=1)·√P``, ``sortino = mean(r)·√P /
    √mean(min(r, 0)²)``, ``annual_return = (last / first)^(P / bars) − 1``, ``calmar = annual_return / |max_drawdown|``,
    ``omega = Σ max(r, 0) / Σ max(−r, 0)``. ``expectancy`` is the mean of ``pnl_fraction``, ``payoff`` the mean profit
    over the mean loss.

    References
    ----------
    .. [1] empyrical-reloaded, https://github.com/stefan-jansen/empyrical-reloaded
    .. [2] quantstats, https://github.com/ranaroussi/quantstats
    .. [3] D. Bailey, M. López de Prado, "The Deflated Sharpe Ratio", Journal of Portfolio Management 40 (2014).

    Examples
    --------
    >>> figures = performance([100.0, 110.0, 99.0, 121.0], periods_per_year=365)
    >>> round(figures["total_return"], 4), round(figures["max_drawdown"], 4)
    (0.21, -0.1)
    >>> round(performance(returns=[0.01, -0.02, 0.03])["omega"], 4)
    2.0
    """
    if sum(x is not None for x in (data, equity, returns)) != 1:
        raise ParameterError("performance: expected exactly one of data, equity= and returns=")
    exposure = None
    if data is not None:
        if _is_frame(data):
            frame = _frame(data)
            timestamps = frame["timestamp"] if timestamps is None and "timestamp" in frame.columns else timestamps
            exposure = frame["exposure"] if "exposure" in frame.columns else None
            data = _value_column(frame)
        kind, values = _told_apart(data)
        equity, returns = (values, None) if kind == "equity" else (None, values)
    options = {
        "periods_per_year": periods_per_year,
        "risk_free": _finite("risk_free", risk_free),
        "tail": _finite("tail", tail),
        **_trials(n_trials, trial_sharpes),
    }
    times = None if timestamps is None else _numbers("timestamps", timestamps, instant=True)
    if equity is not None:
        if periods_per_year is None and (times is None or len(times) < 2):
            options["periods_per_year"] = _DAYS
        outcome, notional = (None, None) if trades is None else _outcomes(trades)
        return _core.performance(
            _numbers("equity", equity),
            json.dumps(options),
            ts=times,
            exposure=exposure,
            traded=notional if traded is None else _finite("traded", traded),
            trades=outcome,
        )
    series = _numbers("returns", returns)
    first = next((i for i, missing in enumerate(series.is_null() | series.is_nan()) if not missing), len(series))
    if periods_per_year is None:
        options["periods_per_year"] = _seen(times) if times is not None and len(times) > 1 else _DAYS
    figures = _core.performance_of_returns(series.slice(first), json.dumps(options))
    if trades is not None:
        closed = trade_performance(trades)
        figures |= {name: closed[name] for name in ("trades", "win_rate", "profit_factor", "expectancy", "payoff")}
    return figures


def trade_performance(trades: Any) -> dict[str, float]:
    """Compute the metrics of closed trades: of a run, or of one strategy or symbol of it.

    Parameters
    ----------
    trades : frame
        Closed trades in the order in which they closed, one a row: ``pnl`` in account currency after costs, and
        optionally ``pnl_fraction`` (of equity at the entry), ``fees``, ``bars``, ``mae``, ``mfe``.

    Returns
    -------
    dict of str to float
        ``trades win_rate pnl fees profit_factor expectancy payoff average_win average_loss best worst
        longest_losing_streak average_bars average_mae average_mfe``; NaN where undefined.

    Raises
    ------
    DataError
        When there is no column ``pnl``.

    Notes
    -----
    ``profit_factor = Σ profits / Σ losses``; ``payoff = mean profit / mean loss``; a trade without profit counts as
    lost.

    References
    ----------
    .. [1] freqtrade, *Backtesting*, https://www.freqtrade.io/en/stable/backtesting/

    Examples
    --------
    >>> figures = trade_performance({"pnl": [30.0, -10.0, -5.0]})
    >>> round(figures["win_rate"], 4), figures["profit_factor"]
    (0.3333, 2.0)
    """
    outcome, _ = _outcomes(trades)
    return _core.trade_performance(outcome)


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") or isinstance(data, dict)


def _frame(data: Any) -> pl.DataFrame:
    return data if isinstance(data, pl.DataFrame) else pl.DataFrame(data)


def _value_column(frame: pl.DataFrame) -> pl.Series:
    for name in ("equity", *_RETURNS):
        if name in frame.columns:
            return frame[name]
    if frame.width == 1:
        return frame.to_series()
    raise DataError(f"performance: columns are {frame.columns}: expected one of equity, returns, return")


def _told_apart(data: Any) -> tuple[str, pl.Series]:
    values = _numbers("data", data)
    name = values.name
    if name == "equity" or name in _RETURNS:
        return ("equity" if name == "equity" else "returns"), values
    known = values.drop_nulls().drop_nans()
    below = known.is_between(-1.0, 0.0, closed="left").any() or (len(known) > 0 and known[0] <= 0.0)
    return ("returns" if below else "equity"), values


def _numbers(name: str, data: Any, *, instant: bool = False) -> pl.Series:
    try:
        series = data if isinstance(data, pl.Series) else pl.Series(getattr(data, "name", None) or "", data)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{name}: got {type(data).__name__}, expected a Series, an array or a list of numbers"
        ) from error
    if instant and series.dtype.is_temporal():
        return series.cast(pl.Datetime("ms")).cast(pl.Int64)
    if len(series) and not series.dtype.is_numeric():
        raise DataError(f"{name} is of type {series.dtype}: expected numbers")
    return series.cast(pl.Int64 if instant else pl.Float64)


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ParameterError(f"{name} = {value}: expected a finite number")
    return float(value)


def _trials(n_trials: int, sharpes: Sequence[float] | None) -> dict[str, float | None]:
    if sharpes is None:
        return {"n_trials": _finite("n_trials", n_trials), "trial_variance": None}
    known = pl.Series("trial_sharpes", list(sharpes), dtype=pl.Float64)
    if len(known) < 2 or not known.is_finite().all():
        raise ParameterError(f"trial_sharpes has {len(known)} values: expected two or more finite numbers")
    variance = known.var()
    return {"n_trials": float(len(known)), "trial_variance": float(variance) if isinstance(variance, float) else 0.0}


def _seen(times: pl.Series) -> float | None:
    year = _DAYS * 86_400_000
    span = times[-1] - times[0]
    return (len(times) - 1) * year / span if span > 0 else None


def _outcomes(trades: Any) -> tuple[list[pl.Series], float | None]:
    frame = _frame(trades)
    if "pnl" not in frame.columns:
        raise DataError(f"trades: columns are {frame.columns}: expected pnl among them")
    unknown = pl.lit(math.nan)
    columns = frame.select(
        (pl.col(name) if name in frame.columns else unknown.alias(name)).cast(pl.Float64).fill_null(math.nan)
        for name in _OUTCOME
    )
    sides = {"quantity", "entry_price", "exit_price"}
    notional = None
    if sides <= set(frame.columns):
        entry, leave = (
            pl.col(f"{side}_price") * (pl.col(f"{side}_rate") if f"{side}_rate" in frame.columns else 1.0)
            for side in ("entry", "exit")
        )
        notional = float(frame.select((pl.col("quantity") * (entry + leave)).sum()).item())
    return columns.get_columns(), notional
