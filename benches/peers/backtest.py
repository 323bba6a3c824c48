"""Backtests: the SMA cross on one series, a sweep, a portfolio, the whole pipeline, and how cost grows."""

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from benches.peers.harness import interleaved, table

FAST, SLOW, FEE = 10, 30, 0.001
BARS, SWEEP_BARS, SYMBOLS, PANEL_BARS = 1_000_000, 100_000, 100, 10_000
GRID = [(fast, slow) for fast in range(5, 25, 2) for slow in range(30, 80, 5)]


@cache
def market(n: int, symbols: int = 1) -> pl.DataFrame:
    """Random walks in cents, hourly, symbol after symbol."""
    rng = np.random.default_rng(7)
    frames = []
    times = pl.Series(np.arange(n, dtype=np.int64) * 3_600_000).cast(pl.Datetime("ms", "UTC"))
    for k in range(symbols):
        close = np.round(10_000 * np.exp(np.cumsum(rng.normal(0, 0.001, n))), 2)
        open_ = np.r_[close[0], close[:-1]]
        high, low = np.maximum(open_, close) + 0.5, np.maximum(np.minimum(open_, close) - 0.5, 0.01)
        columns = {"open": open_, "high": high, "low": low, "close": close, "volume": rng.uniform(10, 100, n)}
        frames.append(pl.DataFrame({"symbol": [f"S{k:03}"] * n, "timestamp": times, **columns}))
    return pl.concat(frames).rechunk()


def settings(fast: int = FAST, slow: int = SLOW, *, share: float = 0.01) -> dict[str, Any]:
    """The cross with a protective stop at 20 %, every rule of the risk engine on, a fee of 0.1 %."""
    import mirrorfast as mf

    return {
        "strategies": [{"name": "sma_cross", "weight": 1.0, "params": {"fast_period": fast, "slow_period": slow}}],
        "risk": mf.RiskConfig.all_in(share, stop={"kind": "percent", "percent": 0.2}),
        "costs": {"taker_fee": FEE, "maker_fee": FEE, "spread": 0.0, "slippage": {"fraction": 0.0}},
        "config": mf.TradingConfig(capital=1e9, adapt_weights=False),
    }


def ours_one(n: int = BARS) -> Callable[[], object]:
    import mirrorfast as mf

    bars, options = market(n), settings()

    def job() -> object:
        result = mf.backtest(bars, decisions=False, orders=False, **options)
        return result.fills.height, result.equity["equity"][-1]

    return job


def ours_sweep() -> Callable[[], object]:
    from mirrorfast import _core

    bars = market(SWEEP_BARS)
    configs = []
    for fast, slow in GRID:
        parts = settings(fast, slow)
        configs.append(parts.pop("config").replace(**parts).to_engine_json(["S000"], interval="1h"))
    return lambda: pl.DataFrame(_core.run_sweep(bars, configs))["sharpe"].sum()


def ours_portfolio() -> Callable[[], object]:
    import mirrorfast as mf

    bars, options = market(PANEL_BARS, SYMBOLS), settings(share=0.01)

    def job() -> object:
        result = mf.backtest(bars, decisions=False, orders=False, **options)
        return result.stats["sharpe"], result.fills.height

    return job


def vectorbt(engine: str, n: int = BARS) -> Callable[[], object]:
    import pandas as pd
    import vectorbt as vbt

    bars = market(n)
    index = pd.DatetimeIndex(bars["timestamp"].to_numpy())
    close, open_ = (pd.Series(bars[name].to_numpy(), index=index) for name in ("close", "open"))

    def job() -> object:
        fast, slow = (vbt.MA.run(close, k, engine=engine) for k in (FAST, SLOW))
        later = lambda x: pd.Series(np.r_[False, x.to_numpy()[:-1]], index=index)  # noqa: E731
        pf = vbt.Portfolio.from_signals(
            close,
            later(fast.ma_crossed_above(slow)),
            short_entries=later(fast.ma_crossed_below(slow)),
            price=open_,
            size=1_000.0,
            fees=FEE,
            init_cash=1e9,
            freq="1h",
            engine=engine,
        )
        return len(pf.orders.records), pf.value().iloc[-1]

    return job


