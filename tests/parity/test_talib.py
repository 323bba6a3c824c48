"""Indicators against the TA-Lib wheel on real market data: same rows filled, same values to 1e-9."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

import mirrorfast.indicators as ind

talib = pytest.importorskip("talib")

Array = npt.NDArray[np.float64]
Columns = dict[str, Array]

FILES = (
    "binance_BTC-USDT_1h",
    "binance_DOGE-USDT_4h",
    "binance_SOL-USDT_1d",
    "dukascopy_EUR-USD_1h_ask_2017",
    "index_SP500_1d",
    "poloniex_ETC-BTC_30m",
    "usa_AAPL_1d",
)


@pytest.fixture(scope="module", params=FILES)
def columns(request: pytest.FixtureRequest, shared_data: Path) -> Columns:
    """Columns of one market, at most ten thousand bars."""
    table = pl.read_parquet(shared_data / f"{request.param}.parquet").head(10_000).drop_nulls()
    assert table.height > 200
    return {name: table[name].cast(pl.Float64).to_numpy() for name in ("open", "high", "low", "close", "volume")}


def _real(function: Callable[..., Any], **fixed: Any) -> Callable[..., Any]:
    return lambda c, **params: function(c["close"], **fixed, **params)


def _bars(function: Callable[..., Any], *names: str, **fixed: Any) -> Callable[..., Any]:
    return lambda c, **params: function(*(c[name] for name in names), **fixed, **params)


HLC = ("high", "low", "close")
HLCV = (*HLC, "volume")
OHLC = ("open", *HLC)
P = {"period": "timeperiod"}
FAST_SLOW = {"fast_period": "fastperiod", "slow_period": "slowperiod"}

# name → (reference, our parameter → TA-Lib's, values to try)
CASES: dict[str, tuple[Callable[..., Any], dict[str, str], list[dict[str, float]]]] = {
    **{
        name: (_real(getattr(talib, function)), P, [{"period": p} for p in (5, 20, 100)])
        for name, function in {
            "sma": "SMA", "ema": "EMA", "wma": "WMA", "dema": "DEMA", "tema": "TEMA", "hma": "HMA", "rma": "RMA",
            "trima": "TRIMA", "midpoint": "MIDPOINT", "trix": "TRIX", "linreg": "LINEARREG", "cmo": "CMO", "rsi": "RSI",
            "linreg_slope": "LINEARREG_SLOPE", "linreg_intercept": "LINEARREG_INTERCEPT", "roc": "ROC", "mom": "MOM",
            "rolling_min": "MIN", "rolling_max": "MAX",
        }.items()
    },
    **{
        name: (_bars(getattr(talib, function), *HLC), P, [{"period": p} for p in (5, 14, 60)])
        for name, function in {
            "adx": "ADX", "adxr": "ADXR", "dx": "DX", "plus_di": "PLUS_DI", "minus_di": "MINUS_DI", "vortex": "VORTEX",
            "willr": "WILLR", "cci": "CCI", "atr": "ATR", "natr": "NATR",
        }.items()
    },
    "midprice": (_bars(talib.MIDPRICE, "high", "low"), P, [{"period": 14}]),
    "donchian": (_bars(talib.DONCHIAN, "high", "low"), P, [{"period": 20}]),
    "vwma": (_bars(talib.VWMA, "close", "volume"), P, [{"period": 20}]),
    "kama": (_real(talib.KAMA), P, [{"period": 10}, {"period": 30}]),
    "t3": (_real(talib.T3), P | {"volume_factor": "vfactor"}, [{"period": 5, "volume_factor": 0.7}]),
    "macd": (_real(talib.MACD), FAST_SLOW | {"signal_period": "signalperiod"}, [
        {"fast_period": 12, "slow_period": 26, "signal_period": 9},
        {"fast_period": 3, "slow_period": 10, "signal_period": 16},
    ]),
    "ppo": (_real(talib.PPO, matype=1), FAST_SLOW, [{"fast_period": 12, "slow_period": 26}]),
    "apo": (_real(talib.APO, matype=1), FAST_SLOW, [{"fast_period": 12, "slow_period": 26}]),
    "sar": (_bars(talib.SAR, "high", "low"), {"acceleration": "acceleration", "maximum": "maximum"}, [
        {"acceleration": 0.02, "maximum": 0.2}, {"acceleration": 0.05, "maximum": 0.5},
    ]),
    "supertrend": (_bars(talib.SUPERTREND, *HLC), P | {"multiplier": "multiplier"}, [
        {"period": 10, "multiplier": 3.0},
    ]),
    "stoch": (_bars(talib.STOCH, *HLC), {
        "fastk_period": "fastk_period", "slowk_period": "slowk_period", "slowd_period": "slowd_period",
    }, [{"fastk_period": 14, "slowk_period": 3, "slowd_period": 3}]),
    "stochf": (_bars(talib.STOCHF, *HLC), {"fastk_period": "fastk_period", "fastd_period": "fastd_period"}, [
        {"fastk_period": 14, "fastd_period": 3},
    ]),
    "stochrsi": (_real(talib.STOCHRSI), P | {"fastk_period": "fastk_period", "fastd_period": "fastd_period"}, [
        {"period": 14, "fastk_period": 5, "fastd_period": 3},
    ]),
    "ultosc": (_bars(talib.ULTOSC, *HLC), {
        "short_period": "timeperiod1", "medium_period": "timeperiod2", "long_period": "timeperiod3",
    }, [{"short_period": 7, "medium_period": 14, "long_period": 28}]),
    "tsi": (_real(talib.TSI), {"first_period": "firstperiod", "second_period": "secondperiod"}, [
        {"first_period": 25, "second_period": 13},
    ]),
    "coppock": (_real(talib.COPPOCK), {
        "wma_period": "wmaperiod", "roc1_period": "roc1period", "roc2_period": "roc2period",
    }, [{"wma_period": 10, "roc1_period": 11, "roc2_period": 14}]),
    "bop": (_bars(talib.BOP, *OHLC), {}, [{}]),
    "true_range": (_bars(talib.TRANGE, *HLC), {}, [{}]),
    "stddev": (_real(talib.STDDEV), P, [{"period": 20}]),
    "variance": (_real(talib.VAR), P, [{"period": 20}]),
    "keltner": (_bars(talib.KC, *HLC), P | {"atr_period": "atrperiod", "multiplier": "nbdev"}, [
        {"period": 20, "atr_period": 10, "multiplier": 2.0},
    ]),
    "obv": (_bars(talib.OBV, "close", "volume"), {}, [{}]),
    "ad": (_bars(talib.AD, *HLCV), {}, [{}]),
    "adosc": (_bars(talib.ADOSC, *HLCV), FAST_SLOW, [{"fast_period": 3, "slow_period": 10}]),
    "cmf": (_bars(talib.CMF, *HLCV), P, [{"period": 20}]),
    "mfi": (_bars(talib.MFI, *HLCV), P, [{"period": 14}]),
    "vwap": (_bars(talib.VWAP, *HLCV), {}, [{}]),
    "correlation": (_bars(talib.CORREL, "close", "open"), P, [{"period": 30}]),
    "beta": (_bars(talib.BETA, "close", "open"), P, [{"period": 5}]),
    **{
        f"cdl_{name}": (_bars(getattr(talib, f"CDL{function}"), *OHLC), {}, [{}])
        for name, function in {
            "doji": "DOJI", "dragonfly_doji": "DRAGONFLYDOJI", "gravestone_doji": "GRAVESTONEDOJI", "hammer": "HAMMER",
            "inverted_hammer": "INVERTEDHAMMER", "hanging_man": "HANGINGMAN", "shooting_star": "SHOOTINGSTAR",
            "engulfing": "ENGULFING", "harami": "HARAMI", "harami_cross": "HARAMICROSS", "piercing": "PIERCING",
            "dark_cloud_cover": "DARKCLOUDCOVER", "morning_star": "MORNINGSTAR", "evening_star": "EVENINGSTAR",
            "morning_doji_star": "MORNINGDOJISTAR", "evening_doji_star": "EVENINGDOJISTAR",
            "three_white_soldiers": "3WHITESOLDIERS", "three_black_crows": "3BLACKCROWS", "three_inside": "3INSIDE",
            "three_outside": "3OUTSIDE", "marubozu": "MARUBOZU", "belt_hold": "BELTHOLD", "spinning_top": "SPINNINGTOP",
        }.items()
    },
}  # fmt: skip


def results(name: str, columns: Columns, params: dict[str, float]) -> list[Array]:
    """Outputs of our function, NaN where it has nulls."""
    row = ind.catalogue().filter(pl.col("name") == name).row(0, named=True)
    inputs = [columns["open" if key == "other" else key] for key in row["inputs"]]
    out = getattr(ind, name)(*inputs, **params)
    series = [out] if isinstance(out, pl.Series) else out.get_columns()
    return [values.fill_null(float("nan")).to_numpy() for values in series]


def compare(what: str, got: Array, want: Array) -> None:
    """Same rows filled, same values to 1e-9 of themselves or of the column's usual size."""
    assert got.shape == want.shape
    missing = np.isnan(want)
    size = np.sqrt(np.nanmean(want**2)) if not missing.all() else 0.0
    assert np.array_equal(np.isnan(got), missing), f"{what}: other rows filled"
    wrong = np.abs(got - want) > 1e-9 * np.maximum(np.abs(want), size)
    assert not wrong.any(), f"{what}: row {wrong.argmax()} is {got[wrong.argmax()]}, TA-Lib has {want[wrong.argmax()]}"


