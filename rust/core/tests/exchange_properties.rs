//! Laws of portfolio and simulated exchange over random orders on random bars.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeMap;

use mirrorfast_core::exchange::SimulatedExchange;
use mirrorfast_core::fill::{CostConfig, FundingConfig, MarginConfig, MarginMode, SlippageModel};
use mirrorfast_core::instrument::{Instrument, InstrumentKind};
use mirrorfast_core::order::{
    BrokerEvent, BrokerEventKind, CancelReason, Fill, Intent, Liquidity, Order, OrderKind, Purpose, Side, TimeInForce,
};
use mirrorfast_core::portfolio::{Portfolio, Trade};
use mirrorfast_core::snapshot;
use mirrorfast_core::types::{Bar, SymbolId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;

const HOUR: i64 = 3_600_000;
const CAPITAL: f64 = 1_000.0;
const EUR: f64 = 1.1;

/// A bar relative to the close before it.
#[derive(Debug, Clone, Copy)]
struct Shape {
    gap: f64,
    body: f64,
    up: f64,
    down: f64,
    volume: f64,
    missing: bool,
}

/// What happens at one of the three moments of a bar.
#[derive(Debug, Clone, Copy)]
enum Action {
    Submit(Wish),
    /// The n-th newest order.
    Cancel(usize),
}

/// An order relative to the price of the moment.
#[derive(Debug, Clone, Copy)]
struct Wish {
    symbol: SymbolId,
    side: Side,
    lots: u32,
    kind: u8,
    near: f64,
    far: f64,
    tif: TimeInForce,
    reduce_only: bool,
    group: u64,
}

#[derive(Debug, Clone)]
struct Step {
    shapes: [Shape; 2],
    /// After the close before, after the open's fills, after the range's fills.
    actions: [Vec<Action>; 3],
}

#[derive(Debug, Clone)]
struct Case {
    costs: CostConfig,
    shortable: bool,
    steps: Vec<Step>,
}

fn shape() -> impl Strategy<Value = Shape> {
    (-0.04..0.04_f64, -0.04..0.04_f64, 0.0..0.03_f64, 0.0..0.03_f64, 0.0..200.0_f64, 0..12_u8).prop_map(
        |(gap, body, up, down, volume, missing)| Shape {
            gap: if missing % 3 == 0 { gap } else { 0.0 },
            body,
            up,
            down,
            volume,
            missing: missing == 11,
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    let tif = prop_oneof![
        6 => Just(TimeInForce::Gtc),
        1 => Just(TimeInForce::Ioc),
        1 => Just(TimeInForce::Fok),
        1 => Just(TimeInForce::Day)
    ];
    let wish =
        (0..2_u32, any::<bool>(), 1..80_u32, 0..6_u8, -0.03..0.03_f64, 0.0..0.03_f64, tif, any::<bool>(), 0..4_u64)
            .prop_map(|(symbol, buy, lots, kind, near, far, tif, reduce_only, group)| Wish {
                symbol,
                side: if buy { Side::Buy } else { Side::Sell },
                lots,
                kind,
                near,
                far,
                tif,
                reduce_only,
                group,
            });
    prop_oneof![7 => wish.prop_map(Action::Submit), 1 => (0..6_usize).prop_map(Action::Cancel)]
}

fn step() -> impl Strategy<Value = Step> {
    let few = || prop::collection::vec(action(), 0..3);
    ((shape(), shape()), few(), few(), few()).prop_map(|((a, b), x, y, z)| Step { shapes: [a, b], actions: [x, y, z] })
}

fn costs() -> impl Strategy<Value = CostConfig> {
    let slippage = prop_oneof![
        (0.0..0.01_f64).prop_map(|fraction| SlippageModel::Fixed { fraction }),
        (0.1..2.0_f64, 1..30_u32).prop_map(|(multiplier, period)| SlippageModel::Volatility {
            multiplier,
            period,
            minimum: 0.0001
        }),
        (0.01..0.2_f64, 0.5..2.0_f64).prop_map(|(impact, exponent)| SlippageModel::VolumeShare {
            impact,
            exponent,
            minimum: 0.0
        }),
    ];
    let margin =
        (prop_oneof![Just(MarginMode::Unlimited), Just(MarginMode::Isolated), Just(MarginMode::Cross)], 1.0..40.0_f64)
            .prop_map(|(mode, leverage)| MarginConfig { mode, leverage, liquidation_fee: 0.0125 });
    (slippage, margin, 0.0..0.002_f64, -0.0005..0.001_f64, 0..3_u32, prop::option::of(0.01..0.5_f64), 0..3_u32)
        .prop_map(|(slippage, margin, spread, maker_fee, latency_bars, max_volume_share, limit_through_ticks)| {
            CostConfig {
                taker_fee: 0.001,
                maker_fee,
                slippage,
                spread,
                latency_bars,
                max_volume_share,
                limit_through_ticks,
                funding: FundingConfig { rate: 0.0005, interval_ms: 4 * HOUR },
                margin,
            }
        })
}

fn case() -> impl Strategy<Value = Case> {
    (costs(), any::<bool>(), prop::collection::vec(step(), 1..40)).prop_map(|(costs, shortable, steps)| Case {
        costs,
        shortable,
        steps,
    })
}

fn instruments(shortable: bool) -> Vec<Instrument> {
    vec![
        Instrument { symbol: "A/USD".to_owned(), tick: 0.01, lot: 0.1, shortable, ..Instrument::default() },
        Instrument {
            symbol: "B/EUR".to_owned(),
            tick: 0.05,
            lot: 1.0,
            quote: "EUR".to_owned(),
            kind: InstrumentKind::Perpetual,
            multiplier: 0.5,
            ..Instrument::default()
        },
    ]
}

/// What a run leaves behind.
#[derive(Debug, Default)]
struct Log {
    fills: Vec<(Fill, Bar)>,
    /// Position of the fill's symbol before each fill.
    before: Vec<f64>,
    events: Vec<BrokerEvent>,
    trades: Vec<Trade>,
    orders: BTreeMap<u64, Order>,
    equity: Vec<u64>,
}

struct Run {
    exchange: SimulatedExchange,
    portfolio: Portfolio,
    instruments: Vec<Instrument>,
    prices: [f64; 2],
    ts: i64,
    next: u64,
    log: Log,
}

impl Run {
    fn new(case: &Case) -> Self {
        let instruments = instruments(case.shortable);
        let portfolio = Portfolio::with_rates(CAPITAL, "USD", &[("EUR".to_owned(), EUR)], &instruments).unwrap();
        let exchange = if case.costs.margin.mode == MarginMode::Cross {
            SimulatedExchange::with_account(&case.costs, &instruments, &portfolio)
        } else {
            SimulatedExchange::new(&case.costs, &instruments)
        };
        Self {
            exchange: exchange.unwrap(),
            portfolio,
            instruments,
            prices: [100.0, 50.0],
            ts: 0,
            next: 1,
            log: Log::default(),
        }
    }

    fn act(&mut self, actions: &[Action]) {
        for action in actions {
            match *action {
                Action::Cancel(back) => {
                    let Some(id) = self.next.checked_sub(1 + back as u64).filter(|&id| id > 0) else { continue };
                    let symbol = self.log.orders[&id].symbol;
                    self.exchange.submit(&Intent::Cancel { id, symbol, reason: CancelReason::Operator });
                }
                Action::Submit(w) => {
                    let price = self.prices[w.symbol as usize];
                    let near = price * (1.0 + w.near);
                    let kind = match w.kind {
                        0 | 1 => OrderKind::Market,
                        2 => OrderKind::Limit { price: near },
                        3 => OrderKind::Stop { trigger: near },
                        4 => OrderKind::StopLimit { trigger: near, price: near * (1.0 + w.side.sign() * w.far) },
                        _ => OrderKind::TrailingStop { distance: price * w.far.max(0.002), trigger: near },
                    };
                    let order = Order {
                        id: self.next,
                        decision: self.next,
                        symbol: w.symbol,
                        side: w.side,
                        quantity: f64::from(w.lots) * self.instruments[w.symbol as usize].lot,
                        kind,
                        tif: w.tif,
                        reduce_only: w.reduce_only,
                        purpose: Purpose::Entry,
                        // Groups live for a few bars, so that their members meet.
                        oco: if w.group == 0 { 0 } else { w.group + 4 * (self.ts / HOUR / 4) as u64 },
                        ts: self.ts,
                    };
                    self.next += 1;
                    self.log.orders.insert(order.id, order);
                    self.exchange.submit(&Intent::Submit(order));
                }
            }
        }
    }

    fn book(&mut self, fills: &[Fill], bars: &[(SymbolId, Bar)]) {
        for event in self.exchange.drain_funding() {
            self.portfolio.apply_event(&event);
            self.log.events.push(event);
        }
        for fill in fills {
            let bar = bars.iter().find(|(s, _)| *s == fill.symbol).unwrap().1;
            self.log.fills.push((*fill, bar));
            self.log.before.push(self.portfolio.position(fill.symbol).quantity);
            let trade = self.portfolio.apply_fill(fill, &self.instruments[fill.symbol as usize]).unwrap();
            self.log.trades.extend(trade);
        }
        for event in self.exchange.drain_events() {
            self.portfolio.apply_event(&event);
            self.log.events.push(event);
        }
    }

    fn step(&mut self, step: &Step) {
        self.act(&step.actions[0]);
        let mut bars: Vec<(SymbolId, Bar)> = Vec::new();
        for (k, shape) in step.shapes.iter().enumerate() {
            if shape.missing {
                continue;
            }
            let round = |price: f64| self.instruments[k].round_price(price);
            let open = round(self.prices[k] * (1.0 + shape.gap));
            let close = round(open * (1.0 + shape.body));
            let high = round(open.max(close) * (1.0 + shape.up));
            let low = round(open.min(close) * (1.0 - shape.down));
            bars.push((k as u32, Bar { ts: self.ts, open, high, low, close, volume: shape.volume }));
        }
        let mut fills = Vec::new();
        self.exchange.open_phase(self.ts, &bars, &mut fills);
        self.book(&fills, &bars);
        for (k, bar) in &bars {
            self.prices[*k as usize] = bar.open;
        }
        self.act(&step.actions[1]);
        let mut rounds = 0;
        loop {
            fills.clear();
            self.exchange.range_phase(self.ts, &bars, &mut fills);
            self.book(&fills, &bars);
            if fills.is_empty() {
                break;
            }
            rounds += 1;
            assert!(rounds < 10, "the range of one bar fills for ever");
            if rounds == 1 {
                self.act(&step.actions[2]);
            }
        }
        for (k, bar) in &bars {
            self.prices[*k as usize] = bar.close;
            self.portfolio.on_bar(*k, bar);
        }
        self.ts += HOUR;
        self.log.equity.push(self.portfolio.equity().to_bits());
        self.check();
    }

    /// What holds after every bar.
    fn check(&self) {
        let p = &self.portfolio;
        let value: f64 = (0..2).map(|s| p.value(s)).sum();
        near(p.equity(), p.cash() + value);
        let unrealised: f64 = (0..2).map(|s| p.unrealised(s)).sum();
        near(p.equity() - CAPITAL, p.realised() + unrealised - p.fees() - p.funding());
        if let Some(account) = self.exchange.account() {
            assert_eq!(account.cash(), p.cash());
            assert_eq!(account.equity(), p.equity());
        }
        for s in 0..2_u32 {
            let quantity = p.position(s).quantity;
            assert_eq!(quantity, self.exchange.position(s));
            assert_eq!(quantity, self.instruments[s as usize].round_quantity(quantity));
            assert!(self.instruments[s as usize].shortable || quantity >= 0.0, "short of {quantity}");
            assert_eq!(quantity != 0.0, p.held().contains(&s));
            for o in self.exchange.orders_of(s) {
                assert!(o.remaining > 0.0 && o.remaining <= o.order.quantity);
            }
        }
    }
}

fn near(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-9 * CAPITAL.max(a.abs()), "{a} != {b}");
}

fn run(case: &Case) -> Run {
    let mut run = Run::new(case);
    for step in &case.steps {
        run.step(step);
    }
    run
}

proptest! {
    #[test]
    fn fills_keep_to_bar_lot_order_and_fee(case in case()) {
        let run = run(&case);
        let mut filled: BTreeMap<u64, f64> = BTreeMap::new();
        for (n, (fill, bar)) in run.log.fills.iter().enumerate() {
            prop_assert_eq!(fill.id, n as u64 + 1);
            prop_assert!(fill.price >= bar.low && fill.price <= bar.high, "{:?} outside {:?}", fill, bar);
            prop_assert_eq!(fill.ts, bar.ts);
            let i = &run.instruments[fill.symbol as usize];
            prop_assert!(fill.quantity > 0.0 && fill.quantity == i.round_quantity(fill.quantity));
            prop_assert_eq!(fill.price, i.round_price(fill.price));
            prop_assert!(fill.liquidity == Liquidity::Maker || fill.fee >= 0.0);
            prop_assert!(fill.slippage >= 0.0);
            if fill.purpose == Purpose::Liquidation {
                prop_assert_eq!(fill.quantity, run.log.before[n].abs());
                continue;
            }
            let order = run.log.orders[&fill.order];
            prop_assert_eq!((fill.side, fill.symbol, fill.decision), (order.side, order.symbol, order.decision));
            let sum = filled.entry(fill.order).or_default();
            *sum = i.round_quantity(*sum + fill.quantity);
            prop_assert!(*sum <= order.quantity);
            let sign = fill.side.sign();
            match order.kind {
                OrderKind::Limit { price } | OrderKind::StopLimit { price, .. } => {
                    prop_assert!(sign * (fill.price - i.round_price(price)) <= 0.0);
                }
                OrderKind::Stop { trigger } if case.costs.max_volume_share.is_none() => {
                    prop_assert!(sign * (fill.price - i.round_price(trigger)) >= 0.0);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn reduce_only_never_adds_and_never_flips(case in case()) {
        let run = run(&case);
        for (n, (fill, _)) in run.log.fills.iter().enumerate() {
            let reduce_only = run.log.orders.get(&fill.order).is_none_or(|o| o.reduce_only);
            if reduce_only {
                let before = run.log.before[n];
                prop_assert!(before * fill.side.sign() < 0.0);
                prop_assert!(fill.quantity <= before.abs());
            }
        }
    }

    #[test]
    fn volume_share_holds_bar_by_bar(case in case()) {
        let Some(share) = case.costs.max_volume_share else { return Ok(()) };
        let run = run(&case);
        let mut used: BTreeMap<(SymbolId, i64), f64> = BTreeMap::new();
        for (fill, bar) in run.log.fills.iter().filter(|(f, _)| f.purpose != Purpose::Liquidation) {
            let sum = used.entry((fill.symbol, fill.ts)).or_default();
            *sum += fill.quantity * run.instruments[fill.symbol as usize].multiplier;
            prop_assert!(*sum <= share * bar.volume + 1e-6);
        }
    }

    #[test]
    fn every_round_trip_is_one_trade(case in case()) {
        let run = run(&case);
        let mut expected = 0;
        for (n, (fill, _)) in run.log.fills.iter().enumerate() {
            let before = run.log.before[n];
            let after = run.instruments[fill.symbol as usize].round_quantity(before + fill.side.sign() * fill.quantity);
            expected += usize::from(before != 0.0 && before * after <= 0.0);
        }
        prop_assert_eq!(run.log.trades.len(), expected);
        for t in &run.log.trades {
            prop_assert!(t.quantity > 0.0 && t.mae <= 0.0 && t.mfe >= 0.0);
            near(t.pnl, t.gross - t.fees - t.funding);
            let moved = t.side.sign() * (t.exit_price - t.entry_price) / t.entry_price;
            prop_assert!(t.mae <= moved + 1e-9 && moved <= t.mfe + 1e-9, "{:?}", t);
        }
        if run.portfolio.held().is_empty() {
            near(run.log.trades.iter().map(|t| t.pnl).sum(), run.portfolio.equity() - CAPITAL);
        }
    }

    #[test]
    fn a_group_fills_once(case in case()) {
        let run = run(&case);
        let mut groups: BTreeMap<(SymbolId, u64), Vec<u64>> = BTreeMap::new();
        for (fill, _) in &run.log.fills {
            if let Some(o) = run.log.orders.get(&fill.order).filter(|o| o.oco > 0) {
                let members = groups.entry((o.symbol, o.oco)).or_default();
                if !members.contains(&o.id) {
                    members.push(o.id);
                }
            }
        }
        for ((symbol, group), filled) in groups {
            let first = run.log.fills.iter().find(|(f, _)| f.order == filled[0]).unwrap().0;
            let rejected = |id: u64| run.log.events.iter().any(|e| e.order == id && e.is_rejection());
            let members: Vec<Order> = run
                .log
                .orders
                .values()
                .filter(|o| (o.symbol, o.oco) == (symbol, group) && !rejected(o.id))
                .copied()
                .collect();
            if case.costs.max_volume_share.is_none() {
                // Whoever filled later was sent later: a group may be founded anew.
                for id in &filled[1..] {
                    prop_assert!(*id > first.order && run.log.orders[id].ts >= first.ts, "{:?}", members);
                }
            }
            if members.iter().all(|o| o.ts < first.ts) {
                let of_group = run.log.fills.iter().filter(|(f, _)| filled.contains(&f.order));
                let sum: f64 = of_group.map(|(f, _)| f.quantity).sum();
                let most = members.iter().map(|o| o.quantity).fold(0.0, f64::max);
                prop_assert!(sum <= most + 1e-9, "{:?}", members);
            }
        }
    }

    #[test]
    fn every_order_ends_once(case in case()) {
        let run = run(&case);
        for order in run.log.orders.values() {
            let events: Vec<_> = run.log.events.iter().filter(|e| e.order == order.id).collect();
            let accepted = events.iter().filter(|e| e.kind == BrokerEventKind::Accepted).count();
            let rejected = events.iter().filter(|e| e.is_rejection()).count();
            prop_assert_eq!(accepted + rejected, 1);
            let closed = events.iter().filter(|e| e.closes()).count();
            let last = run.log.fills.iter().rev().find(|(f, _)| f.order == order.id);
            let filled = last.is_some_and(|(f, _)| f.remaining == 0.0);
            let open = run.exchange.order(order.id, order.symbol).is_some();
            prop_assert!(closed <= 1);
            prop_assert!(open != (filled || closed == 1), "{:?} {:?} open {}", order, events, open);
            prop_assert!(!(rejected == 1 && last.is_some()));
        }
    }

    #[test]
    fn restored_in_the_middle_goes_on_bit_for_bit(case in case(), at in 0..40_usize) {
        let whole = run(&case);
        let mut broken = Run::new(&case);
        for (k, step) in case.steps.iter().enumerate() {
            if k == at % case.steps.len() {
                broken.exchange = snapshot::from_bytes(&snapshot::to_bytes(&broken.exchange).unwrap()).unwrap();
                broken.portfolio = snapshot::from_bytes(&snapshot::to_bytes(&broken.portfolio).unwrap()).unwrap();
            }
            broken.step(step);
        }
        // As bytes: an undefined statistic is NaN, which equals nothing.
        let bytes = |r: &Run| {
            let trades = snapshot::to_bytes(&r.log.trades).unwrap();
            [trades, snapshot::to_bytes(&r.exchange).unwrap(), snapshot::to_bytes(&r.portfolio).unwrap()]
        };
        prop_assert!(bytes(&whole) == bytes(&broken));
        prop_assert!(whole.log.fills == broken.log.fills);
        prop_assert!(whole.log.events == broken.log.events);
        prop_assert!(whole.log.equity == broken.log.equity);
    }

    #[test]
    fn the_past_does_not_know_the_future(case in case(), at in 0..40_usize) {
        let whole = run(&case);
        let cut = at % case.steps.len();
        let past = run(&Case { steps: case.steps[..cut].to_vec(), ..case });
        prop_assert_eq!(&whole.log.fills[..past.log.fills.len()], &past.log.fills[..]);
        prop_assert_eq!(&whole.log.equity[..cut], &past.log.equity[..]);
    }

    #[test]
    fn free_execution_is_never_worse(case in case()) {
        // Market orders alone, so that both runs fill the same quantities.
        let mut case = case;
        case.costs.max_volume_share = None;
        case.costs.margin.mode = MarginMode::Unlimited;
        case.costs.maker_fee = 0.0;
        for step in &mut case.steps {
            for action in step.actions.iter_mut().flatten() {
                if let Action::Submit(w) = action {
                    (w.kind, w.group, w.tif) = (0, 0, TimeInForce::Gtc);
                }
            }
        }
        let paid = run(&case);
        let free = run(&Case {
            costs: CostConfig { latency_bars: case.costs.latency_bars, funding: case.costs.funding, ..CostConfig::free() },
            ..case
        });
        prop_assert_eq!(paid.log.fills.len(), free.log.fills.len());
        prop_assert!(paid.portfolio.equity() <= free.portfolio.equity() + 1e-6);
    }
}

/// The laws above say nothing about what never happens.
#[test]
fn random_runs_reach_every_outcome() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = case();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..400 {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let run = run(&case);
        let mut count = |what: String| *seen.entry(what).or_default() += 1;
        for (n, (fill, _)) in run.log.fills.iter().enumerate() {
            let after = run.log.before[n] + fill.side.sign() * fill.quantity;
            count(format!("{:?}", fill.liquidity));
            if fill.purpose == Purpose::Liquidation {
                count(format!("liquidation {:?}", case.costs.margin.mode));
            }
            if run.log.before[n] * after < -1e-9 {
                count("flip".to_owned());
            }
            if fill.remaining > 0.0 {
                count("partial".to_owned());
            }
        }
        for event in &run.log.events {
            count(match event.kind {
                BrokerEventKind::Cancelled { reason } => format!("{reason:?}"),
                BrokerEventKind::Rejected { reason } => {
                    format!("{reason:?}").split(' ').next().unwrap_or_default().to_owned()
                }
                kind => format!("{kind:?}").split(' ').next().unwrap_or_default().to_owned(),
            });
        }
    }
    for what in [
        "Maker",
        "Taker",
        "liquidation Isolated",
        "liquidation Cross",
        "flip",
        "partial",
        "Accepted",
        "Expired",
        "Triggered",
        "Funding",
        "Oco",
        "PositionClosed",
        "Operator",
        "NothingToReduce",
        "NotShortable",
        "InsufficientMargin",
    ] {
        assert!(seen.get(what).is_some_and(|&n| n >= 5), "{what}: {seen:?}");
    }
}
