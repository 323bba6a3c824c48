"""Strategies of a user's own: what they may answer, how they are found, what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mirrorfast as mf
from mirrorfast.errors import ConfigurationError, ParameterError, UserCodeError
from mirrorfast.strategies.lineup import Lineup
from mirrorfast.strategies.own import as_strategy, source_digest

FRAME = pl.DataFrame({"symbol": ["A"] * 3, "close": [1.0, 2.0, 3.0]})


class Fixed(mf.BaseStrategyAgent):
    """Answers what it was told to."""

    name = "fixed"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def evaluate(self, df: pl.DataFrame) -> Any:
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [
        pl.Series([1.0, None, -0.5]),
        pl.Series([1.0, float("nan"), -0.5]),
        np.array([1.0, np.nan, -0.5]),
        np.array([1.0, np.nan, -0.5], dtype=np.float32),
        pd.Series([1.0, np.nan, -0.5], index=[9, 3, 5]),
        pd.Series([1.0, None, -0.5], dtype="Float64"),
        pd.DataFrame({"signal": [1.0, np.nan, -0.5]}),
        pl.DataFrame({"anything": [1.0, None, -0.5]}),
        [1, None, -0.5],
        pa.array([1.0, None, -0.5]),
        pa.chunked_array([[1.0], [None, -0.5]]),
    ],
    ids=lambda a: f"{type(a).__module__.partition('.')[0]}-{type(a).__name__}-{getattr(a, 'dtype', '')}",
)
def test_answers_of_every_library(answer: Any) -> None:
    votes = Fixed(answer).votes(FRAME)
    assert votes["signal"].to_list() == [1.0, None, -0.5]
    assert votes["confidence"].to_list() == [1.0, None, 1.0]


def test_signal_and_confidence_in_one_frame() -> None:
    answer = {"signal": [1.0, 0.5, None], "confidence": [0.2, None, 0.9]}
    for frame in (pl.DataFrame(answer), pd.DataFrame(answer)):
        votes = Fixed(frame).votes(FRAME)
        assert votes["signal"].to_list() == [1.0, None, None]
        assert votes["confidence"].to_list() == [0.2, None, None]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (pl.Series([1.0]), r"fixed: signal: got 1 rows, expected 3 \(A\)"),
        (pl.Series([0.0, -1.5, 0.0]), r"fixed: signal = -1.5 at row 1 \(A\): expected a number from -1 to 1"),
        (np.array([0.0, np.inf, 0.0]), r"signal = inf at row 1 \(A\)"),
        (pl.Series(["buy", "hold", "sell"]), "got String values, expected numbers"),
        (pd.Series(["buy", "hold", "sell"]), "got String values, expected numbers"),
        (pd.Series([object()] * 3), "expected numbers"),
        (np.array(["2020-01-01"] * 3, dtype="datetime64[D]"), "expected numbers"),
        (np.array([1 + 2j] * 3), "expected"),
        (np.zeros((3, 2)), r"shape \(3, 2\)"),
        (1.0, "got float"),
        (None, "got NoneType"),
        ("long", "got str"),
        (pl.DataFrame({"a": [1.0] * 3, "b": [1.0] * 3}), "got columns a, b, expected signal"),
        (pl.DataFrame({"signal": [1.0] * 3, "confidence": [2.0] * 3}), "confidence = 2.0 at row 0"),
        (pl.col("close"), "got Expr"),
    ],
)
def test_answers_that_are_no_votes(answer: Any, message: str) -> None:
    with pytest.raises(mf.DataError, match=message):
        Fixed(answer).votes(FRAME)


def test_what_raises_is_named() -> None:
    def broken(df: pl.DataFrame) -> pl.Series:
        return df["no such column"]

    with pytest.raises(UserCodeError, match="broken: raised ColumnNotFoundError"):
        as_strategy(broken).votes(FRAME)


def test_objects_classes_and_functions() -> None:
    class Plain:
        warm_up = 3
        lookback = 9

        def __init__(self, period: int = 5) -> None:
            self.period = period

        def evaluate(self, df: pl.DataFrame) -> list[float]:
            return [1.0 / self.period] * df.height

    def one(df: pl.DataFrame) -> pl.Series:
        return df["close"] * 0.0

    one.lookback = 7  # type: ignore[attr-defined]
    config = mf.TradingConfig(strategies=[Plain(4), one, "ut_bot", mf.MeanReversionAgent(period=30)])
    lineup = Lineup.of(config)
    assert lineup.names == ["ut_bot", "mean_reversion", "Plain", "one"]
    assert lineup.warm_up == 3
    assert [own.agent.lookback for own in lineup.own] == [9, 7]
    assert config.strategies[3].params["period"] == 30.0
    made = as_strategy(Plain, params={"period": 8.0})
    assert made.vote(FRAME)[0].tolist() == [0.125] * 3
    assert source_digest(made) == source_digest(as_strategy(Plain())) != source_digest(as_strategy(one))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (type("ut_bot", (Fixed,), {"name": "ut_bot"}), "this one is the catalogue's"),
        (lambda df: df["close"], "'<lambda>'.*letters"),
        (type("Late", (Fixed,), {"name": "late", "__init__": lambda self: None, "warm_up": 0}), "late.warm_up = 0"),
        (type("Long", (Fixed,), {"name": "l", "__init__": lambda self: None, "lookback": 1.5}), "l.lookback = 1.5"),
        (
            type("Less", (Fixed,), {"name": "less", "__init__": lambda self: None, "warm_up": 9, "lookback": 5}),
            "less.lookback = 5: expected at least warm_up",
        ),
        (
            type("Word", (Fixed,), {"name": "word", "__init__": lambda self: None, "features": "rsi"}),
            "word.features = 'rsi': expected a sequence",
        ),
    ],
)
def test_refused_line_ups(given: Any, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Lineup.of(mf.TradingConfig(strategies=[given]))


def test_a_name_stands_once() -> None:
    with pytest.raises(ConfigurationError, match="fixed stands there twice"):
        mf.TradingConfig(strategies=[Fixed(1), Fixed(2)])
    with pytest.raises(ConfigurationError, match=r"strategies\.0"):
        mf.TradingConfig(strategies=[5])


def test_a_constructor_that_raises() -> None:
    class Boom(Fixed):
        def __init__(self) -> None:
            raise RuntimeError("no data")

    with pytest.raises(UserCodeError, match="its constructor raised RuntimeError: no data"):
        Lineup.of(mf.TradingConfig(strategies=[Boom]))


SOURCE = """
import mirrorfast as mf

