"""`mf.backtest`: the engine's Rust loop over a table of bars."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.backtest.own import own_votes
from mirrorfast.backtest.result import BacktestResult
from mirrorfast.config import TradingConfig
from mirrorfast.data.schema import bar_interval, require_bars, select_bars, validate_bars
from mirrorfast.strategies.lineup import Lineup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

__all__ = ["backtest"]


def backtest(
    bars: Any,
    *,
    strategies: Sequence[Any] | None = None,
    ensemble: Any = None,
    risk: Any = None,
    costs: Any = None,
    config: TradingConfig | None = None,
    decisions: bool = True,
    bias_check: Literal["raise", "warn", "off"] | None = None,
) -> BacktestResult:
    """Run strategies, ensemble and risk engine over bars; fills, fees and stops as in paper trading.

    Parameters
    ----------
    bars : DataFrame or Arrow table, shape (n, 7)
        ``symbol timestamp open high low close volume``; timestamps are bar open times. Many symbols share the cash.
    strategies : sequence of str, dict, StrategyConfig, BaseStrategyAgent, class or function, optional
        Names, names with parameters and weight, or strategies of your own, as objects, classes or functions of bars;
        the configuration's by default.
    ensemble : str, dict or EnsembleConfig, optional
        How votes become one position.
    risk : dict or RiskConfig, optional
        Risk rules.
    costs : dict or CostConfig, optional
        Fees, slippage and spread.
    config : TradingConfig, optional
        Everything else; the arguments above replace its parts.
    decisions : bool, default True
        Keep one row a bar with votes and reasons; without them a run takes less memory.
    bias_check : {"raise", "warn", "off"}, optional
        What happens when a strategy of your own looks ahead, or further back than its ``lookback``; the
        configuration's, which is ``"raise"``, by default. A few cuts are looked at, at the cost of about three more
        calls of the strategy; :func:`mirrorfast.check_bias` looks closer.

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
    UserCodeError
        When a strategy of your own raises; the message names it, symbol and bar.
    BiasError
        When a strategy of your own looks ahead; the message names the first bar and both values.

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
    cfg = (config or TradingConfig()).replace(
        strategies=strategies, ensemble=ensemble, risk=risk, costs=costs, bias_check=bias_check
    )
    lineup = Lineup.of(cfg)
    table = select_bars(validate_bars(bars, source="bars"), symbols=cfg.symbols, start=cfg.start, end=cfg.end)
    symbols = table["symbol"].unique(maintain_order=True).to_list()
    interval = bar_interval(table)
    engine_json = cfg.to_engine_json(symbols, interval=interval, own=lineup.own_names)
    require_bars(
        table,
        max(_core.DecisionEngine(engine_json).warm_up, lineup.warm_up) + 2,
        source="bars",
        reason="the strategies' warm-up and one trade",
    )
    start = time.perf_counter()
    votes = own_votes(lineup, table, cfg, interval)
    out = _core.run_backtest(table, engine_json, votes=votes, decisions=decisions)
    seconds = time.perf_counter() - start
    tables: dict[str, Any] = {
        name: pl.DataFrame(out[name])
        for name in ("equity", "decisions", "orders", "order_events", "fills", "trades", "weights")
    }
    return BacktestResult(**tables, risk_events=out["risk_events"], bars=table, seconds=seconds, config=cfg)
