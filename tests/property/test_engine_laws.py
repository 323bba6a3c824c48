"""The laws of SPEC over the whole engine on real bars; on random bars `engine_laws.rs` holds it to them."""

from datetime import datetime

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast import _core
from mirrorfast.config import InstrumentConfig

PRICES = ("open", "high", "low", "close")


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars()


@pytest.fixture(scope="module")
def whole(bars: pl.DataFrame) -> mf.BacktestResult:
    return mf.backtest(bars)


@pytest.mark.parametrize("day", ["2017-07-20", "2017-09-15", "2017-12-01"])
def test_the_future_changes_nothing(bars: pl.DataFrame, whole: mf.BacktestResult, day: str) -> None:
    part = mf.backtest(bars.filter(pl.col("timestamp") < pl.lit(datetime.fromisoformat(f"{day}T00:00:00+00:00"))))
    assert part.equity.height > 300
    for name in ("equity", "decisions", "orders", "fills", "trades", "weights"):
        made, all_made = getattr(part, name), getattr(whole, name)
        assert made.equals(all_made.head(made.height)), name


def test_units_of_price_and_volume_do_not_matter(bars: pl.DataFrame) -> None:
    def run(price: float, volume: float) -> mf.BacktestResult:
        grid = InstrumentConfig(tick=2.0**-20 * price, lot=2.0**-20 / price)
        config = mf.TradingConfig(instruments=dict.fromkeys(("BTC/USD", "EUR/USD"), grid))
        return mf.backtest(bars.with_columns(pl.col(PRICES) * price, pl.col("volume") * volume), config=config)

    plain, scaled = run(1.0, 1.0), run(8.0, 3.7)
    assert plain.trades.height > 300
    for column in ("symbol", "verdict", "direction", "signal", "regime", "purpose"):
        assert plain.decisions[column].equals(scaled.decisions[column]), column
    for column in ("rule", "target", "vote_ut_bot", "vote_mean_reversion", "vote_momentum_breakout"):
        difference = (plain.decisions[column] - scaled.decisions[column]).abs().drop_nulls()
        assert (difference <= 1e-9).all(), column


def test_a_restored_engine_goes_on_bit_for_bit(bars: pl.DataFrame) -> None:
    rows = (
        bars.filter(pl.col("symbol") == "BTC/USD").select(pl.col("timestamp").dt.epoch("ms"), *PRICES, "volume").rows()
    )
    text = mf.TradingConfig().to_engine_json(["BTC/USD"])
    straight = _core.DecisionEngine(text)
    broken = _core.DecisionEngine(text)
    for k, (ts, *ohlcv) in enumerate(rows[:1500]):
        if k % 400 == 399:
            state = broken.snapshot()
            broken = _core.DecisionEngine(text)
            broken.restore(state)
        a, b = (engine.on_bars(ts, [(0, *ohlcv)]) for engine in (straight, broken))
        assert a.decisions == b.decisions
        assert [i.as_dict() for i in a.intents] == [i.as_dict() for i in b.intents]
    assert straight.snapshot() == broken.snapshot()