def vectorbt_sweep(engine: str) -> Callable[[], object]:
    import pandas as pd
    import vectorbt as vbt

    bars = market(SWEEP_BARS)
    index = pd.DatetimeIndex(bars["timestamp"].to_numpy())
    close, open_ = (pd.Series(bars[name].to_numpy(), index=index) for name in ("close", "open"))
    names = [f"{fast}/{slow}" for fast, slow in GRID]

    def job() -> object:
        fast = vbt.MA.run(close, [f for f, _ in GRID], engine=engine)
        slow = vbt.MA.run(close, [s for _, s in GRID], engine=engine)
        up, down = fast.ma.to_numpy() > slow.ma.to_numpy(), fast.ma.to_numpy() < slow.ma.to_numpy()
        start = np.zeros((2, up.shape[1]), dtype=bool)
        enter = pd.DataFrame(np.r_[start, up[1:-1] & ~up[:-2]], index=index, columns=names)
        leave = pd.DataFrame(np.r_[start, down[1:-1] & ~down[:-2]], index=index, columns=names)
        pf = vbt.Portfolio.from_signals(
            close,
            enter,
            short_entries=leave,
            price=open_,
            size=1_000.0,
            fees=FEE,
            init_cash=1e9,
            freq="1h",
            engine=engine,
        )
        return pf.stats(agg_func=None)["Sharpe Ratio"].sum()

    return job


def vectorbt_portfolio(engine: str) -> Callable[[], object]:
    import pandas as pd
    import vectorbt as vbt

    bars = market(PANEL_BARS, SYMBOLS)
    wide = {
        name: pd.DataFrame(
            bars[name].to_numpy().reshape(SYMBOLS, PANEL_BARS).T,
            index=pd.DatetimeIndex(bars["timestamp"].to_numpy()[:PANEL_BARS]),
        )
        for name in ("close", "open")
    }
    close, open_ = wide["close"], wide["open"]

    def job() -> object:
        fast, slow = (vbt.MA.run(close, k, engine=engine).ma.to_numpy() for k in (FAST, SLOW))
        up, down = fast > slow, fast < slow
        start = np.zeros((2, SYMBOLS), dtype=bool)
        enter = pd.DataFrame(np.r_[start, up[1:-1] & ~up[:-2]], index=close.index)
        leave = pd.DataFrame(np.r_[start, down[1:-1] & ~down[:-2]], index=close.index)
        pf = vbt.Portfolio.from_signals(
            close,
            enter,
            short_entries=leave,
            price=open_,
            size=1_000.0,
            fees=FEE,
            init_cash=1e9,
            freq="1h",
            group_by=True,
            cash_sharing=True,
            engine=engine,
        )
        return pf.stats()["Sharpe Ratio"], len(pf.orders.records)

    return job