def reference(name: str, columns: Columns, params: dict[str, float]) -> Iterator[Array]:
    """Outputs of TA-Lib, its integer patterns as floats without a warm-up of zeros."""
    function, names, _ = CASES[name]
    whole = {key: int(value) if isinstance(value, int) else value for key, value in params.items()}
    out = function(columns, **{names[key]: value for key, value in whole.items()})
    for values in out if isinstance(out, tuple) else (out,):
        yield np.asarray(values, np.float64)


@pytest.mark.parametrize("name", sorted(CASES))
def test_equals_talib(name: str, columns: Columns) -> None:
    for params in CASES[name][2]:
        got = results(name, columns, params)
        for k, want in enumerate(reference(name, columns, params)):
            mine = got[k]
            if want.dtype == np.float64 and (name.startswith("cdl_") or (name == "supertrend" and k == 1)):
                # Integers have no NaN: TA-Lib writes 0 while warming up.
                mine = np.nan_to_num(mine)
            compare(f"{name}{params} output {k}", mine, want)


def test_aroon(columns: Columns) -> None:
    up, down, osc = results("aroon", columns, {"period": 25})
    want_down, want_up = talib.AROON(columns["high"], columns["low"], timeperiod=25)
    compare("aroon up", up, want_up)
    compare("aroon down", down, want_down)
    compare("aroon osc", osc, talib.AROONOSC(columns["high"], columns["low"], timeperiod=25))


