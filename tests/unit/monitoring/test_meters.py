"""What is counted, and that the number of series has a bound."""

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from prometheus_client import CollectorRegistry

import mirrorfast as mf
from mirrorfast.data.venue.counters import Counters
from mirrorfast.monitoring import DataMeter, MeteredBroker, RunMeter, ScanMeter, TrainingMeter

if TYPE_CHECKING:
    from mirrorfast.rl.callbacks import TrainingObserver

ACCOUNT = {"equity": 90.0, "cash": 40.0, "exposure": 0.5, "drawdown": 0.1}


def series(registry: CollectorRegistry) -> int:
    return sum(len(metric.samples) for metric in registry.collect())


def update(**parts: Any) -> Any:
    return SimpleNamespace(
        **{"ts": 7_000, "equity": ACCOUNT, "bars": [()], "decisions": [], "fills": [], "trades": [], **parts}
    )


def meter(registry: CollectorRegistry, halted: Any = None, clock: Any = lambda: 100.0) -> RunMeter:
    engine = SimpleNamespace(halted=halted, weights=[0.5, 0.25], positions=lambda: [{}])
    return RunMeter(registry, capital=100.0, engine=engine, strategies=["a", "b"], run="demo", clock=clock)


def test_a_run(market: pl.DataFrame) -> None:
    registry = CollectorRegistry()
    watched = meter(registry)
    assert watched.first_bar() == "no bar yet"
    watched.on_batch(
        update(
            decisions=[{"verdict": "approved"}, {"verdict": "reduced"}, {"verdict": "approved"}],
            fills=[{"side": "buy", "fee": 1.5}, {"side": "sell", "fee": -0.5}],
            trades=[{"pnl": 1.0}, {"pnl": -1.0}, {"pnl": 0.0}],
        )
    )
    value = registry.get_sample_value
    assert value("mirrorfast_portfolio_pnl") == -10.0
    assert value("mirrorfast_portfolio_drawdown") == 0.1
    assert value("mirrorfast_portfolio_exposure") == 0.5
    assert value("mirrorfast_decisions_total", {"verdict": "approved"}) == 2.0
    assert value("mirrorfast_fills_total", {"side": "sell"}) == 1.0
    assert value("mirrorfast_fees_paid_total") == 1.5
    assert value("mirrorfast_trades_total", {"result": "lost"}) == 2.0
    assert value("mirrorfast_strategy_weight", {"strategy": "b"}) == 0.25
    assert value("mirrorfast_bar_timestamp_seconds") == 7.0
    assert value("mirrorfast_halted") == 0.0
    assert watched.first_bar() is None
    watched.on_batch(update(bars=[]))
    assert value("mirrorfast_bar_times_total") == 1.0


def test_halts_of_risk_and_of_a_person() -> None:
    registry = CollectorRegistry()
    watched = meter(registry, halted={"reason": "drawdown"})
    watched.on_batch(update())
    assert registry.get_sample_value("mirrorfast_halted") == 1.0
    assert watched.halted == "halted by risk: drawdown"
    watched.by_person = lambda: "halted by ada (cli): news"
    assert watched.halted == "halted by ada (cli): news"


def test_bars_that_do_not_come() -> None:
    now = [100.0]
    watched = meter(CollectorRegistry(), clock=lambda: now[0])
    fresh = watched.fresh(120.0)
    assert fresh() is None  # the first one has a question of its own
    watched.on_batch(update())
    assert fresh() is None
    now[0] = 300.0
    assert fresh() == "no bar for 200 s, expected one within 120"


def test_the_number_of_series_has_a_bound() -> None:
    registry = CollectorRegistry()
    watched, scans, data = meter(registry), ScanMeter(registry), DataMeter(registry)
    frame = pl.DataFrame({"signal": [f"label {k}" for k in range(500)]})
    none = pl.DataFrame({"kind": []})
    sizes = []
    for k in range(200):
        watched.on_batch(update(decisions=[{"verdict": f"verdict {j}"} for j in range(k, k + 50)]))
        scans.on_scan([SimpleNamespace(timeframe="1h", rows=frame, failures=none)], 1.0)
        data.add(Counters("binance"))
        sizes.append(series(registry))
    assert sizes[-1] == sizes[20] < 600


def test_orders_are_counted_and_timed(market: pl.DataFrame, tmp_path: Any) -> None:
    """A real run, once with meters and once without: they change nothing."""
    registry = CollectorRegistry()
    bars = mf.sample_bars(["BTC/USD"]).head(1_000)
    plain = mf.IntegratedTradingSystem(mf.TradingConfig(runs=tmp_path), bars=bars, run="plain")
    plain.run()
    metered = mf.IntegratedTradingSystem(mf.TradingConfig(runs=tmp_path), bars=bars, run="metered")
    metered.around_broker = lambda broker: MeteredBroker(broker, registry)
    metered.run()
    from mirrorfast.ledger import Ledger

    with Ledger.open(plain.ledger_target) as one, Ledger.open(metered.ledger_target) as other:
        assert one.fingerprint("plain") == other.fingerprint("metered")
        orders, fills = other.frame("orders", "metered"), other.frame("fills", "metered")
    value = registry.get_sample_value
    assert value("mirrorfast_orders_sent_total", {"kind": "submit"}) == orders.height > 10
    assert value("mirrorfast_order_outcomes_total", {"outcome": "filled"}) == fills.height
    assert value("mirrorfast_order_answer_seconds_count") == orders.height
    assert value("mirrorfast_submit_seconds_count") > 0


def test_orders_without_an_answer_are_forgotten_in_the_end() -> None:
    class Silent:
        async def submit(self, intents: list[Any]) -> None:
            pass

        extra = "its own"

    broker = MeteredBroker(Silent(), CollectorRegistry())
    asyncio.run(broker.submit([SimpleNamespace(kind="submit", order_id=k) for k in range(12_000)]))  # type: ignore[misc]
    assert len(broker._waiting) == 10_000
    assert broker.extra == "its own"


def test_several_venues_share_their_names() -> None:
    registry = CollectorRegistry()
    data = DataMeter(registry)
    first, second = Counters("binance"), Counters("kraken")
    data.add(first)
    data.add(second)
    first.add("requests", 2)
    second.add("requests", 5)
    again = Counters("binance")  # a fetcher that was opened anew
    data.add(again)
    again.add("requests", 7)
    value = registry.get_sample_value
    assert value("mirrorfast_data_requests_total", {"exchange": "binance"}) == 7.0
    assert value("mirrorfast_data_requests_total", {"exchange": "kraken"}) == 5.0


def test_a_training() -> None:
    registry = CollectorRegistry()
    watcher: TrainingObserver = TrainingMeter(registry)
    watcher.on_steps(2_048)
    training = pytest.importorskip("mirrorfast.rl.training")
    watcher.on_look(training.Look(steps=2_048, growth=0.02, best=True))
    assert registry.get_sample_value("mirrorfast_rl_steps") == 2_048.0
    assert registry.get_sample_value("mirrorfast_rl_validation", {"figure": "growth"}) == 0.02
