"""Exact ties of moving averages: what engines do with them, on a market that anyone can make again.

``python -m benches.peers.ties`` prints a table of fills by engine, beside what whole numbers say. The market is
a random walk in cents from numpy's PCG64 (seed 2024), so the averages over 10 and 30 closes are equal on more than a
thousand bars: in cents, three times the fast sum is the slow one.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

import mirrorfast as mf
from benches.peers.backtest import settings

__all__ = ["exact_sides", "run", "tied_cents", "tied_market"]

BARS, FAST, SLOW, SEED = 1_000_000, 10, 30, 2024
Ints = npt.NDArray[np.int64]


def tied_cents(n: int = BARS) -> tuple[Ints, Ints]:
    """Closes and opens in cents, between 900 and 1,100."""
    rng = np.random.default_rng(SEED)
    walk = np.cumsum(rng.integers(-10, 11, n))
    # Reflected at both ends, so that it stays in range without sticking to a price.
    span = 20_000
    closes = 90_000 + np.abs((walk + 10_000) % (2 * span) - span)
    return closes, np.r_[closes[0], closes[:-1]] + rng.integers(-2, 3, n)


def tied_market(n: int = BARS) -> pl.DataFrame:
    """The market as a table of bars."""
    closes, opens = tied_cents(n)
    close, open_ = closes / 100, opens / 100
    return pl.DataFrame(
        {
            "timestamp": pl.Series(np.arange(n) * 60_000).cast(pl.Datetime("ms", "UTC")),
            "symbol": pl.Series(["X/Y"]).new_from_index(0, n),
            "open": open_,
            "high": (np.maximum(closes, opens) + 2) / 100,
            "low": (np.minimum(closes, opens) - 2) / 100,
            "close": close,
            "volume": np.full(n, 10.0),
        }
    )


def exact_sides(cents: Ints, fast: int = FAST, slow: int = SLOW) -> Ints:
    """Sign of the fast less the slow average on every bar, in whole numbers; 0 at a tie."""
    sums = np.r_[0, np.cumsum(cents)]
    out = np.zeros(len(cents), dtype=np.int64)
    at = np.arange(slow, len(cents) + 1)
    out[slow - 1 :] = np.sign((sums[at] - sums[at - fast]) * slow - (sums[at] - sums[at - slow]) * fast)
    return out


def crossings(sides: Ints) -> int:
    """Changes of side, where a tie keeps the side that was."""
    kept = sides[sides != 0]
    return int((kept[1:] != kept[:-1]).sum())


def run(n: int = BARS) -> str:
    """Count the fills of every engine: Markdown."""
    cents, _ = tied_cents(n)
    sides, close = exact_sides(cents), cents / 100
    rows = [("exact arithmetic, a tie keeps the side", crossings(sides[:-1]))]
    bars = tied_market(n)
    result = mf.backtest(bars, decisions=False, orders=False, **settings())
    rows.append(("mirrorfast", result.fills.height))

    import vectorbt as vbt

    open_ = bars["open"].to_numpy()
    for engine in ("rust", "numba"):
        fast = vbt.MA.run(close, FAST, engine=engine)
        slow = vbt.MA.run(close, SLOW, engine=engine)
        up, down = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        pf = vbt.Portfolio.from_signals(
            close, up.vbt.signals.fshift(1), down.vbt.signals.fshift(1), price=open_, direction="both", engine=engine
        )
        rows.append((f"vectorbt, {engine} engine", len(pf.orders.records)))
    rolling = pl.Series(close)
    told = np.sign((rolling.rolling_mean(FAST) - rolling.rolling_mean(SLOW)).fill_null(0.0).to_numpy()).astype(np.int64)
    rows.append(("polars rolling means, fast > slow or not", crossings(np.where(told[SLOW - 1 : -1] > 0, 1, -1))))
    table = "\n".join(f"| {name} | {count:,} |" for name, count in rows)
    ties = int((sides[SLOW - 1 :] == 0).sum())
    return f"{n:,} bars, {ties:,} exact ties.\n\n| engine | fills |\n|---|---|\n{table}"


if __name__ == "__main__":
    print(run())
