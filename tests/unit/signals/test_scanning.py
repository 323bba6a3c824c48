"""Schedule, comparison, confluence and resampling."""

import asyncio
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.clock import HistoricalClock
from mirrorfast.data.resample import resampled
from mirrorfast.errors import DataError, ParameterError
from mirrorfast.signals.compare import compared
from mirrorfast.signals.schedule import every, period_ms

MINUTE = 60_000


def test_no_drift_and_no_overlap() -> None:
    clock, began, busy = HistoricalClock(10 * MINUTE + 700), [], 0
    lasts = iter([1_000, 20_000, 150_000, 1_000, 1_000])

    async def job() -> None:
        nonlocal busy
        assert busy == 0
        busy += 1
        began.append(clock.now())
        await clock.sleep_until(clock.now() + next(lasts))
        busy -= 1

    missed = asyncio.run(every(MINUTE, job, clock, delay=500, times=5))
    # The third took two and a half minutes: two turns are left out, and the next is at its full minute again.
    assert [t - 10 * MINUTE for t in began] == [700, *(k * MINUTE + 500 for k in (1, 2, 5, 6))]
    assert missed == 2


def test_schedule_ends_when_told() -> None:
    async def job() -> bool:
        return False

    assert asyncio.run(every(MINUTE, job, HistoricalClock(0))) == 0
    with pytest.raises(ParameterError, match="5m"):
        period_ms("5 minutes")


def test_changes_name_new_gone_and_other_signals() -> None:
    def scan(rows: list[tuple[str, str, str]]) -> pl.DataFrame:
        return pl.DataFrame(rows, schema=["exchange", "symbol", "signal"], orient="row").with_columns(
            enhanced_score=1.0
        )

    old = scan([("a", "X", "Buy"), ("b", "X", "Buy"), ("a", "Y", "Sell"), ("a", "Z", "Buy"), ("c", "X", "Buy")])
    new = scan([("a", "X", "Strong Buy"), ("b", "X", "Buy"), ("a", "W", "Sell")])
    failures = pl.DataFrame({"exchange": ["a", "c"], "symbol": ["Z", "*"]})
    rows = compared(old, new, failures).select("exchange", "symbol", "change", "before", "after").rows()
    assert rows == [
        ("a", "W", "new", None, "Sell"),
        ("a", "X", "signal", "Buy", "Strong Buy"),
        ("a", "Y", "gone", "Sell", None),
    ]
    assert compared(None, new).height == 0


def test_resampled_bars_have_closed(market: pl.DataFrame) -> None:
    bars = market.filter(symbol="BTC/USD").head(1_003)
    for timeframe in ("4h", "1d", "1w"):
        longer = resampled(bars, timeframe)
        ends = longer["timestamp"] + (longer["timestamp"][1] - longer["timestamp"][0])
        assert ends[-1] <= bars["timestamp"][-1] + (bars["timestamp"][1] - bars["timestamp"][0])
        row = longer.row(1, named=True)
        part = bars.filter(pl.col("timestamp").is_between(row["timestamp"], ends[1], closed="left"))
        assert (row["open"], row["high"], row["low"], row["close"]) == (
            part["open"][0], part["high"].max(), part["low"].min(), part["close"][-1],
        )  # fmt: skip
        assert row["volume"] == pytest.approx(part["volume"].sum())
    with pytest.raises(ParameterError, match="multiple"):
        resampled(bars, "15m")


def test_scanner_of_a_table(market: pl.DataFrame, tmp_path: Path) -> None:
    seen: list[Any] = []
    scanner = mf.MomentumScanner(market, progress=lambda *a: seen.append(a))
    with pytest.raises(DataError, match="no scan"):
        scanner.get_strong_signals()
    result = asyncio.run(scanner.scan_market("1h"))
    assert result.rows.equals(mf.scan_bars(market, timeframe="1h"))
    both = asyncio.run(scanner.scan_multi_timeframe(["1h", "1d"], top_n=1))
    assert {r.rows.height for r in both.values()} == {1}
    files = result.write(tmp_path)
    assert pl.read_parquet(files[1]).equals(result.rows)
    assert pl.read_csv(files[0]).height == 2
    assert scanner.get_reversion_candidates("1h").height <= 2
    with pytest.raises(ParameterError, match="top_n"):
        asyncio.run(scanner.scan_market("1h", top_n=0))
    with pytest.raises(ParameterError, match="timeframe"):
        asyncio.run(scanner.scan_market("1x"))
