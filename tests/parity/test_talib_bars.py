"""Volatility, volume, statistics, levels and candles against the TA-Lib wheel, on the bundled and on real markets.

The Rust tests compare the same kernels with TA-Lib's Rust port on synthetic and awkward series; this is the whole way
from a frame through the binding and back.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

import mirrorfast as mf

talib = pytest.importorskip("talib", reason="TA-Lib is not installed")

Array = npt.NDArray[np.float64]
Columns = dict[str, Array]
Call = Callable[[Columns], Array | tuple[Array, ...]]

HLC = ("high", "low", "close")
HLCV = (*HLC, "volume")
OHLC = ("open", *HLC)


def over(function: str, names: tuple[str, ...], *params: float) -> Call:
    """A TA-Lib function over these columns."""
    return lambda columns: getattr(talib, function)(*(columns[name] for name in names), *params)


# Name, parameters, outputs to compare (None: all), TA-Lib's call.
CASES: list[tuple[str, dict[str, float], list[str] | None, Call]] = [
    ("true_range", {}, None, over("TRANGE", HLC)),
    ("atr", {}, None, over("ATR", HLC, 14)),
    ("natr", {"period": 5}, None, over("NATR", HLC, 5)),
    ("bbands", {}, ["bb_upper", "bb_middle", "bb_lower"], over("BBANDS", ("close",), 20, 2.0, 2.0)),
    ("keltner", {}, None, over("KC", HLC, 20, 10, 2.0)),
    ("donchian", {}, None, over("DONCHIAN", ("high", "low"), 20)),
    ("stddev", {"period": 7}, None, over("STDDEV", ("close",), 7, 1.0)),
    ("variance", {"period": 30}, None, over("VAR", ("close",), 30, 1.0)),
    ("obv", {}, None, over("OBV", ("close", "volume"))),
    ("ad", {}, None, over("AD", HLCV)),
    ("adosc", {}, None, over("ADOSC", HLCV, 3, 10)),
    ("cmf", {}, None, over("CMF", HLCV, 20)),
    ("mfi", {}, None, over("MFI", HLCV, 14)),
    ("vwap", {}, None, over("VWAP", HLCV)),
    ("force_index", {}, None, over("EFI", ("close", "volume"), 13)),
    ("rolling_min", {}, None, over("MIN", ("close",), 20)),
    ("rolling_max", {}, None, over("MAX", ("close",), 20)),
    ("percent_rank", {}, None, over("PERCENTRANK", ("close",), 100)),
    ("percentile", {"percent": 85.0}, None, over("PERCENTILE", ("close",), 100, 85.0)),
    ("correlation", {}, None, over("CORREL", ("close", "other"), 30)),
    ("beta", {"period": 20}, None, over("BETA", ("close", "other"), 20)),
    ("fractal", {}, None, over("FRACTAL", ("high", "low"), 2, 2)),
    *(
        (name, {}, None, over(function, OHLC))
        for name, function in [
            ("cdl_doji", "CDLDOJI"),
            ("cdl_hammer", "CDLHAMMER"),
            ("cdl_inverted_hammer", "CDLINVERTEDHAMMER"),
            ("cdl_hanging_man", "CDLHANGINGMAN"),
            ("cdl_shooting_star", "CDLSHOOTINGSTAR"),
            ("cdl_engulfing", "CDLENGULFING"),
            ("cdl_harami", "CDLHARAMI"),
            ("cdl_piercing", "CDLPIERCING"),
            ("cdl_dark_cloud_cover", "CDLDARKCLOUDCOVER"),
            ("cdl_morning_star", "CDLMORNINGSTAR"),
            ("cdl_evening_star", "CDLEVENINGSTAR"),
            ("cdl_three_white_soldiers", "CDL3WHITESOLDIERS"),
            ("cdl_three_black_crows", "CDL3BLACKCROWS"),
            ("cdl_marubozu", "CDLMARUBOZU"),
            ("cdl_spinning_top", "CDLSPINNINGTOP"),
        ]
    ),
]


# Values about zero, where TA-Lib keeps what its running sums rounded, are compared with the largest of their column.
CROSS_ZERO = {"obv", "ad", "adosc", "cmf", "mfi", "force_index", "correlation", "beta"}


def columns_of(bars: pl.DataFrame) -> Columns:
    """Columns as TA-Lib wants them, with a second series beside the close."""
    columns = {name: bars[name].cast(pl.Float64).to_numpy().copy() for name in (*OHLC, "volume")}
    columns["other"] = columns["high"]
    return columns


def compare(columns: Columns) -> None:
    """Compare every case on one market."""
    for name, params, outputs, call in CASES:
        inputs = mf.indicators.Stream(name, **params).inputs
        got = getattr(mf.indicators, name)(*(columns[key] for key in inputs), **params)
        frame = got.to_frame() if isinstance(got, pl.Series) else got.select(outputs or got.columns)
        expected = call(columns)
        wanted = expected if isinstance(expected, tuple) else (expected,)
        assert len(frame.columns) == len(wanted), name
        for column, want in zip(frame.iter_columns(), wanted, strict=True):
            values = column.to_numpy()
            if want.dtype.kind == "i":
                # Integer outputs have zeros where there is no value.
                values = np.nan_to_num(values)
            scale = np.nanmax(np.abs(want)) if name in CROSS_ZERO else 0.0
            np.testing.assert_allclose(values, want, rtol=1e-9, atol=1e-9 * scale, err_msg=f"{name} {column.name}")


def test_bundled_market(market: pl.DataFrame) -> None:
    symbols = market["symbol"].unique().sort().to_list()
    assert symbols
    for symbol in symbols:
        compare(columns_of(market.filter(pl.col("symbol") == symbol)))


def real_markets(directory: Path) -> Iterator[Path]:
    """Real bars of every kind of market."""
    names = [
        "binance_BTC-USDT_1h",
        "binance_DOGE-USDT_15m",
        "binance_MATIC-USDT_1d",
        "dukascopy_EUR-USD_1h_ask_2017",
        "poloniex_ETC-BTC_30m",
        "usa_AAPL_1d",
    ]
    return (path for name in names if (path := directory / f"{name}.parquet").is_file())


def test_real_markets(shared_data: Path) -> None:
    paths = list(real_markets(shared_data))
    assert paths
    for path in paths:
        bars = pl.read_parquet(path).drop_nulls(["open", "high", "low", "close", "volume"])
        compare(columns_of(bars))
