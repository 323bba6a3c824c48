"""TechnicalIndicators on bar tables."""

import pandas as pd
import polars as pl
import pytest

import mirrorfast as mf
import mirrorfast.indicators as ind
from mirrorfast.errors import ParameterError, ShapeError

Technical = mf.TechnicalIndicators


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Technical, "_custom", {})


def test_methods_are_the_functions(bars: pl.DataFrame) -> None:
    high, low, close, volume = (bars[name] for name in ("high", "low", "close", "volume"))
    assert Technical.calculate_rsi(bars, 7).equals(ind.rsi(close, period=7))
    assert Technical.calculate_rsi(close.to_list()).equals(ind.rsi(close))
    assert Technical.calculate_macd(close, 5, 10, 3).equals(
        ind.macd(close, fast_period=5, slow_period=10, signal_period=3)
    )
    assert Technical.calculate_bollinger_bands(bars, 10, 1.5).equals(ind.bbands(close, period=10, multiplier=1.5))
    assert Technical.calculate_atr(bars).equals(ind.atr(high, low, close))
    assert Technical.calculate_ichimoku(bars).equals(ind.ichimoku(high, low, close))
    assert Technical.calculate_vwap(bars).equals(ind.vwap(high, low, close, volume))
    assert Technical.calculate_vwap(bars, 20).equals(ind.vwap_rolling(high, low, close, volume, period=20))
    assert Technical.calculate_volume_profile(bars).equals(ind.volume_profile(high, low, close, volume))
    assert Technical.fib_levels(bars, 30).equals(ind.fibonacci(high, low, close, lookback=30))


def test_pandas_tables(bars: pl.DataFrame) -> None:
    table = pd.DataFrame({name: bars[name].to_numpy() for name in ("open", "high", "low", "close", "volume")})
    assert Technical.calculate_atr(table).equals(Technical.calculate_atr(bars))
    assert Technical.calculate_rsi(table["close"]).equals(Technical.calculate_rsi(bars))


def test_all_indicators_at_once(market: pl.DataFrame) -> None:
    young = market.head(5).with_columns(symbol=pl.lit("YOUNG"))
    table = pl.concat([market.filter(pl.col("symbol") == "EUR/USD").head(300), young, market.head(400)])
    got = Technical.add_all_indicators(table)
    assert got.select(table.columns).equals(table)
    assert got.width > 180
    assert {"rsi_14", "macd_hist", "bb_position", "vwap_session_0", "pivots_session_pivot", "cdl_doji"} <= set(
        got.columns
    )
    assert not [name for name in got.columns if name.startswith("cdl_patterns")]
    btc = got.filter(pl.col("symbol") == "BTC/USD")
    assert btc["rsi_14"].equals(ind.rsi(market.head(400)["close"]))
    assert got.filter(pl.col("symbol") == "YOUNG")["rsi_14"].null_count() == 5


def test_symbols_may_be_mixed(market: pl.DataFrame) -> None:
    mixed = market.group_by("symbol").head(100).sort("timestamp", "symbol")
    got = Technical.add_indicator(mixed, "sma", period=5)
    assert got.select(mixed.columns).equals(mixed)
    for symbol in ("BTC/USD", "EUR/USD"):
        part = got.filter(pl.col("symbol") == symbol)
        assert part["sma_5"].equals(ind.sma(part["close"], period=5))


def test_custom_indicators(bars: pl.DataFrame) -> None:
    Technical.register_custom("spread", lambda table: table["high"] - table["low"])
    Technical.register_custom("two", lambda table: table.select(up=pl.col("high") + 1, down=pl.col("low") - 1))
    assert Technical.add_indicator(bars, "spread")["spread"].equals(bars["high"] - bars["low"])
    got = Technical.add_all_indicators(bars)
    assert got.columns[-3:] == ["spread", "up", "down"]
    Technical.unregister_custom("two")
    with pytest.raises(ParameterError, match="'two': expected one of spread"):
        Technical.unregister_custom("two")


def test_bad_calls_are_named(bars: pl.DataFrame) -> None:
    with pytest.raises(ShapeError, match="expected also high, low"):
        Technical.calculate_atr(bars.drop("high", "low"))
    with pytest.raises(ParameterError, match="'rsi'"):
        Technical.register_custom("rsi", lambda table: table["close"])
    with pytest.raises(ParameterError, match="'not a name'"):
        Technical.register_custom("not a name", lambda table: table["close"])
    with pytest.raises(ParameterError, match="expected a callable"):
        Technical.register_custom("three", 3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="'nothing'"):
        Technical.add_indicator(bars, "nothing")
    with pytest.raises(ParameterError, match=r"rsi\.perod"):
        Technical.add_indicator(bars, "rsi", perod=3)
    Technical.register_custom("half", lambda table: table["close"].head(3))
    with pytest.raises(ShapeError, match="rows of half: got 3, expected 600"):
        Technical.add_indicator(bars, "half")
    with pytest.raises(ParameterError, match=r"half\.period"):
        Technical.add_indicator(bars, "half", period=3)
