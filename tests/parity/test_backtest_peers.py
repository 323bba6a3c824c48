"""The SMA cross against vectorbt and backtesting.py, trade for trade; ties against exact arithmetic.

What must agree: the time, the side and the price of every fill. What the models do differently, and how the tests bring
it together: our quantity is decided on the close and filled at the next open, vectorbt spends the cash it has at that
open, and backtesting.py buys whole units. So vectorbt is given our quantities, after which its fees and its equity must
be ours; backtesting.py is given one unit, and its trades must be ours but for the quantity.
"""

import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf

FAST, SLOW = 10, 30
FREE = {"spread": 0.0, "slippage": {"fraction": 0.0}}
FEE = 0.001


def table(close: np.ndarray, open_: np.ndarray, *, wick: float = 0.0) -> pl.DataFrame:
    high, low = np.maximum(open_, close) + wick, np.minimum(open_, close) - wick
    start = datetime(2024, 1, 1, tzinfo=UTC)
    times = pl.datetime_range(start, start + timedelta(hours=len(close) - 1), "1h", time_unit="ms", eager=True)
    return pl.DataFrame(
        {"timestamp": times, "open": open_, "high": high, "low": low, "close": close, "volume": np.ones(len(close))}
    ).select(pl.lit("X/Y").alias("symbol"), pl.all())


def tied_market(n: int = 20_000) -> tuple[pl.DataFrame, np.ndarray]:
    """A narrow walk in cents, where the averages are equal on hundreds of bars; and its closes in whole cents."""
    rng = np.random.default_rng(11)
    cents = np.clip(10_000 + np.cumsum(rng.integers(-2, 3, n)), 9_000, 11_000).astype(np.int64)
    opens = cents + rng.integers(-1, 2, n)
    return table(cents / 100, opens / 100, wick=0.02), cents


def untied_market(n: int = 6_000) -> pl.DataFrame:
    """A market without ties: the averages differ by far more than rounding on every bar."""
    rng = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.004, n)))
    open_ = np.r_[close[0], close[:-1]] * np.exp(rng.normal(0, 0.001, n))
    # On the tick grid, to which our fills are rounded.
    return table(close.round(6), open_.round(6), wick=0.01)


def ours(bars: pl.DataFrame, *, short: int, capital: float = 1e6) -> mf.BacktestResult:
    config = mf.TradingConfig(capital=capital, adapt_weights=False)
    strategy = {
        "name": "sma_cross",
        "weight": 1.0,
        "params": {"fast_period": FAST, "slow_period": SLOW, "short": short},
    }
    return mf.backtest(
        bars,
        strategies=[strategy],
        risk=mf.RiskConfig.all_in(0.5),
        costs={**FREE, "taker_fee": FEE, "maker_fee": FEE},
        config=config,
    )


def exact_side(cents: np.ndarray) -> np.ndarray:
    """Side of the fast average by whole numbers; a tie keeps the side; 0 before the first crossing."""
    sums = np.r_[0, np.cumsum(cents)]
    side, crossed, out = 0, False, np.zeros(len(cents), dtype=np.int64)
    for t in range(SLOW - 1, len(cents)):
        fast, slow = sums[t + 1] - sums[t + 1 - FAST], sums[t + 1] - sums[t + 1 - SLOW]
        now = int(np.sign(fast * SLOW - slow * FAST))
        if now and now != side:
            crossed |= side != 0
            side = now
        out[t] = side if crossed else 0
    return out


def fills(result: mf.BacktestResult) -> list[tuple[datetime, str, float]]:
    return result.fills.select("timestamp", "side", "price").rows()


def expected_fills(bars: pl.DataFrame, side: np.ndarray, *, short: bool) -> list[tuple[datetime, str, float]]:
    """Fills at the next open wherever the wanted side changes."""
    wanted = side if short else np.maximum(side, 0)
    changed = np.flatnonzero(np.diff(wanted)) + 1
    times, opens = bars["timestamp"].to_list(), bars["open"].to_numpy()
    return [
        (times[t + 1], "buy" if wanted[t] > wanted[t - 1] else "sell", opens[t + 1])
        for t in changed
        if t + 1 < len(opens)
    ]


@pytest.mark.parametrize("short", [0, 1])
def test_ties_are_those_of_exact_arithmetic(short: int) -> None:
    bars, cents = tied_market()
    side = exact_side(cents)
    result = ours(bars, short=short)
    expected = expected_fills(bars, side, short=bool(short))
    assert fills(result) == expected
    assert len(expected) > 300
    # Floats as they are see crossings on bars where there is none.
    close = cents / 100
    mean = {n: np.convolve(close, np.ones(n) / n, "valid")[SLOW - n :] for n in (FAST, SLOW)}
    sums = np.r_[0, np.cumsum(cents)]
    tie = (sums[SLOW:] - sums[SLOW - FAST : -FAST]) * SLOW == (sums[SLOW:] - sums[:-SLOW]) * FAST
    assert tie.sum() > 50
    assert (np.sign(mean[FAST] - mean[SLOW])[tie] != 0).any()
    again = ours(bars, short=short)
    assert again.fills.equals(result.fills)