class Mine(mf.BaseStrategyAgent):
    def __init__(self, *, period=20):
        self.period = period

    def evaluate(self, df):
        return df["close"].rolling_mean(self.period) * 0

mf.strategies.register("from_plugin", Mine, replace=True)
mf.TechnicalIndicators.register_custom("plugin_range", lambda bars: bars["high"] - bars["low"])
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "users_strategies.py").write_text(SOURCE)
    (tmp_path / "bad_strategies.py").write_text("1 / 0")
    (tmp_path / "needy_strategies.py").write_text("import nothing_of_that_name")
    yield tmp_path
    if "from_plugin" in mf.strategies.names():
        mf.strategies.unregister("from_plugin")
    if "plugin_range" in mf.TechnicalIndicators.custom_names():
        mf.TechnicalIndicators.unregister_custom("plugin_range")


def test_found_by_file_module_and_plugin(plugin: Path) -> None:
    (plugin / "mirrorfast.toml").write_text(
        'plugins = ["users_strategies.py"]\n'
        'strategies = ["ut_bot", "users_strategies:Mine", {name = "from_plugin", params = {period = 5}}]\n'
    )
    config = mf.load_config()
    lineup = Lineup.of(config)
    assert lineup.names == ["ut_bot", "Mine", "from_plugin"]
    assert [own.agent.params for own in lineup.own] == [{"period": 20}, {"period": 5}]
    other = mf.TradingConfig(strategies=[{"name": "here", "source": "users_strategies.py:Mine", "weight": 0.3}])
    assert Lineup.of(other).names == ["here"]
    [outside] = json.loads(other.to_engine_json(["A"], own=["here"]))["external"]
    assert (outside["name"], outside["params"], outside["weight"]) == ("here", {}, 0.3)
    assert mf.compute_features(mf.sample_bars(), columns=["plugin_range"], last_only=True)["plugin_range"].min() > 0


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("nothing_of_that_name:Mine", ConfigurationError, "no module 'nothing_of_that_name'"),
        ("nothing_there.py:Mine", ConfigurationError, "no file .*nothing_there.py"),
        ("users_strategies:Yours", ConfigurationError, "users_strategies has no Yours"),
        ("users_strategies:", ConfigurationError, "expected package.module:Class"),
        ("bad_strategies.py:Mine", UserCodeError, "raised ZeroDivisionError"),
        ("bad_strategies:Mine", UserCodeError, "raised ZeroDivisionError"),
        ("needy_strategies:Mine", UserCodeError, "nothing_of_that_name"),
        ("users_strategies:mf", ParameterError, "expected an object with evaluate"),
    ],
)
def test_places_where_nothing_is(plugin: Path, source: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Lineup.of(mf.TradingConfig(strategies=[{"name": "x", "source": source}]))


def test_registered_function_and_unknown_parameter() -> None:
    def flat(df: pl.DataFrame) -> pl.Series:
        return df["close"] * 0.0

    mf.strategies.register("flat", flat)
    try:
        assert mf.strategies.create("flat").votes(FRAME)["signal"].to_list() == [0.0] * 3
        assert Lineup.of(mf.TradingConfig(strategies=["flat"])).own[0].name == "flat"
        with pytest.raises(ParameterError, match=r"flat\.period"):
            Lineup.of(mf.TradingConfig(strategies=[{"name": "flat", "params": {"period": 3}}]))
    finally:
        mf.strategies.unregister("flat")
