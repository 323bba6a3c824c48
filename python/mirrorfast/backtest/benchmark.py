"""Buy and hold, through the same engine and the same costs as the run that it is compared with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np

from mirrorfast.backtest.runner import execute, prepare

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from mirrorfast.backtest.result import BacktestResult
    from mirrorfast.config import TradingConfig

__all__ = ["buy_and_hold"]

#: No rule may sell: every limit is out of reach, and a holding is never traded back to its share.
_NO_LIMITS: Final = {
    "min_target": 0.0,
    "correlation_cap_rho": 1.0,
    "max_heat": 100.0,
    "max_leverage": 100.0,
    "min_cash": 0.0,
    "daily_loss_limit": 1.0,
    "rebalance_band": 10.0,
    "drawdown": {"half": 1.0, "no_new_risk": 1.0, "halt": 1.0, "recovery": 0.0},
}


def buy_and_hold(
    bars: pl.DataFrame, config: TradingConfig, *, trade_from: datetime | None = None, interval: str | None = None
) -> BacktestResult:
    """Buy every symbol in equal parts as soon as the risk engine knows its market, and hold it to the end.

    Parameters
    ----------
    bars
        Validated bars.
    config
        Capital, instruments and costs.
    trade_from
        First bar whose close may be acted on; the first of each symbol by default.
    interval
        The step of the bars, where it is known.

    Returns
    -------
    BacktestResult
        Equity and fills of the holder.

    Notes
    -----
    The engine runs one outside strategy that always says 1, without limits, so fees, spread, slippage, latency, lots
    and partial fills are those of any other run. A symbol whose bars begin later waits in cash. The share leaves room
    for the costs of buying. What is held at the end is valued at the close, as in every backtest.
    """
    _, engine_json = prepare(bars, config, interval=interval)
    document = json.loads(engine_json)
    costs = config.costs
    usual = (costs.taker_fee, costs.spread, costs.slippage.fraction if costs.slippage.model == "fixed" else 0.01)
    own = [(i.taker_fee, i.spread, i.slippage) for i in config.instruments.values()]
    # Room for the dearest: of each symbol its own costs where it has any, else those of the run.
    slack = max(sum(u if o is None else o for o, u in zip(one, usual, strict=True)) for one in [usual, *own])
    document |= {
        "strategies": [],
        "external": [{"name": "buy_and_hold", "weight": 1.0}],
        "adapt_weights": False,
        "classify": False,
        "ensemble": {"method": "weighted"},
        "meta": {"mode": "rule_only"},
        "risk": document["risk"]
        | _NO_LIMITS
        | {
            "max_position": (1.0 - slack) / max(1, sum(s["trade"] for s in document["symbols"])),
            "sizing": document["risk"]["sizing"] | {"method": "target"},
            "stop": document["risk"]["stop"]
            | {"kind": "none", "trailing": False, "break_even_at_r": None, "max_bars": None},
        },
    }
    always = np.ones(bars.height)
    return execute(
        bars,
        config,
        json.dumps(document, sort_keys=True),
        decisions=False,
        trade_from=trade_from,
        votes=[(always, always)],
    )