def test_vectorbt_gets_the_same_fills_fees_and_equity() -> None:
    pd = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vbt = pytest.importorskip("vectorbt", reason="vectorbt is not installed; it is a peer, not a dependency")
        bars = untied_market()
        index = pd.DatetimeIndex(bars["timestamp"].to_numpy())
        close, open_ = (pd.Series(bars[name].to_numpy(), index=index) for name in ("close", "open"))
        averages = [vbt.MA.run(close, n).ma.to_numpy() for n in (FAST, SLOW)]
        assert np.nanmin(np.abs(averages[0] - averages[1])) > 1e-9
        entry = vbt.MA.run(close, FAST).ma_crossed_above(vbt.MA.run(close, SLOW)).to_numpy()
        leave = vbt.MA.run(close, FAST).ma_crossed_below(vbt.MA.run(close, SLOW)).to_numpy()
        for short in (0, 1):
            result = ours(bars, short=short, capital=1e6)
            signed = result.fills.with_columns(
                (pl.col("quantity") * pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0)).alias("signed")
            )
            rows = bars["timestamp"].search_sorted(signed["timestamp"]).to_numpy()
            size = np.zeros(len(close))
            size[rows] = signed["signed"].to_numpy()
            later = lambda x: pd.Series(np.r_[False, x[:-1]], index=index)  # noqa: E731
            enter, exit_ = later(entry), later(leave)
            if short:
                # Which bars trade, and on which side, by vectorbt's own signals.
                turns = vbt.Portfolio.from_signals(
                    close, enter, short_entries=exit_, price=open_, size=1.0, init_cash=1e9, freq="1h"
                ).orders.records
                assert list(turns["idx"]) == list(rows)
            else:
                turns = vbt.Portfolio.from_signals(
                    close, enter, exit_, price=open_, init_cash=1e6, fees=FEE, freq="1h"
                ).orders.records
                assert list(turns["idx"]) == list(rows)
            assert ["buy" if side == 0 else "sell" for side in turns["side"]] == result.fills["side"].to_list()
            assert np.array_equal(turns["price"].to_numpy(), result.fills["price"].to_numpy())
            money = vbt.Portfolio.from_orders(
                close,
                pd.Series(size, index=index).replace(0.0, np.nan),
                price=open_,
                fees=FEE,
                init_cash=1e6,
                freq="1h",
            )
            assert np.allclose(money.orders.records["fees"], result.fills["fee"], rtol=1e-9)
            assert np.allclose(money.value().to_numpy(), result.equity["equity"].to_numpy(), rtol=1e-9)
            assert len(rows) > 100


def test_backtesting_py_makes_the_same_trades() -> None:
    pd = pytest.importorskip("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = pytest.importorskip(
            "backtesting", reason="backtesting.py is not installed; it is a peer, not a dependency"
        )
        from backtesting.lib import crossover

        class Cross(peer.Strategy):
            def init(self) -> None:
                mean = lambda x, n: pd.Series(x).rolling(n).mean()  # noqa: E731
                self.fast = self.I(mean, self.data.Close, FAST)
                self.slow = self.I(mean, self.data.Close, SLOW)

            def next(self) -> None:
                if crossover(self.fast, self.slow):
                    self.position.close()
                    self.buy(size=1)
                elif crossover(self.slow, self.fast):
                    self.position.close()
                    self.sell(size=1)

        bars = untied_market(3_000)
        frame = bars.select(pl.col(n).alias(n.title()) for n in ("open", "high", "low", "close", "volume")).to_pandas()
        frame.index = pd.DatetimeIndex(bars["timestamp"].to_numpy())
        stats = peer.Backtest(frame, Cross, cash=1e6, commission=0.0, finalize_trades=False).run()
    theirs = stats["_trades"].sort_values("EntryBar")
    mine = ours(bars, short=1).trades.sort("entry_time")
    assert len(theirs) > 50
    assert list(theirs["EntryTime"]) == [t.replace(tzinfo=None) for t in mine["entry_time"]]
    assert list(theirs["ExitTime"]) == [t.replace(tzinfo=None) for t in mine["exit_time"]]
    assert ["long" if size > 0 else "short" for size in theirs["Size"]] == mine["side"].to_list()
    for column, name in (("EntryPrice", "entry_price"), ("ExitPrice", "exit_price")):
        assert np.allclose(theirs[column], mine[name], rtol=1e-12)