def backtesting_py(n: int) -> Callable[[], object]:
    import pandas as pd
    from backtesting import Backtest, Strategy
    from backtesting.lib import crossover

    bars = market(n)
    frame = pd.DataFrame(
        {name.title(): bars[name].to_numpy() for name in ("open", "high", "low", "close", "volume")},
        index=pd.DatetimeIndex(bars["timestamp"].to_numpy()),
    )
    mean = lambda x, k: pd.Series(x).rolling(k).mean()  # noqa: E731

    class Cross(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.fast = self.I(mean, self.data.Close, FAST)
            self.slow = self.I(mean, self.data.Close, SLOW)

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self.position.close()
                self.buy(size=1_000)
            elif crossover(self.slow, self.fast):
                self.position.close()
                self.sell(size=1_000)

    return lambda: Backtest(frame, Cross, cash=1e9, commission=FEE, finalize_trades=True).run()["# Trades"]


def peers(jobs: dict[str, Callable[[], Callable[[], object]]]) -> dict[str, Callable[[], object]]:
    """The jobs whose library is there and can do them."""
    ready: dict[str, Callable[[], object]] = {}
    for name, make in jobs.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                job = make()
                job()
        except (ImportError, ValueError, TypeError, NotImplementedError) as error:
            print(f"without {name}: {type(error).__name__}: {error}", file=sys.stderr)
        else:
            ready[name] = job
    return ready


def pipeline() -> str:
    """Bars a second with every feature and every strategy of one symbol, and a closed bar's way through Python."""
    import mirrorfast as mf
    from mirrorfast import _core

    bars = market(50_000)
    names = mf.strategies.catalogue().filter(pl.col("scope") == "symbol")["name"].to_list()
    start = time.process_time()
    mf.backtest(bars, strategies=names, decisions=False, orders=False)
    rate = bars.height / (time.process_time() - start)
    cfg = mf.TradingConfig().replace(strategies=names)
    engine = _core.DecisionEngine(cfg.to_engine_json(["S000"], interval="1h"))
    taken = []
    for ts, row in enumerate(bars.head(20_000).select("open", "high", "low", "close", "volume").iter_rows()):
        begin = time.perf_counter_ns()
        engine.on_bars(ts * 3_600_000, [(0, *row)])
        taken.append(time.perf_counter_ns() - begin)
    p50, p99 = np.percentile(taken[5_000:], [50, 99]) / 1e3
    return (
        f"Every feature and {len(names)} strategies (their models fitted anew every 100 bars), ensemble, "
        "risk, orders, "
        f"one symbol: {rate:,.0f} bars/s. One closed bar to intents through Python: p50 {p50:.1f} µs, p99 {p99:.1f} µs."
    )


SCALE = """
import json, resource, sys, time
from benches.peers.backtest import market, settings
import mirrorfast as mf
n = int(sys.argv[1])
bars, options = market(n), settings()
mf.backtest(bars.head(1000), decisions=False, orders=False, **options)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
open('/proc/self/clear_refs', 'w').write('5')
at = lambda: int(next(l for l in open('/proc/self/status') if l.startswith(sys.argv[2])).split()[1]) * 1024
resident = int(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1]) * 1024
start = time.process_time()
result = mf.backtest(bars, decisions=False, orders=False, **options)
seconds = time.process_time() - start
peak = at()
tables = sum(getattr(result, t).estimated_size() for t in ('equity', 'orders', 'order_events', 'fills', 'trades'))
print(json.dumps({'seconds': seconds, 'more': peak - resident, 'input': bars.estimated_size(), 'results': tables}))
"""


def scaling() -> str:
    """Time and memory from 10⁴ to 10⁷ bars, each in a process of its own."""
    rows = []
    for n in (10_000, 100_000, 1_000_000, 10_000_000):
        done = subprocess.run(
            [sys.executable, "-c", SCALE, str(n), "VmHWM"],
            capture_output=True,
            text=True,
            check=True,
            env=dict(os.environ),
        )
        m = json.loads(done.stdout.splitlines()[-1])
        share = (m["input"] + m["more"]) / (m["input"] + m["results"])
        mib = [f"{m[k] / 2**20:.1f}" for k in ("input", "results", "more")]
        rows.append([f"{n:,}", f"{m['seconds']:.4f}", f"{m['seconds'] / n * 1e9:.0f}", *mib, f"{share:.2f}"])
    head = [
        "bars",
        "CPU s",
        "ns a bar",
        "input MiB",
        "results MiB",
        "peak beyond the input MiB",
        "peak / (input + results)",
    ]
    return table(head, rows)


def run(rounds: int = 5) -> str:
    """The tables of backtests."""
    parts = []
    few = max(3, rounds // 2)
    scaled = BARS // 10
    one = {
        "mirrorfast": ours_one,
        "vectorbt, Rust engine": lambda: vectorbt("rust"),
        "vectorbt, Numba engine": lambda: vectorbt("numba"),
    }
    groups: list[tuple[str, dict[str, Callable[[], Callable[[], object]]]]] = [
        (f"SMA {FAST}/{SLOW} cross, {BARS:,} bars, fee 0.1 %: fills and equity per bar", one),
        (
            f"sweep of {len(GRID)} combinations × {SWEEP_BARS:,} bars, with stats",
            {
                "mirrorfast": ours_sweep,
                "vectorbt, Rust engine": lambda: vectorbt_sweep("rust"),
                "vectorbt, Numba engine": lambda: vectorbt_sweep("numba"),
            },
        ),
        (
            f"portfolio of {SYMBOLS} symbols × {PANEL_BARS:,} bars, shared cash, with stats",
            {
                "mirrorfast": ours_portfolio,
                "vectorbt, Rust engine": lambda: vectorbt_portfolio("rust"),
                "vectorbt, Numba engine": lambda: vectorbt_portfolio("numba"),
            },
        ),
    ]
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for title, jobs in groups:
            ready = peers(jobs)
            timing = interleaved(ready, rounds=rounds if jobs is one else few)
            for name in ready:
                ratio = "1.0×" if name == "mirrorfast" else f"{timing.ratio('mirrorfast', name):.1f}×"
                rows.append([title, name, f"{timing.median(name):.3f}", ratio])
        slow = peers({"backtesting.py": lambda: backtesting_py(scaled), "mirrorfast": lambda: ours_one(scaled)})
        if len(slow) == 2:
            timing = interleaved(slow, rounds=1, warm=0)
            ratio = timing.ratio("mirrorfast", "backtesting.py")
            rows.append(
                [
                    f"SMA cross, {scaled:,} bars",
                    "backtesting.py",
                    f"{timing.median('backtesting.py'):.3f}",
                    f"{ratio:.0f}×",
                ]
            )
    parts.append(table(["job", "engine", "CPU s", "its time over ours"], rows))
    parts.append(
        "Ours sends real orders with a protective stop at 20 % and asks the whole risk engine on every bar; it fills "
        "at the next open, as vectorbt is told to by shifted signals. A stop is no part of vectorbt's run. The sweep "
        "runs on all cores; CPU seconds count them all."
    )
    parts.append(pipeline())
    parts.append("One run, `mf.backtest(bars, decisions=False, orders=False)`:\n\n" + scaling())
    return "\n\n".join(parts)
