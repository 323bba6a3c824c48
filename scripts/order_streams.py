"""Hash the orders and fills of some twenty backtests, so that no change of behaviour goes unseen.

    python scripts/order_streams.py           # compare with the recorded hashes; exit status 1 if one differs
    python scripts/order_streams.py --write   # record what is now, after the change stands in CHANGELOG.md

Runs over the bundled market always; runs over real data where the folder in MIRRORFAST_SHARED (default ../shared) is
there, and keeps their recorded hashes where it is not. A strategy that the catalogue gains is
recorded by the next --write.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

import mirrorfast as mf
from mirrorfast import _core
from mirrorfast.backtest.runner import execute, prepare
from mirrorfast.strategies import registry

ROOT = Path(__file__).parents[1]
FILE = ROOT / "tests" / "data" / "order_streams.json"
DATA = Path(os.environ.get("MIRRORFAST_SHARED", ROOT.parent / "shared")) / "data"

COINS = ("AAVE", "ATOM", "BCH", "BTC", "DOGE", "ETH", "LINK", "LTC", "SOL", "UNI", "XRP")
TREND = ("ut_bot", "gradient_trend", "momentum_breakout")
MIXED = ("ut_bot", "mean_reversion", "momentum_breakout", "volatility_regime", "scanner_signal")
#: Strategies that lose are to trade on to the last bar; the default ladder stops them half-way.
PATIENT = {"drawdown": {"half": 0.5, "no_new_risk": 0.7, "halt": 0.8, "recovery": 0.1}}
ENSEMBLES: dict[str, Any] = {
    "weighted": {"method": "weighted", "signal_half_life": 6.0, "diversity_bonus": 0.2},
    "majority": {"method": "majority", "min_agree": 2, "priority": ["ut_bot"]},
    "stacked": {
        "method": "stacked",
        "stacked": {
            "link": "logistic",
            "coefficients": {"ut_bot": 1.5, "mean_reversion": 0.5, "momentum_breakout": 1.0},
        },
    },
    "dynamic": {"method": "dynamic"},
    "bayesian": {"method": "bayesian"},
    "regime": {"method": "regime"},
    "correlation": {"method": "correlation"},
}


def universe() -> set[str]:
    """Strategies over several symbols at once, which the engine takes votes of from outside."""
    return {row["name"] for row in _core.strategy_catalogue() if row["scope"] == "universe"}


def real(coins: tuple[str, ...], timeframe: str) -> pl.DataFrame:
    """Read the bars of some coins."""
    parts = []
    for coin in coins:
        table = pl.read_parquet(DATA / f"binance_{coin}-USDT_{timeframe}.parquet")
        parts.append(table.select(pl.lit(f"{coin}/USDT").alias("symbol"), *table.columns))
    return pl.concat(parts).sort("symbol", "timestamp")


def cautious(bars: pl.DataFrame) -> mf.BacktestResult:
    """Run what the other runs leave out: trailing and break-even stops, Kelly, latency, shares of volume."""
    return mf.backtest(
        bars,
        strategies=list(TREND),
        risk={
            "sizing": {"method": "kelly"},
            "stop": {"trailing": True, "break_even_at_r": 1.0, "max_bars": 48},
            "max_position": 0.3,
        },
        costs={"latency_bars": 1, "max_volume_share": 0.01, "slippage": {"model": "volume_share"}},
    )


def pairs(bars: pl.DataFrame) -> mf.BacktestResult:
    """Run the pairs strategy by its own votes."""
    votes = registry.create("pairs_trading").votes(bars)
    cfg = mf.TradingConfig()
    _, text = prepare(bars, cfg)
    document = json.loads(text) | {"strategies": [], "external": [{"name": "pairs_trading", "weight": 0.5}]}
    columns = tuple(votes[c].fill_null(float("nan")).to_numpy() for c in ("signal", "confidence"))
    return execute(bars, cfg, json.dumps(document), votes=[columns])


def runs() -> dict[str, tuple[bool, Callable[[], mf.BacktestResult]]]:
    """Name → (whether it needs real data, how to run it)."""
    out: dict[str, tuple[bool, Callable[[], mf.BacktestResult]]] = {}
    alone = [row["name"] for row in _core.strategy_catalogue() if row["name"] not in universe()]
    for name in alone:
        out[f"bundled, {name}"] = (False, lambda n=name: mf.backtest(mf.sample_bars(), strategies=[n], risk=PATIENT))
    for name, ensemble in ENSEMBLES.items():
        members = TREND if name == "correlation" else ("ut_bot", "mean_reversion", "momentum_breakout")
        out[f"bundled, {name} of three"] = (
            False,
            lambda e=ensemble, m=members: mf.backtest(mf.sample_bars(), strategies=list(m), ensemble=e),
        )
    out["bundled, trailing stops, Kelly, latency, volume share"] = (False, lambda: cautious(mf.sample_bars()))
    out["eleven coins 4h, five strategies"] = (True, lambda: mf.backtest(real(COINS, "4h"), strategies=list(MIXED)))
    out["eleven coins 1d, trend"] = (True, lambda: mf.backtest(real(COINS, "1d"), strategies=list(TREND)))
    out["eleven coins 4h, pairs_trading"] = (True, lambda: pairs(real(COINS, "4h")))
    out["SOL 15m, scalping"] = (
        True,
        lambda: mf.backtest(real(("SOL",), "15m"), strategies=["ut_bot", "regime_change"], ensemble="majority"),
    )
    return out


def stream(result: mf.BacktestResult) -> dict[str, Any]:
    """Hash a run's orders and fills; ten digits, so that the last bit of a platform's exponential does not count."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.10g}"

    digest = hashlib.sha256()
    for o in result.orders.iter_rows(named=True):
        digest.update(
            f"o {o['id']} {o['timestamp'].timestamp():.3f} {o['symbol']} {o['side']} {o['type']} "
            f"{number(o['quantity'])} {number(o['price'])} {number(o['trigger'])} {o['purpose']} "
            f"{o['reduce_only']}\n".encode()
        )
    for f in result.fills.iter_rows(named=True):
        digest.update(
            f"f {f['order']} {f['timestamp'].timestamp():.3f} {f['side']} {number(f['quantity'])} {number(f['price'])} "
            f"{number(f['fee'])}\n".encode()
        )
    return {
        "orders": result.orders.height,
        "fills": result.fills.height,
        "equity": float(f"{result.final_equity:.10g}"),
        "sha256": digest.hexdigest(),
    }


def recorded() -> dict[str, dict[str, Any]]:
    """Read the recorded hashes."""
    return json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}


def main() -> int:
    """Compare, or record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="record what is now")
    write = parser.parse_args().write
    known, now = recorded(), {}
    for name, (needs_data, run) in runs().items():
        if needs_data and not DATA.is_dir():
            if name in known:
                now[name] = known[name]
            print(f"{name}: not run, no market data in {DATA}")
            continue
        now[name] = stream(run())
        same = known.get(name) == now[name]
        print(f"{name}: {'same' if same else f'{known.get(name)} → {now[name]}'}")
    if write:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if write or known == now else 1


if __name__ == "__main__":
    sys.exit(main())
