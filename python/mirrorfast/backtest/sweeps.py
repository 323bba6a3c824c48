"""`mf.sweep`: the same backtest over many parameter sets."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import pickle
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import polars as pl

from mirrorfast import _core
from mirrorfast.backtest.many import Figures, run_many
from mirrorfast.backtest.runner import prepare
from mirrorfast.backtest.space import Range, Space
from mirrorfast.backtest.store import ResultStore
from mirrorfast.backtest.sweep_result import SweepResult, score
from mirrorfast.config import TradingConfig
from mirrorfast.data.digest import bars_digest
from mirrorfast.data.funding import with_funding
from mirrorfast.data.schema import bar_interval, select_bars, validate_bars
from mirrorfast.errors import ConfigurationError, ParameterError
from mirrorfast.strategies.lineup import Lineup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Search", "sweep"]

Search = Literal["grid", "random", "optuna"]
Choices = Any  # a sequence of values, or a Range


def sweep(
    bars: Any,
    space: Mapping[str, Choices],
    *,
    search: Search = "grid",
    trials: int | None = None,
    metric: str = "sharpe",
    seed: int = 0,
    jobs: int = 1,
    store: str | Path | None = None,
    progress: bool = False,
    strategies: Sequence[Any] | None = None,
    ensemble: Any = None,
    risk: Any = None,
    costs: Any = None,
    config: TradingConfig | None = None,
) -> SweepResult:
    """Backtest many combinations of parameters, and say what the best one is worth.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, 7)
        As for :func:`mirrorfast.backtest`.
    space : mapping of str to sequence or Range
        Values by address: ``"ut_bot.atr_period"`` (a strategy of the run and its parameter, or ``weight``),
        ``"risk.stop.atr_multiple"``, ``"ensemble.method"``, ``"costs.taker_fee"``, ``"meta.…"``.
    search : {"grid", "random", "optuna"}, default "grid"
        Every combination; random ones; or ones that optuna's tree-structured Parzen estimator picks by what it has seen
        (extra ``research``).
    trials : int, optional
        How many combinations; needed but for a grid.
    metric : str, default "sharpe"
        What decides: a figure of :func:`mirrorfast.performance`, or ``final_equity``.
    seed : int, default 0
        Of random and guided searches.
    jobs : int, default 1
        Threads (more than one needs the extra ``research``, unless the core runs the sweep); -1 for all cores.
    store : path, optional
        SQLite file that keeps every result as soon as it is known. A search over the same bars and configuration takes
        from it what it has: one that was killed goes on, a larger one runs only what is new.
    progress : bool, default False
        Show a progress bar on standard error.
    strategies, ensemble, risk, costs, config : optional
        As for :func:`mirrorfast.backtest`.

    Returns
    -------
    SweepResult
        One row a combination; printed, it shows the deflated Sharpe ratio and the probability of overfitting.

    Raises
    ------
    ParameterError
        For an address that leads nowhere, or an option out of its range.
    ConfigurationError
        When an extra is not installed; the message names it.
    DataError
        For bars that break SPEC §1.
    LedgerError
        When `store` cannot be used.

    Notes
    -----
    A combination whose values contradict each other, or whose warm-up is longer than the bars, is a row with its
    ``error``. Grid and random searches give the same frame for any number of jobs; a guided one depends on it, as each
    batch of jobs is chosen before any of it is known. A stored result is of one release of mirrorfast: another one runs
    it again.

    References
    ----------
    .. [1] J. Bergstra et al., "Algorithms for Hyper-Parameter Optimization", NIPS (2011).

    Examples
    --------
    >>> import mirrorfast as mf
    >>> bars = mf.sample_bars(["BTC/USD"]).head(1500)
    >>> space = {"ut_bot.atr_period": [5, 10], "risk.stop.atr_multiple": [2.0, 3.0]}
    >>> result = mf.sweep(bars, space, strategies=["ut_bot"], ensemble="majority")
    >>> result.frame.select("ut_bot.atr_period", "risk.stop.atr_multiple").rows()
    [(5, 2.0), (5, 3.0), (10, 2.0), (10, 3.0)]
    >>> sorted(result.best()["params"])
    ['risk.stop.atr_multiple', 'ut_bot.atr_period']
    """
    cfg = (config or TradingConfig()).replace(strategies=strategies, ensemble=ensemble, risk=risk, costs=costs)
    cfg = with_funding(cfg)
    table = select_bars(validate_bars(bars, source="bars"), symbols=cfg.bar_symbols, start=cfg.start, end=cfg.end)
    return search_space(
        table, Space(space, cfg), search, trials, metric=metric, seed=seed, jobs=jobs, store=store, progress=progress
    )


def search_space(
    table: pl.DataFrame,
    space: Space,
    search: Search,
    trials: int | None,
    *,
    metric: str,
    seed: int,
    jobs: int,
    store: str | Path | None = None,
    progress: bool = False,
) -> SweepResult:
    """Search a space over validated bars; see :func:`sweep`."""
    if search not in get_args(Search):
        raise ParameterError(f"search = {search!r}: expected one of {', '.join(get_args(Search))}")
    if trials is not None and trials < 1:
        raise ParameterError(f"trials = {trials}: expected a whole number >= 1")
    if trials is None and search != "grid":
        raise ParameterError(f"trials is missing: expected how many combinations search = {search!r} is to try")
    if jobs == 0 or jobs < -1:
        raise ParameterError(f"jobs = {jobs}: expected a whole number >= 1, or -1 for all cores")
    start = time.perf_counter()
    with contextlib.ExitStack() as stack:
        kept = None if store is None else stack.enter_context(ResultStore(Path(store)))
        bench = _Bench(table, space, jobs, kept)
        if search == "optuna":
            tick = stack.enter_context(_bar(trials or 0, progress))
            tried = _guided(bench, trials or 0, metric=metric, seed=seed, tick=tick)
        else:
            tried = list(space.grid() if search == "grid" else space.random(trials or 0, seed))[:trials]
            tick = stack.enter_context(_bar(len(tried), progress))
            bench.run(tried, tick)
    figures = [bench.known[bench.key(values)] for values in tried]
    frame = _frame(space, tried, figures)
    if metric not in frame.columns:
        names = [c for c in frame.columns if c not in {*space.parameters, "trial", "error"}]
        if names:
            raise ParameterError(f"metric = {metric!r}: expected one of {', '.join(names)}")
        raise ParameterError(f"space: none of {len(tried)} combinations could be run: {figures[0].error}")
    return SweepResult(
        frame=frame,
        space=space,
        metric=metric,
        seconds=time.perf_counter() - start,
        reused=bench.reused,
        _figures=figures,
    )


class _Bench:
    """Runs combinations, and none of them twice."""

    def __init__(self, table: pl.DataFrame, space: Space, jobs: int, store: ResultStore | None) -> None:
        self._table, self._space, self._jobs, self._store = table, space, jobs, store
        self._interval = bar_interval(table)
        # A release may decide otherwise than the one before: its results are its own.
        self._prefix = f"{_core.__version__}\0{bars_digest(table)}\0".encode()
        self._keys: dict[str, str] = {}
        self.known: dict[str, Figures] = {}
        self.reused = 0
        self.parameters = space.parameters
        #: Combinations that a guided search asks for at once.
        self.batch = jobs if jobs > 0 else os.cpu_count() or 1

    def key(self, values: Mapping[str, Any]) -> str:
        text = repr(sorted(values.items(), key=lambda item: item[0]))
        if text not in self._keys:
            try:
                cfg = self._space.apply(values)
                _, document = prepare(self._table, cfg, interval=self._interval)
                lineup = Lineup.of(cfg)
                if lineup.own:
                    # Of strategies of one's own the code counts too, and what they were made with.
                    made = [_state(s.given) for s in cfg.strategies]
                    document += json.dumps([lineup.identity(), made, text], sort_keys=True)
            except (ConfigurationError, ParameterError) as error:
                document = f"{error}\0{text}"
            self._keys[text] = hashlib.sha256(self._prefix + document.encode()).hexdigest()
        return self._keys[text]

    def run(self, tried: Sequence[Mapping[str, Any]], tick: Callable[[int], None]) -> None:
        todo: dict[str, TradingConfig] = {}
        for values in tried:
            key = self.key(values)
            if key in self.known or key in todo:
                tick(1)
                continue
            found = None if self._store is None else self._store.get(key)
            if found is not None:
                self.known[key] = found
                self.reused += 1
                tick(1)
                continue
            try:
                todo[key] = self._space.apply(values)
            except (ConfigurationError, ParameterError) as error:
                self._keep(key, Figures(stats={}, blocks=None, error=str(error)))
                tick(1)
        keys = list(todo)
        for k, figures in run_many(self._table, list(todo.values()), jobs=self._jobs):
            self._keep(keys[k], figures)
            tick(1)

    def _keep(self, key: str, figures: Figures) -> None:
        self.known[key] = figures
        if self._store is not None:
            self._store.put(key, figures)


def _state(given: Any) -> str:
    """Tell two objects of one class apart; one whose content cannot be read is like no other."""
    content = getattr(given, "__dict__", {})
    if isinstance(given, type) or not content:
        return ""
    try:
        return hashlib.sha256(pickle.dumps(sorted(content.items()))).hexdigest()
    except (pickle.PicklingError, TypeError, AttributeError):
        return repr(content)


def _guided(bench: _Bench, trials: int, *, metric: str, seed: int, tick: Callable[[int], None]) -> list[dict[str, Any]]:
    try:
        import optuna
    except ImportError as error:
        raise ConfigurationError(
            "search = 'optuna' needs optuna: pip install 'mirrorfast[research]', or search = 'random'"
        ) from error
    # Its own lines about every trial would run through the progress bar; ours says the same.
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        tried: list[dict[str, Any]] = []
        while len(tried) < trials:
            asked = [study.ask() for _ in range(min(bench.batch, trials - len(tried)))]
            batch = [{a: _suggest(trial, a, p) for a, p in bench.parameters.items()} for trial in asked]
            bench.run(batch, tick)
            for trial, values in zip(asked, batch, strict=True):
                figures = bench.known[bench.key(values)]
                if figures.stats and metric not in figures.stats:
                    raise ParameterError(f"metric = {metric!r}: expected one of {', '.join(figures.stats)}")
                value = score(figures.stats, metric)
                failed = math.isnan(value)
                study.tell(trial, None if failed else value, optuna.trial.TrialState.FAIL if failed else None)
            tried += batch
        return tried
    finally:
        optuna.logging.set_verbosity(before)


def _suggest(trial: Any, address: str, choices: list[Any] | Range) -> Any:
    if isinstance(choices, list):
        # By position: optuna's categories must be plain values, ours may be any.
        return choices[trial.suggest_categorical(address, list(range(len(choices))))]
    if choices.whole:
        step = 1 if choices.step is None else int(choices.step)
        return trial.suggest_int(address, int(choices.low), int(choices.high), step=step, log=choices.log)
    return trial.suggest_float(address, choices.low, choices.high, step=choices.step, log=choices.log)


def _frame(space: Space, tried: list[dict[str, Any]], figures: list[Figures]) -> pl.DataFrame:
    names = next((list(f.stats) for f in figures if f.stats), [])
    columns: dict[str, Any] = {"trial": range(1, len(tried) + 1)}
    for address in space.parameters:
        values = [t[address] for t in tried]
        plain = all(isinstance(v, int | float | str | bool) for v in values)
        columns[address] = pl.Series(address, values if plain else [str(v) for v in values], strict=False)
    for name in names:
        columns[name] = pl.Series(name, [f.stats.get(name) for f in figures], dtype=pl.Float64)
    columns["error"] = pl.Series("error", [f.error for f in figures], dtype=pl.String)
    return pl.DataFrame(columns)


@contextlib.contextmanager
def _bar(total: int, show: bool) -> Any:
    if not show:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("backtests"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("backtests", total=total)
        yield lambda done: bar.advance(task, done)
