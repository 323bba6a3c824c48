"""Backtests of symbols in several quote currencies: constants, pairs of the run, tables of rates."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

import mirrorfast as mf
from mirrorfast.analytics.trade_analyzer import TradeAnalyzerAgent
from mirrorfast.errors import DataError, ShapeError

MOVING = {"rate_symbols": {"EUR": "EUR/USD"}}


@pytest.fixture(scope="module")
def bars() -> pl.DataFrame:
    """Bitcoin as if it were quoted in euros, and the euro, which rests at weekends."""
    early = mf.sample_bars().filter(pl.col("timestamp") < pl.datetime(2017, 9, 15, time_zone="UTC"))
    return early.with_columns(pl.col("symbol").replace({"BTC/USD": "BTC/EUR"}))


def run(bars: pl.DataFrame, config: dict[str, Any], **more: Any) -> mf.BacktestResult:
    return mf.backtest(bars, config=mf.TradingConfig(**config), **more)


def in_dollars(result: mf.BacktestResult) -> float:
    """Equity from nothing but fills, the rates that they were booked at, and the last closes."""
    fills = result.fills.with_columns(sign=pl.when(pl.col("side") == "buy").then(1.0).otherwise(-1.0))
    paid = (pl.col("sign") * pl.col("quantity") * pl.col("price") + pl.col("fee")) * pl.col("rate")
    cash = float(result.config.capital) - float(fills.select(paid.sum()).item())
    held = fills.group_by("symbol").agg(q=(pl.col("sign") * pl.col("quantity")).sum())
    last = {symbol: part["close"][-1] for (symbol,), part in result.bars.group_by("symbol")}
    rate = {"BTC/EUR": last["EUR/USD"]}
    return cash + sum(row["q"] * last[row["symbol"]] * rate.get(row["symbol"], 1.0) for row in held.to_dicts())


def test_a_constant_of_two_doubles_everything(bars: pl.DataFrame) -> None:
    euros = bars.filter(pl.col("symbol") == "BTC/EUR")
    plain = run(euros, {"currency": "EUR", "capital": 10_000})
    double = run(euros, {"rates": {"EUR": 2.0}, "capital": 20_000})
    assert plain.fills.height > 50
    assert (double.equity["equity"] / 2.0).to_list() == plain.equity["equity"].to_list()
    assert double.fills.drop("rate").equals(plain.fills.drop("rate"))
    assert (double.trades["pnl"] / 2.0).to_list() == plain.trades["pnl"].to_list()
    assert double.trades["pnl_fraction"].to_list() == plain.trades["pnl_fraction"].to_list()
    assert set(double.trades["entry_rate"]) == {2.0}
    assert set(plain.fills["rate"]) == set(plain.trades["exit_rate"]) == {1.0}
    assert double.traded == 2.0 * plain.traded  # type: ignore[operator]
    # Figures are shares of equity, but for profit and fees, which are money.
    for name in ("total_return", "sharpe", "turnover", "max_drawdown", "win_rate", "exposure"):
        assert double.stats[name] == plain.stats[name], name


def test_a_rate_that_moves_is_in_the_books(bars: pl.DataFrame) -> None:
    result = run(bars, MOVING)
    assert set(result.trades["symbol"]) == {"BTC/EUR", "EUR/USD"}
    assert result.final_equity == pytest.approx(in_dollars(result), rel=1e-12)
    euros = result.trades.filter(pl.col("symbol") == "BTC/EUR")
    assert euros.filter(pl.col("entry_rate") != pl.col("exit_rate")).height > 10
    # What a fill is booked at is the pair's last close before it.
    closes = bars.filter(pl.col("symbol") == "EUR/USD").select(
        "close", known=pl.col("timestamp") + pl.duration(hours=1)
    )
    booked = result.fills.filter(pl.col("symbol") == "BTC/EUR").sort("timestamp")
    known = booked.join_asof(closes.sort("known"), left_on="timestamp", right_on="known", strategy="backward")
    assert known["rate"].to_list() == known["close"].to_list()
    assert set(result.fills.filter(pl.col("symbol") == "EUR/USD")["rate"]) == {1.0}
    traded = (
        result.trades["quantity"]
        * (
            result.trades["entry_price"] * result.trades["entry_rate"]
            + result.trades["exit_price"] * result.trades["exit_rate"]
        )
    ).sum()
    assert result.traded == pytest.approx(traded, rel=1e-12)
    measured = mf.performance(result.equity, trades=result.trades)
    assert measured["turnover"] == pytest.approx(result.stats["turnover"], rel=1e-12)
    agent = TradeAnalyzerAgent(result)
    assert agent.frames.currency == "USD"
    assert agent.metrics()["net_pnl"] == pytest.approx(float(result.trades["pnl"].sum()))
    assert float(result.stats_by("symbol")["pnl"].sum()) == pytest.approx(float(result.trades["pnl"].sum()))


def test_watched_symbols_tell_their_rate_and_are_not_traded(bars: pl.DataFrame) -> None:
    watching = MOVING | {"watch": ("EUR/USD",)}
    result = run(bars, watching)
    assert set(result.decisions["symbol"]) == set(result.fills["symbol"]) == {"BTC/EUR"}
    assert result.final_equity == pytest.approx(in_dollars(result), rel=1e-12)
    named = run(bars, watching | {"symbols": ("BTC/EUR",)})
    assert named.equity.equals(result.equity)
    # All of the capital that buying and holding may have goes into what is traded.
    hold = result.benchmark
    assert float(hold["exposure"][-1]) > 0.9  # type: ignore[arg-type]
    # A strategy of one's own is not asked about it.
    seen: set[str] = set()

    def own(df: pl.DataFrame) -> pl.Series:
        seen.update(df["symbol"].unique())
        return (df["close"].diff() > 0).cast(pl.Float64)

    assert run(bars, watching, strategies=[own], bias_check="off").decisions.height == result.decisions.height
    assert seen == {"BTC/EUR"}


def test_a_table_of_rates_is_a_pair_that_is_watched(bars: pl.DataFrame) -> None:
    euro = bars.filter(pl.col("symbol") == "EUR/USD")
    btc = bars.filter(pl.col("symbol") == "BTC/EUR")
    table = euro.select(currency=pl.lit("eur"), timestamp="timestamp", rate="close")
    told = mf.backtest(btc, rates=table)
    watched = run(bars, MOVING | {"watch": ("EUR/USD",)})
    assert told.equity.drop("timestamp").equals(watched.equity.drop("timestamp"))
    assert told.fills.equals(watched.fills)
    assert told.benchmark.equals(watched.benchmark)
    assert told.config.watch == ("EUR/USD",)
    # The result's own bars and configuration are the same run.
    assert mf.backtest(told.bars, config=told.config).equity.equals(told.equity)
    # Rates published in the middle of an hour count at its close, and none before it was published.
    shifted = table.with_columns(pl.col("timestamp") + pl.duration(minutes=59))
    assert mf.backtest(btc, rates=shifted).equity.equals(told.equity)
    late = table.with_columns(pl.col("timestamp") + pl.duration(minutes=60))
    assert not mf.backtest(btc, rates=late).equity.equals(told.equity)
    cut = btc["timestamp"][900]
    other = table.with_columns(rate=pl.when(pl.col("timestamp") >= cut).then(pl.col("rate") * 1.5).otherwise("rate"))
    changed = mf.backtest(btc, rates=other)
    before = pl.col("timestamp") < cut
    assert changed.equity.filter(before).equals(told.equity.filter(before))
    assert not changed.equity.equals(told.equity)


def test_nothing_is_opened_before_the_first_rate(bars: pl.DataFrame) -> None:
    btc = bars.filter(pl.col("symbol") == "BTC/EUR")
    since = btc["timestamp"][600]
    result = mf.backtest(btc, rates=pl.DataFrame({"currency": ["EUR"], "timestamp": [since], "rate": [1.2]}))
    assert result.fills["timestamp"].min() > since  # type: ignore[operator]
    assert result.fills.height > 10
    early = result.decisions.filter(pl.col("timestamp") < since)
    assert early["reasons"].str.contains("a rate of its currency").any()
    constant = run(btc, {"rates": {"EUR": 1.1}})
    assert constant.fills["timestamp"].min() < since  # type: ignore[operator]


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ({"currency": ["EUR"], "rate": [1.1]}, ShapeError, "column timestamp is missing"),
        ({"rate": [-1.0]}, DataError, r"rate = -1.0 of EUR .*expected a number > 0"),
        ({"rate": [float("nan")]}, DataError, "rate = nan of EUR"),
        ({"rate": [None]}, DataError, "rate = None of EUR"),
        ({"currency": [None]}, DataError, "currency or timestamp is null"),
        ({"currency": ["USD"]}, mf.ParameterError, "the account's own currency"),
        (
            {"currency": ["EUR", "EUR"], "rate": [1.1, 1.2], "timestamp": [datetime(2017, 7, 3, tzinfo=UTC)] * 2},
            DataError,
            "two rows",
        ),
    ],
)
def test_bad_rates_are_named(bars: pl.DataFrame, rows: dict[str, Any], error: type[Exception], message: str) -> None:
    whole = {"currency": ["EUR"], "rate": [1.1], "timestamp": [datetime(2017, 7, 3, tzinfo=UTC)]}
    table = pl.DataFrame(rows if "missing" in message else whole | rows, strict=False)
    with pytest.raises(error, match=message):
        mf.backtest(bars.filter(pl.col("symbol") == "BTC/EUR"), rates=table)


def test_two_sources_of_one_rate_are_refused(bars: pl.DataFrame) -> None:
    table = pl.DataFrame({"currency": ["EUR"], "rate": [1.1], "timestamp": [bars["timestamp"][0]]})
    with pytest.raises(mf.ParameterError, match='expected rate_symbols = {EUR = "EUR/USD"} in their place'):
        mf.backtest(bars, rates=table)
    with pytest.raises(mf.ParameterError, match="which rate_symbols gives too"):
        mf.backtest(bars, rates=table, config=mf.TradingConfig(**MOVING))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"rates": {"EUR": -1.0}}, "rates .*EUR = -1.0: expected a number > 0"),
        ({"rates": {"USD": 1.5}}, "USD = 1.5: expected 1 for the account's own currency"),
        ({"rate_symbols": {"EUR": "GBP/USD"}}, "EUR = 'GBP/USD': expected a pair of EUR"),
        ({"rate_symbols": {"USD": "EUR/USD"}}, "expected none for the account's own currency"),
        (MOVING | {"symbols": ("BTC/EUR",)}, r"expected one of symbols \(BTC/EUR\), or of watch"),
        ({"symbols": ("BTC/EUR",), "watch": ("BTC/EUR",)}, "it stands in symbols too"),
    ],
)
def test_contradictory_currencies_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(mf.ConfigurationError, match=message):
        mf.TradingConfig(**config)


def test_a_currency_without_a_rate_is_named_with_the_way_out(bars: pl.DataFrame) -> None:
    with pytest.raises(mf.ParameterError) as caught:
        mf.backtest(bars)
    for part in ("rates.EUR = none", "as BTC/EUR is quoted in EUR", "rates = {EUR", 'rate_symbols = {EUR = "EUR/USD"}'):
        assert part in str(caught.value)
    with pytest.raises(mf.ParameterError, match=r'rate_symbols.EUR = "EUR/GBP": expected a symbol of the run'):
        run(bars, {"rate_symbols": {"EUR": "EUR/GBP"}})


def test_searches_reckon_as_backtests_do(bars: pl.DataFrame) -> None:
    config = mf.TradingConfig(**MOVING, watch=("EUR/USD",))
    found = mf.sweep(bars, {"ut_bot.sensitivity": [1.0, 2.0]}, strategies=["ut_bot"], config=config)
    strategies = [{"name": "ut_bot", "params": {"sensitivity": 2.0}}]
    one = mf.backtest(bars, strategies=strategies, config=config, decisions=False)
    row = found.frame.filter(pl.col("ut_bot.sensitivity") == 2.0)
    for name in ("total_return", "turnover", "win_rate"):
        assert row[name][0] == one.stats[name], name
    walked = mf.walk_forward(bars, train=700, test=500, strategies=["ut_bot"], config=config)
    assert walked.folds.height >= 1
    assert set(walked.trades["symbol"]) == {"BTC/EUR"}


def test_strategies_that_compare_symbols_do_not_see_watched_ones(bars: pl.DataFrame) -> None:
    start = bars["timestamp"][0]
    ether = bars.filter(pl.col("symbol") == "BTC/EUR").with_columns(
        pl.lit("ETH/EUR").alias("symbol"),
        *(
            pl.col(name) * (0.1 + 0.002 * (pl.col("timestamp") - start).dt.total_hours().sin())
            for name in ("open", "high", "low", "close")
        ),
    )
    three = pl.concat([bars, ether]).sort("symbol", "timestamp")
    pairs = {"strategies": ["pairs_trading"], "bias_check": "off"}
    watched = run(three, MOVING | {"watch": ("EUR/USD",)}, **pairs)
    alone = run(three.filter(pl.col("symbol") != "EUR/USD"), {"rates": {"EUR": 1.2}}, **pairs)
    assert watched.decisions["rule"].equals(alone.decisions["rule"])
    assert watched.decisions["rule"].is_not_null().any()


def test_the_clock_of_a_table_is_the_close_of_the_bar() -> None:
    from mirrorfast.backtest.rates import with_rates

    start = datetime(2024, 1, 1, tzinfo=UTC)
    times = [start + timedelta(hours=k) for k in range(4)]
    flat = {name: [1.0] * 4 for name in ("open", "high", "low", "close", "volume")}
    bars = mf.data.validate_bars(pl.DataFrame({"symbol": ["A/EUR"] * 4, "timestamp": times, **flat}))
    stamps = [start + timedelta(minutes=m) for m in (0, 30, 60, 179)]
    rates = pl.DataFrame({"currency": ["EUR"] * 4, "timestamp": stamps, "rate": [1.0, 2.0, 3.0, 4.0]})
    table, _ = with_rates(bars, mf.TradingConfig(), rates, interval="1h")
    assert table.filter(pl.col("symbol") == "EUR/USD")["close"].to_list() == [2.0, 3.0, 4.0, 4.0]
