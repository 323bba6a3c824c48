"""Many backtests over the same bars: by the core's sweep where it has one, else one after the other, in threads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from mirrorfast import _core
from mirrorfast.analytics.overfitting import BLOCKS, block_sums
from mirrorfast.backtest.runner import execute, prepare, traded_bars
from mirrorfast.data.schema import bar_interval, require_bars
from mirrorfast.errors import ConfigurationError, DataError, ParameterError
from mirrorfast.strategies.lineup import Lineup

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from mirrorfast.config import TradingConfig

__all__ = ["Figures", "run_many"]

#: Configurations given to the core at once: results are kept, and progress shown, between such groups.
_GROUP: Final = 64


@dataclass(frozen=True)
class Figures:
    """What is kept of one backtest.

    Attributes
    ----------
    stats
        Figures of SPEC §9.
    blocks : shape (blocks, 3) or None
        Sums for cross-validation; None with fewer returns than blocks.
    error
        Why there was no backtest, if so.
    """

    stats: dict[str, float]
    blocks: npt.NDArray[np.float64] | None
    error: str | None = None


def run_many(table: pl.DataFrame, configs: Sequence[TradingConfig], *, jobs: int = 1) -> Iterator[tuple[int, Figures]]:
    """Backtest every configuration over the same validated bars.

    Parameters
    ----------
    table
        Validated bars.
    configs
        What to run.
    jobs
        Threads; more than one needs joblib.

    Yields
    ------
    tuple of int and Figures
        Position of a configuration and its figures, as they become known. A configuration that cannot be run has the
        error's message in place of figures.

    Raises
    ------
    ConfigurationError
        For several jobs without joblib.
    """
    interval = bar_interval(table)
    ready: list[tuple[int, TradingConfig, str]] = []
    native: list[tuple[int, TradingConfig, str]] = []
    for k, cfg in enumerate(configs):
        try:
            _, engine_json = prepare(table, cfg, interval=interval)
            lineup = Lineup.of(cfg)
            need = max(_core.DecisionEngine(engine_json).warm_up, lineup.warm_up) + 2
            require_bars(traded_bars(table, cfg), need, source="bars", reason="the strategies' warm-up and one trade")
        except (ConfigurationError, ParameterError, DataError) as error:
            yield k, Figures(stats={}, blocks=None, error=str(error))
        else:
            # The core asks no Python strategy: those that have one go one by one.
            (ready if lineup.own else native).append((k, cfg, engine_json))
    sweep = getattr(_core, "run_sweep", None)
    if sweep is None:
        ready = sorted(ready + native, key=lambda part: part[0])
    else:
        yield from _in_core(sweep, table, native, jobs)
    if jobs == 1 or len(ready) < 2:
        for k, cfg, engine_json in ready:
            yield k, _one(table, cfg, engine_json, interval)
    else:
        yield from _threads(table, ready, jobs, interval)


def _one(table: pl.DataFrame, cfg: TradingConfig, engine_json: str, interval: str) -> Figures:
    result = execute(table, cfg, engine_json, decisions=False, interval=interval)
    equity = result.equity["equity"].to_numpy()
    return Figures(stats=dict(result.stats) | {"final_equity": result.final_equity}, blocks=_blocks(equity))


def _blocks(equity: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
    """Make the sums for cross-validation; None where the curve is too short, or fell to nothing."""
    whole = len(equity) > BLOCKS and bool((equity > 0).all())
    return block_sums(equity[1:] / equity[:-1] - 1.0) if whole else None


def _threads(
    table: pl.DataFrame, ready: list[tuple[int, TradingConfig, str]], jobs: int, interval: str
) -> Iterator[tuple[int, Figures]]:
    try:
        import joblib
    except ImportError as error:
        raise ConfigurationError(
            f"jobs = {jobs} needs joblib: pip install 'mirrorfast[research]', or ask for one job"
        ) from error

    def run(k: int, cfg: TradingConfig, engine_json: str) -> tuple[int, Figures]:
        return k, _one(table, cfg, engine_json, interval)

    # Threads: the core releases the GIL for the whole run, and nobody copies the bars.
    pool = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator_unordered")
    yield from pool(joblib.delayed(run)(*part) for part in ready)


def _in_core(
    sweep: Any, table: pl.DataFrame, ready: list[tuple[int, TradingConfig, str]], jobs: int
) -> Iterator[tuple[int, Figures]]:
    for start in range(0, len(ready), _GROUP):
        group = ready[start : start + _GROUP]
        texts = [engine_json for _, _, engine_json in group]
        rows = pl.DataFrame(sweep(table, texts, threads=None if jobs == -1 else jobs, equity=True))
        curves = rows["equity"]
        for at, row in enumerate(rows.drop("equity").iter_rows(named=True)):
            stats = {name: math.nan if value is None else float(value) for name, value in row.items()}
            yield group[at][0], Figures(stats=stats, blocks=_blocks(curves[at].to_numpy()))
