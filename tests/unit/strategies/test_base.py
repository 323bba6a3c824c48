"""Strategies of a user's own, and the registry that knows them by name."""

import pickle

import numpy as np
import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.strategies import StrategyStream


class Above(mf.BaseStrategyAgent):
    """Long above the mean of `period` closes."""

    name = "above"

    def __init__(self, *, period: int = 3) -> None:
        self.period = period

    def evaluate(self, df: pl.DataFrame) -> pl.Series:
        mean = pl.col("close").rolling_mean(self.period).over("symbol")
        return df.select((pl.col("close") > mean).cast(pl.Float64)).to_series()


@pytest.fixture
def table(market: pl.DataFrame) -> pl.DataFrame:
    return market.group_by("symbol", maintain_order=True).head(50)


@pytest.fixture
def registered():
    mf.strategies.register("above", Above)
    yield
    mf.strategies.unregister("above")


def test_confidence_defaults_to_one(table: pl.DataFrame) -> None:
    votes = Above().votes(table)
    assert votes.height == 100
    assert votes["signal"].null_count() == 4
    assert votes["confidence"].drop_nulls().unique().to_list() == [1.0]
    assert votes["signal"].is_null().equals(votes["confidence"].is_null())


class Answer(mf.BaseStrategyAgent):
    """Answers what it was told to."""

    name = "answer"

    def __init__(self, signal, confidence=None) -> None:
        self.answer, self.sure = signal, confidence

    def evaluate(self, df):
        return self.answer

    def confidence(self, df):
        return super().confidence(df) if self.sure is None else self.sure


@pytest.mark.parametrize(
    ("agent", "error", "message"),
    [
        (Answer(pl.Series([1.0, 0.0])), mf.DataError, "answer: signal: got 2 rows, expected 3"),
        (Answer(pl.Series([1.0, 0.0, 1.5])), mf.DataError, "answer: signal = 1.5 at row 2: expected a number from -1"),
        (Answer(pl.Series([1.0, float("inf"), 0.0])), mf.DataError, "signal = inf at row 1"),
        (Answer(pl.Series(["a", "b", "c"])), mf.DataError, "expected numbers"),
        (Answer(pl.Series([1, 0, -1]), pl.Series([0.5, -0.1, 1.0])), mf.DataError, "confidence = -0.1 at row 1"),
    ],
)
def test_answers_out_of_range_are_refused(agent, error, message) -> None:
    with pytest.raises(error, match=message):
        agent.votes(pl.DataFrame({"close": [1.0, 2.0, 3.0]}))


def test_answers_of_other_kinds() -> None:
    frame = pl.DataFrame({"close": [1.0, 2.0, 3.0]})
    for answer in (np.array([1.0, np.nan, 0.0]), [1, None, 0], pl.Series([True, None, False])):
        assert Answer(answer, [1.0, 1.0, 1.0]).votes(frame)["signal"].to_list() == [1.0, None, 0.0]


def test_base_has_no_rule() -> None:
    with pytest.raises(NotImplementedError, match="BaseStrategyAgent has no evaluate method"):
        mf.BaseStrategyAgent().evaluate(pl.DataFrame())


def test_registered_by_name(registered, table: pl.DataFrame) -> None:
    agent = mf.strategies.create("above", period=5)
    assert isinstance(agent, Above)
    assert agent.evaluate(table).null_count() == 8
    row = mf.strategies.catalogue().filter(pl.col("name") == "above").row(0, named=True)
    assert (row["class"], row["style"], row["summary"]) == ("Above", "own", "Long above the mean of `period` closes.")
    assert mf.strategies.names()[-1] == "above"
    with pytest.raises(mf.ParameterError, match="not taken"):
        mf.strategies.register("above", Above)
    mf.strategies.register("above", Above, replace=True)
    with pytest.raises(mf.ParameterError, match=r"above: .*speed"):
        mf.strategies.create("above", speed=5)


def test_registry_refuses(registered) -> None:
    for name, strategy, message in [
        ("ut_bot", Above, "not taken"),
        ("no name", Above, "letters"),
        ("mine", 5, "expected a class"),
    ]:
        with pytest.raises(mf.ParameterError, match=message):
            mf.strategies.register(name, strategy)
    with pytest.raises(mf.ParameterError, match="such as ut_bot"):
        mf.strategies.create("ut_bott")
    with pytest.raises(mf.ParameterError, match="expected one of above"):
        mf.strategies.unregister("below")
    mf.strategies.register("odd", lambda: "not a strategy")
    with pytest.raises(mf.ParameterError, match="made a str"):
        mf.strategies.create("odd")
    mf.strategies.unregister("odd")


def test_agents_compare_print_and_pickle() -> None:
    agent = mf.UTSignalAgent(sensitivity=2.0)
    assert repr(agent) == "UTSignalAgent(atr_period=10, sensitivity=2.0)"
    assert pickle.loads(pickle.dumps(agent)) == agent == mf.strategies.create("ut_bot", sensitivity=2.0)
    assert agent != mf.UTSignalAgent()
    assert len({agent, mf.UTSignalAgent(sensitivity=2.0), mf.UTSignalAgent()}) == 2


def test_tables_of_other_kinds(table: pl.DataFrame) -> None:
    agent = mf.MeanReversionAgent()
    expected = agent.evaluate(table)
    assert agent.evaluate(table.lazy()).equals(expected)
    assert agent.evaluate(table.to_arrow()).equals(expected)
    one = table.filter(pl.col("symbol") == "BTC/USD").drop("symbol")
    assert agent.evaluate(one).equals(expected[:50])
    with pytest.raises(mf.DataError, match="column close"):
        agent.evaluate(table.drop("close"))


@pytest.mark.parametrize("name", ["ut_bot", "vbsr", "scanner_signal", "regime_change"])
def test_stream_equals_batch(name: str, market: pl.DataFrame) -> None:
    bars = market.filter(pl.col("symbol") == "BTC/USD").head(500)
    agent = mf.strategies.create(name)
    votes = agent.votes(bars)
    stream = agent.stream()
    assert stream.warm_up == mf.strategies.catalogue().filter(pl.col("name") == name)["warm_up"][0]
    for i, row in enumerate(bars.iter_rows(named=True)):
        if i == 420:
            state = stream.snapshot()
            stream = agent.stream()
            stream.restore(state)
        values = {key: row[key] for key in ("open", "high", "low", "close", "volume")}
        vote = stream.update(**values, timestamp=int(row["timestamp"].timestamp() * 1000))
        assert vote == (None if votes["signal"][i] is None else votes.row(i))
    stream.reset()
    assert stream.update(open=1.0, high=1.0, low=1.0, close=1.0, volume=1.0) is None


def test_stream_refuses_strangers() -> None:
    with pytest.raises(mf.ParameterError, match="a strategy of the catalogue"):
        StrategyStream(Above())
    with pytest.raises(mf.ParameterError, match="a table of several"):
        mf.PairsTradingAgent().stream()


def test_words_of_the_context() -> None:
    with pytest.raises(mf.ParameterError, match="timeframe"):
        mf.ScannerSignalAgent(timeframe="soon")
    with pytest.raises(mf.ParameterError, match="market"):
        mf.ScannerSignalAgent(market="stocks")
