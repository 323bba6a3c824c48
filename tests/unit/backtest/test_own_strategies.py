"""mf.backtest with strategies of a user's own, and what a backtest refuses."""

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.errors import BiasError, ConfigurationError, DataError, ParameterError, ShapeError, UserCodeError


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    return mf.sample_bars().group_by("symbol", maintain_order=True).head(500)


class Trend(mf.BaseStrategyAgent):
    """Long above the mean, short below."""

    name = "trend"

    def __init__(self, *, period: int = 20) -> None:
        self.period = self.warm_up = self.lookback = period

    def evaluate(self, df: pl.DataFrame) -> pl.Series:
        return (df["close"] > df["close"].rolling_mean(self.period)) * 2.0 - 1.0

    def confidence(self, df: pl.DataFrame) -> np.ndarray:
        return np.full(df.height, 0.75)


def test_votes_beside_the_engines_own(bars: pl.DataFrame) -> None:
    result = mf.backtest(bars, strategies=[Trend(period=30), "ut_bot"])
    for part in result.decisions.partition_by("symbol"):
        expected = Trend(period=30).votes(bars.filter(pl.col("symbol") == part["symbol"][0]))
        assert part["vote_trend"].to_list() == expected["signal"].to_list()
        assert part["vote_trend"].null_count() == 29
        assert set(part["confidence_trend"]) == {0.0, 0.75}
    assert set(result.weights["strategy"]) == {"trend", "ut_bot"}
    alone = mf.backtest(bars, strategies=["ut_bot"])
    assert alone.decisions["vote_ut_bot"].to_list() == result.decisions["vote_ut_bot"].to_list()
    assert alone.equity["equity"].to_list() != result.equity["equity"].to_list()


def test_required_applies_to_own_ones(bars: pl.DataFrame) -> None:
    ensemble = {"method": "majority", "required": ["trend"]}
    result = mf.backtest(bars, strategies=["ut_bot", Trend()], ensemble=ensemble)
    cold = result.decisions.filter(pl.col("vote_trend").is_null())
    assert cold.height == 38
    assert cold["target"].abs().max() == 0.0


def test_a_function_with_features(bars: pl.DataFrame) -> None:
    def contrarian(df: pl.DataFrame) -> pl.Series:
        return df.select(
            pl.when(pl.col("rsi") < 30).then(1.0).when(pl.col("rsi") > 70).then(-1.0).otherwise(0.0)
        ).to_series()

    contrarian.features = ("rsi", "width")  # type: ignore[attr-defined]
    mf.TechnicalIndicators.register_custom("width", lambda b: b["high"] - b["low"], lookback=1)
    try:
        votes = mf.backtest(bars, strategies=[contrarian]).decisions.sort("symbol", "timestamp")
    finally:
        mf.TechnicalIndicators.unregister_custom("width")
    rsi = mf.compute_features(bars, columns=["rsi"])["rsi"]
    assert (votes["vote_contrarian"] == 1.0).to_list() == [v is not None and v < 30 for v in rsi]
    contrarian.features = ("rsj",)  # type: ignore[attr-defined]
    with pytest.raises(ParameterError, match="rsj"):
        mf.backtest(bars, strategies=[contrarian])


def test_no_opinion_is_no_vote(bars: pl.DataFrame) -> None:
    def silent(df: pl.DataFrame) -> np.ndarray:
        return np.full(df.height, np.nan)

    result = mf.backtest(bars, strategies=[silent, "ut_bot"])
    alone = mf.backtest(bars, strategies=["ut_bot"])
    assert result.decisions["vote_silent"].null_count() == result.decisions.height
    assert result.equity["equity"].to_list() == alone.equity["equity"].to_list()
    assert mf.backtest(bars, strategies=[silent]).fills.height == 0


def short_answer(df: pl.DataFrame) -> pl.Series:
    return df["close"].head(df.height - 1) * 0


def too_large(df: pl.DataFrame) -> pl.Series:
    return pl.Series([0.0] * (df.height - 1) + [1.5])


def words(df: pl.DataFrame) -> pl.Series:
    return pl.Series(["buy"] * df.height)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (short_answer, ShapeError, r"short_answer: signal: got 499 rows, expected 500 \(BTC/USD\)"),
        (
            too_large,
            DataError,
            r"too_large: signal = 1.5 at row 499 \(BTC/USD, 2017-.*\): expected a number from -1 to 1",
        ),
        (words, ShapeError, "words: signal: got String values, expected numbers"),
    ],
)
def test_answers_that_are_no_votes(function: Any, error: type[Exception], message: str, bars: pl.DataFrame) -> None:
    with pytest.raises(error, match=message):
        mf.backtest(bars, strategies=[function])


