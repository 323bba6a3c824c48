"""What a policy's results out of sample say, and what they do not."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from mirrorfast.analytics.bootstrap import MeanInterval, bootstrap_mean
from mirrorfast.analytics.sharpe import deflated_sharpe
from mirrorfast.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AGENT", "BENCHMARKS", "Evaluation", "Played", "judge"]

AGENT: Final = "policy"
"""The contender that is judged."""
BENCHMARKS: Final = ("buy & hold", "flat", "random", "rules")
"""What it is judged against, in the order of the report."""

_SURE: Final = 0.95


@dataclass(frozen=True, eq=False)
class Played:
    """One contender over one span of one symbol.

    Attributes
    ----------
    contender, symbol, seed, fold
        Who, where, by which seed, in which fold of a walk-forward test.
    times
        Open times of the bars, ms, shape (n,).
    growth
        Log growth of equity over each bar, after costs, shape (n,).
    turnover
        Sum of the changes of position, in units of equity.

    Examples
    --------
    >>> Played("flat", "BTC/USD", 0, 0, np.array([0, 1]), np.zeros(2), 0.0).growth.sum()
    np.float64(0.0)
    """

    contender: str
    symbol: str
    seed: int
    fold: int
    times: npt.NDArray[np.int64]
    growth: npt.NDArray[np.float64]
    turnover: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How a policy did where it had not been, and what that proves.

    Attributes
    ----------
    table
        One row a contender: ``contender growth spread sharpe max_drawdown turnover runs``. `growth` is the mean growth
        of equity a run (a symbol with a seed, all folds), `spread` its standard deviation over the seeds; `sharpe`, a
        year, and `max_drawdown` are of the mean over symbols and seeds; `turnover` is a bar's mean.
    comparisons
        One row a benchmark: ``benchmark excess low high above_zero evidence``: mean log growth a year above the
        benchmark's, bounds of its 95 % interval, share of resampled means above zero, and whether the interval lies
        above zero.
    deflated_sharpe
        Probability that the policy's Sharpe ratio is above what the best of so many trials without skill would show.
    verdict
        The sentence for people.
    facts
        Span, symbols, seeds, folds, costs, embargo.

    Examples
    --------
    >>> times = np.arange(100) * 3_600_000
    >>> runs = [Played(name, "A", 0, 0, times, np.zeros(100), 0.0) for name in ("policy", "buy & hold", "flat")]
    >>> judge(runs, bars_per_year=8760.0).verdict
    'no evidence of skill over buy & hold at 95 %: excess +0.0 % a year, between +0.0 % and +0.0 %'
    """

    table: pl.DataFrame
    comparisons: pl.DataFrame
    deflated_sharpe: float
    verdict: str
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Write what JSON can hold.

        Returns
        -------
        dict
            ``verdict deflated_sharpe contenders comparisons`` and the facts; numbers to six digits, None for NaN.
        """
        return {
            "verdict": self.verdict,
            "deflated_sharpe": _plain(self.deflated_sharpe),
            "contenders": [{k: _plain(v) for k, v in row.items()} for row in self.table.to_dicts()],
            "comparisons": [{k: _plain(v) for k, v in row.items()} for row in self.comparisons.to_dicts()],
            **self.facts,
        }

    def __str__(self) -> str:
        lines = [f"{'':12} {'growth':>9} {'spread':>8} {'sharpe':>7} {'drawdown':>9} {'turnover':>9}"]
        lines += [
            f"{row['contender']:12} {row['growth']:>+9.2%} {row['spread']:>8.2%} {row['sharpe']:>7.2f} "
            f"{row['max_drawdown']:>9.2%} {row['turnover']:>9.4f}"
            for row in self.table.to_dicts()
        ]
        lines += [
            f"over {row['benchmark']}: {row['excess']:+.1%} a year, between {row['low']:+.1%} and {row['high']:+.1%}"
            for row in self.comparisons.to_dicts()
        ]
        return "\n".join([*lines, f"deflated Sharpe probability {self.deflated_sharpe:.2f}", self.verdict])


def judge(
    runs: Sequence[Played],
    *,
    bars_per_year: float,
    trials: int | None = None,
    draws: int = 2000,
    facts: dict[str, Any] | None = None,
) -> Evaluation:
    """Compare a policy with its benchmarks, and say what is proved.

    Parameters
    ----------
    runs : sequence of Played
        Of the contender ``policy``, and of some of ``buy & hold``, ``flat``, ``random``, ``rules`` over the same bars.
    bars_per_year : float
        Annualises.
    trials : int, optional
        Configurations that the policy was chosen from; the number of its seeds by default.
    draws : int, default 2000
        Of the bootstrap.
    facts : dict, optional
        What else the report says.

    Returns
    -------
    Evaluation
        The comparison. "Evidence" needs the whole 95 % interval of the excess above zero.

    Raises
    ------
    DataError
        If there are no runs of the policy, or a benchmark was played over other bars.

    Notes
    -----
    Log growth of a bar is averaged over symbols and seeds first; the excess over a benchmark, bar by bar, is then
    resampled in blocks. Seeds are no independent markets: they are averaged, never counted as more data.
    """
    named = {name: [r for r in runs if r.contender == name] for name in (AGENT, *BENCHMARKS)}
    if not named[AGENT]:
        raise DataError("runs: none of the policy: expected at least one")
    series = {name: _mean_series(found) for name, found in named.items() if found}
    times, own = series[AGENT]
    rows, compared = [], []
    for name, (at, values) in series.items():
        if not np.array_equal(at, times):
            raise DataError(f"runs: {name} was played over {len(at)} bar times, the policy over {len(times)}")
        rows.append(_row(name, named[name], values, bars_per_year))
        if name != AGENT:
            interval = bootstrap_mean(own - values, confidence=_SURE, draws=draws)
            compared.append(_comparison(name, interval, bars_per_year))
    seeds = sorted({r.seed for r in named[AGENT]})
    sharpes = [_sharpe(_mean_series([r for r in named[AGENT] if r.seed == s])[1]) for s in seeds]
    known = [s for s in sharpes if math.isfinite(s)]
    chance = _deflated(own, len(seeds) if trials is None else trials, known)
    return Evaluation(
        table=pl.DataFrame(rows),
        comparisons=pl.DataFrame(compared, schema=_COMPARED),
        deflated_sharpe=chance,
        verdict=_verdict({row["benchmark"]: row for row in compared}, chance),
        facts=dict(facts or {}),
    )


_COMPARED: Final = {
    "benchmark": pl.String,
    "excess": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "above_zero": pl.Float64,
    "evidence": pl.Boolean,
}


def _mean_series(runs: Sequence[Played]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Average log growth over symbols and seeds at each bar time."""
    times, place = np.unique(np.concatenate([r.times for r in runs]), return_inverse=True)
    growth = np.concatenate([r.growth for r in runs])
    total = np.bincount(place, weights=growth, minlength=len(times))
    return times, total / np.bincount(place, minlength=len(times))


