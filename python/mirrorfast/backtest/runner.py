"""`mf.backtest`: the engine's Rust loop over a table of bars."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.backtest.result import BacktestResult
from mirrorfast.config import TradingConfig
from mirrorfast.data.schema import BAR_SCHEMA, interval_name, require_bars, select_bars, validate_bars
from mirrorfast.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["backtest", "prepare_bars"]


def backtest(
    bars: Any,
    *,
    strategies: Sequence[Any] | None = None,
    ensemble: Any = None,
    risk: Any = None,
    costs: Any = None,
    config: TradingConfig | None = None,
    decisions: bool = True,
    orders: bool = True,
) -> BacktestResult:
    """Run strategies, ensemble and risk engine over bars; fills, fees and stops as in paper trading.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, 7)
        ``symbol timestamp open high low close volume``; timestamps are bar open times. Many symbols share the cash.
    strategies : sequence of str, dict or StrategyConfig, optional
        Names, or names with parameters and weight; the configuration's by default.
    ensemble : str, dict or EnsembleConfig, optional
        How votes become one position.
    risk : dict or RiskConfig, optional
        Risk rules.
    costs : dict or CostConfig, optional
        Fees, slippage and spread.
    config : TradingConfig, optional
        Everything else; the arguments above replace its parts.
    decisions : bool, default True
        Keep one row a bar with votes and reasons; without them a run is faster and takes less memory.
    orders : bool, default True
        Keep orders and what became of them; fills and trades are kept in any case.

    Returns
    -------
    BacktestResult
        Tables of equity, decisions, orders, fills and trades; ``.stats`` has the figures, ``.tearsheet(path)`` reports.

    Raises
    ------
    DataError
        For bars that break SPEC §1, or too few of them for the strategies to warm up.
    ConfigurationError, ParameterError
        For a configuration or parameter out of its range.

    Notes
    -----
    A decision on a bar's close fills at the next bar's open, plus slippage. Inside a bar the worst order of events is
    assumed: a stop fills before a target. The same bars through ``mirrorfast live`` give the same intents, fills and
    equity, bit for bit.

    Examples
    --------
    >>> import mirrorfast as mf
    >>> result = mf.backtest(mf.sample_bars(["BTC/USD"]).head(1000), strategies=["ut_bot"], ensemble="majority")
    >>> result.equity.height
    1000
    """
    cfg = (config or TradingConfig()).replace(strategies=strategies, ensemble=ensemble, risk=risk, costs=costs)
    table, checked = prepare_bars(bars, cfg)
    engine_json = cfg.to_engine_json(checked.symbols, interval=_interval(checked))
    needed = _core.DecisionEngine(engine_json).warm_up + 2
    if min(checked.rows) < needed:
        require_bars(table, needed, source="bars", reason="the strategies' warm-up and one trade")
    start = time.perf_counter()
    out = _core.run_backtest(checked, engine_json, decisions=decisions, orders=orders)
    seconds = time.perf_counter() - start
    tables: dict[str, Any] = {
        name: pl.DataFrame(out[name])
        for name in ("equity", "decisions", "orders", "order_events", "fills", "trades", "weights")
    }
    return BacktestResult(
        **tables,
        risk_events=out["risk_events"],
        bars=table,
        seconds=seconds,
        config=cfg,
        _extra={"traded": out["traded"]},
    )


def prepare_bars(bars: Any, cfg: TradingConfig) -> tuple[pl.DataFrame, _core.BarTable]:
    """Bring bars into shape for runs of a configuration, and check them once for all of those runs.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, k)
        Raw or validated bars.
    cfg : TradingConfig
        Its symbols and span are kept.

    Returns
    -------
    tuple of polars.DataFrame and _core.BarTable
        The bars as a frame, and the same bars for ``_core.run_backtest`` and ``_core.run_sweep``.

    Raises
    ------
    DataError, ShapeError
        As `validate_bars` and `select_bars`.

    Examples
    --------
    >>> from mirrorfast.data import sample_bars
    >>> _, checked = prepare_bars(sample_bars(), TradingConfig(symbols=("BTC/USD",)))
    >>> checked.symbols
    ['BTC/USD']
    """
    whole = not cfg.symbols and cfg.start is None and cfg.end is None
    if whole and isinstance(bars, pl.DataFrame) and bars.schema == BAR_SCHEMA:
        # Bars that are in shape already need one look, which the engine takes; it refuses what `validate_bars` does,
        # whose words, below, name the row.
        try:
            checked = _core.BarTable(bars)
        except DataError:
            pass
        else:
            if checked.symbols and checked.symbols == sorted(checked.symbols) and checked.symbols[0]:
                return bars, checked
    table = select_bars(validate_bars(bars, source="bars"), symbols=cfg.symbols, start=cfg.start, end=cfg.end)
    return table, _core.BarTable(table)


def _interval(checked: _core.BarTable) -> str:
    if checked.step_ms is None:
        msg = f"bars: {len(checked)} rows: expected at least two of one symbol to tell the timeframe"
        raise DataError(msg)
    return interval_name(checked.step_ms)
