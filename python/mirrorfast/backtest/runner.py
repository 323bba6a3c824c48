"""`mf.backtest`: the engine's Rust loop over a table of bars."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from mirrorfast import _core
from mirrorfast.backtest.own import own_votes
from mirrorfast.backtest.policy import ask_policy, policy_columns
from mirrorfast.backtest.rates import with_rates
from mirrorfast.backtest.result import BacktestResult
from mirrorfast.config import TradingConfig
from mirrorfast.data.funding import with_funding
from mirrorfast.data.schema import BAR_SCHEMA, bar_interval, interval_name, require_bars, select_bars, validate_bars
from mirrorfast.errors import DataError
from mirrorfast.execution.policy import blended
from mirrorfast.strategies.lineup import Lineup

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

__all__ = ["backtest", "execute", "prepare", "prepare_bars", "traded_bars"]


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
    policy: Any = None,
    rates: Any = None,
    funding: Any = None,
    bias_check: Literal["raise", "warn", "off"] | None = None,
    trade_from: datetime | None = None,
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
        Keep one row a bar with votes and reasons; without them a run is faster and takes less memory.
    orders : bool, default True
        Keep orders and what became of them; fills and trades are kept in any case.
    policy : Policy, DataFrame or Arrow table, optional
        A policy, asked at every close; or actions of one: ``timestamp`` (open of the bar whose close it has seen),
        ``position`` in [−1, 1], and ``symbol`` and ``confidence`` where they matter. The configuration's ``meta`` says
        how it and the strategies share the decision (``confidence_blend`` where it says nothing and a Policy is
        given); bars without an answer follow the strategies.
    rates : DataFrame or Arrow table, optional
        What quote currencies are worth: ``currency``, ``timestamp`` (when the rate was known, or the open of the run's
        bar that it is the close of) and ``rate`` (account currency for one unit). A bar's close knows the rates of its
        own time and earlier. Where the run has bars of the pair, ``rate_symbols`` of the configuration is shorter.
    funding : DataFrame, Arrow table or path, optional
        Funding rates that the perpetuals of the configuration's ``instruments`` paid: ``symbol``, ``timestamp``,
        ``rate``; see :func:`mirrorfast.data.with_funding`.
    bias_check : {"raise", "warn", "off"}, optional
        What happens when a strategy of your own looks ahead, or further back than its ``lookback``; the
        configuration's, which is ``"raise"``, by default. A few cuts are looked at, at the cost of about three more
        calls of the strategy; :func:`mirrorfast.check_bias` looks closer.
    trade_from : datetime, optional
        First bar whose close may be acted on, UTC where it carries no zone: the bars before it warm everything up and
        are not traded, whatever strategies and policy say.

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

    Capital, equity, profit and every limit are in the account's ``currency``. Symbols may be quoted in others:
    constants come from ``rates`` of the configuration, rates that move from the closes of its ``rate_symbols`` or from
    the table `rates`, which becomes bars of a pair that the result's ``bars`` and ``config`` watch, so that a paper run
    of these two is the same. A rate changes when a bar closes, before the account is marked and positions are sized,
    and holds for the fills of the next bar. No foreign cash is held: what fills is converted at once. What a moving
    rate does to open positions is unrealised profit until they close. Volatility, stops and correlation are those of a
    symbol's own prices. While a currency has no rate yet, nothing is opened in it, and the decision says so.

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
    cfg = with_funding(cfg, funding)
    if hasattr(policy, "session"):
        cfg = blended(cfg)
    lineup = Lineup.of(cfg)
    table, checked = prepare_bars(bars, cfg)
    interval = bar_interval(table) if checked.step_ms is None else interval_name(checked.step_ms)
    if rates is not None:
        table, cfg = with_rates(table, cfg, rates, interval=interval)
        checked = _core.BarTable(table)
    engine_json = cfg.to_engine_json(checked.symbols, interval=interval, own=lineup.own_names)
    needed = max(_core.DecisionEngine(engine_json).warm_up, lineup.warm_up) + 2
    if min(checked.rows) < needed:
        require_bars(traded_bars(table, cfg), needed, source="bars", reason="the strategies' warm-up and one trade")
    votes, actions = None, None
    if hasattr(policy, "session"):
        votes = own_votes(lineup, table, cfg, interval) if lineup.own else []
        session = policy.session(
            checked.symbols,
            timeframe=interval if cfg.timeframe == "auto" else cfg.timeframe,
            market_of=cfg.market_of,
            largest=cfg.risk.max_position,
        )
        actions = ask_policy(session, table, _since(engine_json, trade_from), votes)
    elif policy is not None:
        actions = policy_columns(policy, table)
    return execute(
        table,
        cfg,
        engine_json,
        checked=checked,
        lineup=lineup,
        decisions=decisions,
        orders=orders,
        trade_from=trade_from,
        votes=votes,
        interval=interval,
        policy=actions,
    )


def prepare(table: pl.DataFrame, cfg: TradingConfig, *, interval: str | None = None) -> tuple[list[str], str]:
    """Name the symbols of a run and write its engine's configuration.

    Parameters
    ----------
    table
        Validated bars.
    cfg
        Configuration.
    interval
        The step of the bars, where it is known.

    Returns
    -------
    tuple of list of str and str
        Symbols in the order of the bars, and JSON.
    """
    symbols = table["symbol"].unique(maintain_order=True).to_list()
    own = Lineup.of(cfg).own_names
    return symbols, cfg.to_engine_json(symbols, interval=interval or bar_interval(table), own=own)


def execute(
    table: pl.DataFrame,
    cfg: TradingConfig,
    engine_json: str,
    *,
    checked: _core.BarTable | None = None,
    lineup: Lineup | None = None,
    decisions: bool = True,
    orders: bool = True,
    trade_from: datetime | None = None,
    votes: Sequence[tuple[Any, Any]] | None = None,
    interval: str | None = None,
    policy: tuple[Any, Any] | None = None,
) -> BacktestResult:
    """Run an engine's configuration over validated bars.

    Parameters
    ----------
    table
        Validated bars.
    cfg
        What the result names as its configuration.
    engine_json
        What is run.
    checked
        The same bars as the engine takes them, where they were made already.
    lineup
        The strategies of the configuration, where they were made already.
    decisions
        Keep one row a bar.
    orders
        Keep orders and what became of them.
    trade_from
        First bar whose close may be acted on.
    votes
        Signal and confidence columns of the engine's external strategies; by default those of the configuration are
        asked.
    interval
        The step of the bars, where it is known.
    policy
        Position and confidence columns of a policy.

    Returns
    -------
    BacktestResult
        Its tables.
    """
    engine_json = _since(engine_json, trade_from)
    start = time.perf_counter()
    asked = None if votes is None else list(votes)
    if asked is None:
        lineup = lineup or Lineup.of(cfg)
        asked = own_votes(lineup, table, cfg, interval or bar_interval(table)) if lineup.own else None
    out = _core.run_backtest(
        table if checked is None else checked,
        engine_json,
        votes=asked,
        policy=policy,
        decisions=decisions,
        orders=orders,
    )
    seconds = time.perf_counter() - start
    tables: dict[str, Any] = {
        name: pl.DataFrame(out[name])
        for name in ("equity", "decisions", "orders", "order_events", "fills", "trades", "weights")
    }
    noticed = [
        (e["ts"], f"{e['kind']}: equity {e['equity']:,.2f}, {e['drawdown']:.2%} below its peak")
        for e in out["risk_events"]
    ]
    return BacktestResult(
        **tables,
        risk_events=noticed,
        bars=table,
        seconds=seconds,
        config=cfg,
        trade_from=trade_from,
        traded=out["traded"],
    )


def _since(engine_json: str, trade_from: datetime | None) -> str:
    if trade_from is None:
        return engine_json
    since = trade_from.replace(tzinfo=UTC) if trade_from.tzinfo is None else trade_from
    # The first whole millisecond that is not before it.
    first = -((datetime(1970, 1, 1, tzinfo=UTC) - since) // timedelta(milliseconds=1))
    return json.dumps(json.loads(engine_json) | {"trade_from": first}, sort_keys=True)


def traded_bars(table: pl.DataFrame, cfg: TradingConfig) -> pl.DataFrame:
    """Leave out the bars of symbols that a configuration only watches.

    Parameters
    ----------
    table : polars.DataFrame
        Validated bars.
    cfg : TradingConfig
        Its `watch` names them.

    Returns
    -------
    polars.DataFrame
        The others.
    """
    return table.filter(~pl.col("symbol").is_in(cfg.watch)) if cfg.watch else table


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
    table = select_bars(validate_bars(bars, source="bars"), symbols=cfg.bar_symbols, start=cfg.start, end=cfg.end)
    return table, _core.BarTable(table)