def _row(name: str, runs: Sequence[Played], mean: npt.NDArray[np.float64], year: float) -> dict[str, Any]:
    seeds = sorted({r.seed for r in runs})
    symbols = sorted({r.symbol for r in runs})
    whole = {
        (symbol, seed): math.fsum(float(r.growth.sum()) for r in runs if r.symbol == symbol and r.seed == seed)
        for symbol in symbols
        for seed in seeds
    }
    by_seed = [float(np.mean([math.expm1(whole[symbol, seed]) for symbol in symbols])) for seed in seeds]
    path = np.exp(np.concatenate([[0.0], np.cumsum(mean)]))
    bars = sum(len(r.growth) for r in runs)
    return {
        "contender": name,
        "growth": float(np.mean(by_seed)),
        "spread": float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else 0.0,
        "sharpe": _sharpe(mean) * math.sqrt(year),
        "max_drawdown": float(np.min(path / np.maximum.accumulate(path) - 1.0)),
        "turnover": sum(r.turnover for r in runs) / bars,
        "runs": len(whole),
    }


def _comparison(name: str, interval: MeanInterval, year: float) -> dict[str, Any]:
    found = asdict(interval)
    return {
        "benchmark": name,
        "excess": interval.mean * year,
        "low": interval.low * year,
        "high": interval.high * year,
        "above_zero": found["above_zero"],
        "evidence": interval.low > 0.0,
    }


def _sharpe(values: npt.NDArray[np.float64]) -> float:
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return float(np.mean(values)) / deviation if deviation > 0 else math.nan


def _deflated(values: npt.NDArray[np.float64], trials: int, sharpes: list[float]) -> float:
    sharpe = _sharpe(values)
    if not math.isfinite(sharpe):
        return math.nan
    centred = (values - values.mean()) / values.std()
    variance = float(np.var(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    return deflated_sharpe(
        sharpe,
        bars=len(values),
        n_trials=max(trials, 1),
        variance=variance,
        skew=float(np.mean(centred**3)),
        kurtosis=float(np.mean(centred**4)),
    )


def _verdict(compared: dict[str, dict[str, Any]], chance: float) -> str:
    name = "buy & hold" if "buy & hold" in compared else next(iter(compared), None)
    if name is None:
        return "nothing to compare with: no evidence of skill"
    first = compared[name]
    figures = f"excess {first['excess']:+.1%} a year, between {first['low']:+.1%} and {first['high']:+.1%}".replace(
        "%", " %"
    )
    if first["high"] < 0.0:
        return f"worse than {name} at 95 %: {figures}"
    if not first["evidence"]:
        return f"no evidence of skill over {name} at 95 %: {figures}"
    weak = [other for other, row in compared.items() if other != name and not row["evidence"]]
    if weak:
        return f"better than {name} at 95 % ({figures}), but no evidence of skill over {' and '.join(weak)}"
    if not chance > _SURE:
        return f"better than {name} at 95 % ({figures}), but a deflated Sharpe probability of {chance:.2f} is no proof"
    return f"evidence of skill over {' and '.join(compared)} at 95 %: {figures}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