def test_bollinger(columns: Columns) -> None:
    upper, middle, lower, width, position = results("bbands", columns, {"period": 20, "multiplier": 2.0})
    wants = talib.BBANDS(columns["close"], timeperiod=20, nbdevup=2.0, nbdevdn=2.0)
    for what, got, want in zip(("upper", "middle", "lower"), (upper, middle, lower), wants, strict=True):
        compare(f"bbands {what}", got, want)
    compare("bbands width", width, (wants[0] - wants[2]) / wants[1])
    wide = wants[0] - wants[2] > 1e-6 * wants[1]
    assert wide.sum() > 100
    share = (columns["close"] - wants[2])[wide] / (wants[0] - wants[2])[wide]
    assert np.allclose(position[wide], share, rtol=0, atol=1e-6)


def test_ichimoku(columns: Columns) -> None:
    tenkan, kijun, senkou_a, senkou_b, ratio = results("ichimoku", columns, {})
    high, low, close = (columns[name] for name in HLC)
    lines = [talib.MIDPRICE(high, low, timeperiod=period) for period in (9, 26, 52)]
    later = lambda values: np.concatenate([np.full(26, np.nan), values[:-26]])  # noqa: E731
    compare("tenkan", tenkan, lines[0])
    compare("kijun", kijun, lines[1])
    compare("senkou a", senkou_a, later((lines[0] + lines[1]) / 2))
    compare("senkou b", senkou_b, later(lines[2]))
    compare("chikou ratio", ratio, close / later(close))


def test_ao(columns: Columns) -> None:
    (got,) = results("ao", columns, {})
    compare("ao", got, talib.AO(columns["high"], columns["low"], fastperiod=5, slowperiod=34))


def test_every_indicator_of_talib_is_compared() -> None:
    here = {*CASES, "aroon", "bbands", "ichimoku", "ao"}
    assert here <= set(ind.catalogue()["name"])
    assert len(here) >= 80
