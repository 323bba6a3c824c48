"""Indicators as polars expressions."""

import polars as pl
import pytest

import mirrorfast.indicators as ind
from mirrorfast.errors import ParameterError

ROWS = {row["name"]: row for row in ind.catalogue().to_dicts()}


def test_equals_the_function(bars: pl.DataFrame) -> None:
    got = bars.select(pl.col("close").mf.rsi(14))
    assert got.to_series().equals(ind.rsi(bars["close"], period=14), check_names=True)
    assert bars.select(pl.col("close").mf.rsi(period=7)).columns == ["rsi_7"]


@pytest.mark.parametrize("name", sorted(ROWS))
def test_every_row_is_a_method(name: str, bars: pl.DataFrame) -> None:
    table = bars.with_columns(other=pl.col("open"))
    row = ROWS[name]
    own = "close" if "close" in row["inputs"] else row["inputs"][0]
    got = table.select(getattr(pl.col(own).mf, name)())
    result = getattr(ind, name)(*[table[key] for key in row["inputs"]])
    if isinstance(result, pl.Series):
        assert got.to_series().equals(result, check_names=True)
    else:
        assert got.unnest(name).equals(result)
    assert got.schema == table.lazy().select(getattr(pl.col(own).mf, name)()).collect_schema()


def test_over_keeps_symbols_apart(market: pl.DataFrame) -> None:
    mixed = market.sort("timestamp", "symbol")
    close = pl.col("close").mf
    got = mixed.with_columns(expr.over("symbol") for expr in (close.rsi(14), close.macd(), close.atr(7)))
    for (symbol,), part in got.group_by("symbol"):
        alone = mixed.filter(pl.col("symbol") == symbol)
        assert part["rsi_14"].equals(ind.rsi(alone["close"]))
        assert part["macd"].struct.unnest().equals(ind.macd(alone["close"]))
        assert part["atr_7"].equals(ind.atr(alone["high"], alone["low"], alone["close"], period=7))


def test_group_by_and_lazy(market: pl.DataFrame) -> None:
    last = market.lazy().group_by("symbol").agg(pl.col("close").mf.ema(20).last()).collect()
    for symbol, value in last.iter_rows():
        assert value == ind.ema(market.filter(pl.col("symbol") == symbol)["close"], period=20)[-1]


def test_a_young_symbol_has_nulls() -> None:
    table = pl.DataFrame({"symbol": ["a"] * 5 + ["b"] * 2, "close": [1.0, 2.0, 3.0, 4.0, 5.0, 1.0, 2.0]})
    got = table.select(pl.col("close").mf.sma(3).over("symbol")).to_series()
    assert got.to_list() == [None, None, 2.0, 3.0, 4.0, None, None]


def test_other_inputs_by_expression_or_name(bars: pl.DataFrame) -> None:
    renamed = bars.rename({"high": "h", "low": "l"})
    want = ind.atr(bars["high"], bars["low"], bars["close"])
    assert renamed.select(pl.col("close").mf.atr(high="h", low=pl.col("l"))).to_series().equals(want)
    assert bars.select((pl.col("close") * 1.0).mf.atr(14)).to_series().equals(want)


def test_bad_calls_are_named() -> None:
    close = pl.col("close").mf
    with pytest.raises(AttributeError, match="no indicator 'rsii'"):
        close.rsii()
    with pytest.raises(ParameterError, match=r"rsi\.perod = 3: expected one of period"):
        close.rsi(perod=3)
    with pytest.raises(ParameterError, match=r"rsi\.period = 3: given twice"):
        close.rsi(2, period=3)
    with pytest.raises(ParameterError, match="at most 1 parameters"):
        close.rsi(2, 3)
    assert "rsi" in dir(close)
    assert "rsi" in (close.rsi.__doc__ or "")