def test_one_that_raises_is_named_with_symbol_and_bar(bars: pl.DataFrame) -> None:
    bad = bars.filter(pl.col("symbol") == "EUR/USD")["timestamp"][321]

    def fragile(df: pl.DataFrame) -> pl.Series:
        if df["symbol"][0] == "EUR/USD" and bad in df["timestamp"].to_list():
            raise KeyError("holiday")
        return df["close"] * 0

    message = rf"fragile: raised KeyError: 'holiday' \(EUR/USD, bar {bad.isoformat()}, row 321\)".replace("+", r"\+")
    with pytest.raises(UserCodeError, match=message) as caught:
        mf.backtest(bars, strategies=[fragile])
    assert isinstance(caught.value.__cause__, KeyError)

    def always(df: pl.DataFrame) -> pl.Series:
        raise RuntimeError("never works")

    with pytest.raises(UserCodeError, match=r"always: raised RuntimeError: never works \(BTC/USD, bar .*, row 0\)"):
        mf.backtest(bars, strategies=[always])


def peek(df: pl.DataFrame) -> pl.Series:
    return (df["close"].shift(-1) > df["close"]).cast(pl.Float64)


def test_look_ahead_raises_warns_or_is_let_through(bars: pl.DataFrame) -> None:
    with pytest.raises(
        BiasError, match=r"strategy peek looks ahead: on BTC/USD, bar 2017-.*row \d+.*its signal is"
    ) as caught:
        mf.backtest(bars, strategies=[peek])
    assert "bias_check='warn'" in str(caught.value)
    with pytest.warns(UserWarning, match="strategy peek looks ahead"):
        warned = mf.backtest(bars, strategies=[peek], bias_check="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        silent = mf.backtest(bars, strategies=[peek], bias_check="off")
    assert warned.final_equity == silent.final_equity
    with pytest.raises(ConfigurationError, match="bias_check"):
        mf.backtest(bars, strategies=[peek], bias_check="maybe")  # type: ignore[arg-type]


def test_symbols_that_start_late_stop_early_or_have_gaps(bars: pl.DataFrame) -> None:
    btc, eur = (bars.filter(pl.col("symbol") == name) for name in ("BTC/USD", "EUR/USD"))
    uneven = {
        "late": pl.concat([btc, eur.tail(200)]),
        "early": pl.concat([btc, eur.head(200)]),
        "gaps": pl.concat([btc.filter(pl.int_range(pl.len()) % 7 != 3), pl.concat([eur.head(150), eur.tail(150)])]),
    }
    for name, table in uneven.items():
        result = mf.backtest(table, strategies=[Trend(), "ut_bot"])
        assert result.decisions.height == table.height, name
        for part in result.decisions.partition_by("symbol"):
            given = table.filter(pl.col("symbol") == part["symbol"][0])
            assert part["vote_trend"].to_list() == Trend().votes(given)["signal"].to_list(), name
        assert result.equity["equity"].is_finite().all()
    with pytest.raises(DataError, match=r"EUR/USD has 15 bars: expected at least 22"):
        mf.backtest(pl.concat([btc, eur.tail(15)]), strategies=[Trend()])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"capital": 0}, "capital = 0.*> 0"),
        ({"capital": -5}, "capital = -5"),
        ({"risk": {"max_position": 3.0, "max_leverage": 2.0}}, "max_position = 3.0: expected at most max_leverage"),
        ({"risk": {"min_cash": 1.0}}, "min_cash = 1.0"),
        ({"risk": {"drawdown": {"half": 0.3, "halt": 0.2}}}, "expected half <= no_new_risk <= halt"),
        ({"risk": {"sizing": {"kelly_floor": 0.1, "kelly_cap": 0.02}}}, "kelly_floor"),
        ({"ensemble": {"required": ["nobody"]}}, "nobody"),
    ],
)
def test_contradictory_settings_are_refused(config: dict[str, Any], message: str, bars: pl.DataFrame) -> None:
    with pytest.raises(ConfigurationError, match=message):
        mf.backtest(bars, config=mf.TradingConfig(**config))


def test_two_quote_currencies_need_a_rate(bars: pl.DataFrame) -> None:
    names = {"BTC/USD": "BTC/EUR", "EUR/USD": "ETH/USD"}
    mixed = bars.with_columns(pl.col("symbol").replace(names)).sort("symbol", "timestamp")
    with pytest.raises(mf.MirrorfastError, match="rates.EUR = none: .* as BTC/EUR is quoted in EUR"):
        mf.backtest(mixed, strategies=["ut_bot"])
    # One quote currency is the account's, whatever it is called; and a person may say that two are one.
    one = bars.with_columns(pl.col("symbol").replace({"BTC/USD": "BTC/USDT", "EUR/USD": "ETH-USDT"}))
    assert mf.backtest(one, strategies=["ut_bot"]).equity.height
    stable = bars.with_columns(pl.col("symbol").replace({"EUR/USD": "ETH/USDT"}))
    config = mf.TradingConfig(instruments={"ETH/USDT": {"quote": "USD"}})
    assert mf.backtest(stable, strategies=["ut_bot"], config=config).equity.height
