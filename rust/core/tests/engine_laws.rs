//! The three laws of SPEC over the whole decision engine: causal, batch ≡ stream (also after snapshot → restore), scale-free.
#![allow(clippy::unwrap_used)] // a test may

use std::collections::BTreeMap;

use mirrorfast_core::backtest::{self, BacktestResult, ExternalColumns, Record, Session};
use mirrorfast_core::bars::Bars;
use mirrorfast_core::engine::{EngineConfig, EquityPoint, External, StrategyConfig, SymbolConfig};
use mirrorfast_core::instrument::Instrument;
use mirrorfast_core::risk::{DrawdownConfig, RiskConfig, SizingConfig, SizingMethod, StopConfig, StopKind};
use mirrorfast_core::snapshot;
use mirrorfast_core::types::{Bar, Market};
use proptest::prelude::*;

const STRATEGIES: [&str; 3] = ["ut_bot", "mean_reversion", "momentum_breakout"];

fn config(scale: f64) -> EngineConfig {
    let symbol = |name: &str, market| SymbolConfig {
        instrument: Instrument {
            symbol: name.to_owned(),
            tick: 1.0 / 1024.0 * scale,
            lot: 1.0 / 1024.0 / scale,
            ..Instrument::default()
        },
        market,
        trade: true,
    };
    EngineConfig {
        symbols: vec![symbol("A/USD", Market::Crypto), symbol("EUR/USD", Market::Forex)],
        strategies: STRATEGIES
            .map(|name| StrategyConfig { name: name.to_owned(), ..StrategyConfig::default() })
            .to_vec(),
        ..EngineConfig::default()
    }
}

/// A random walk with shocks and quiet stretches, so that every strategy acts.
fn walk(steps: &[(f64, f64, f64)], start: f64, price_scale: f64, volume_scale: f64) -> Vec<Bar> {
    let mut close = start;
    steps
        .iter()
        .enumerate()
        .map(|(k, &(drift, spread, volume))| {
            let open = close;
            close *= 1.0 + drift;
            let high = open.max(close) * (1.0 + spread);
            let low = open.min(close) * (1.0 - spread);
            Bar {
                ts: k as i64 * 3_600_000,
                open: open * price_scale,
                high: high * price_scale,
                low: low * price_scale,
                close: close * price_scale,
                volume: volume * volume_scale,
            }
        })
        .collect()
}

fn steps(n: usize) -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    let quiet = (-0.01..0.01_f64, 0.0..0.01_f64, 0.0..100.0_f64);
    let shock = (-0.12..0.12_f64, 0.0..0.03_f64, 100.0..1000.0_f64);
    prop::collection::vec(prop_oneof![8 => quiet, 1 => shock], n)
}

/// The second symbol trades five hours in six.
fn batches(a: &[Bar], b: &[Bar]) -> Vec<Vec<(u32, Bar)>> {
    a.iter()
        .zip(b)
        .enumerate()
        .map(|(k, (x, y))| if k % 6 == 5 { vec![(0, *x)] } else { vec![(0, *x), (1, *y)] })
        .collect()
}

fn drive(session: &mut Session, batches: &[Vec<(u32, Bar)>], out: &mut BacktestResult) {
    for batch in batches {
        let ts = batch[0].1.ts;
        session.on_time(ts, batch, &External::default(), Record::ALL, out).expect("valid bars");
    }
}

fn points(out: &BacktestResult) -> Vec<EquityPoint> {
    out.equity.iter().collect()
}

fn whole(config: &EngineConfig, batches: &[Vec<(u32, Bar)>]) -> BacktestResult {
    let mut session = Session::new(config).expect("valid configuration");
    let mut out = BacktestResult::default();
    drive(&mut session, batches, &mut out);
    out
}

/// Equal to the last bit: `Debug` prints the shortest text that reads back as the same float, and NaN as NaN.
fn text<T: std::fmt::Debug>(x: &T) -> String {
    format!("{x:?}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn causal(a in steps(400), b in steps(400), cut in 30_usize..400) {
        let all = batches(&walk(&a, 100.0, 1.0, 1.0), &walk(&b, 1.2, 1.0, 1.0));
        let config = config(1.0);
        let full = whole(&config, &all);
        let part = whole(&config, &all[..cut]);
        prop_assert_eq!(text(&points(&part)), text(&points(&full)[..cut].to_vec()));
        let n = part.decisions.len();
        prop_assert_eq!(text(&part.decisions), text(&full.decisions[..n].to_vec()));
        prop_assert_eq!(text(&part.fills), text(&full.fills[..part.fills.len()].to_vec()));
        prop_assert_eq!(text(&part.orders), text(&full.orders[..part.orders.len()].to_vec()));
    }

    #[test]
    fn goes_on_after_restore(a in steps(400), b in steps(400), cut in 1_usize..399) {
        let all = batches(&walk(&a, 100.0, 1.0, 1.0), &walk(&b, 1.2, 1.0, 1.0));
        let config = config(1.0);
        let full = whole(&config, &all);
        let mut first = Session::new(&config).expect("valid configuration");
        let mut out = BacktestResult::default();
        drive(&mut first, &all[..cut], &mut out);
        let engine = first.engine.snapshot().expect("a state");
        let exchange = snapshot::to_bytes(&first.exchange).expect("a state");
        drop(first);
        let mut second = Session::new(&config).expect("valid configuration");
        second.engine.restore(&engine).expect("its own state");
        second.exchange = snapshot::from_bytes(&exchange).expect("its own state");
        prop_assert_eq!(&second.engine.snapshot().expect("a state"), &engine);
        drive(&mut second, &all[cut..], &mut out);
        prop_assert_eq!(text(&points(&out)), text(&points(&full)));
        prop_assert_eq!(text(&out.decisions), text(&full.decisions));
        prop_assert_eq!(text(&out.votes), text(&full.votes));
        prop_assert_eq!(text(&out.fills), text(&full.fills));
        prop_assert_eq!(text(&out.trades), text(&full.trades));
        prop_assert_eq!(text(&out.weights), text(&full.weights));
    }

    #[test]
    fn scale_free(a in steps(300), b in steps(300), power in -6_i32..7, m in 0.01..100.0_f64) {
        let k = 2_f64.powi(power);
        let plain = whole(&config(1.0), &batches(&walk(&a, 100.0, 1.0, 1.0), &walk(&b, 1.2, 1.0, 1.0)));
        let scaled = whole(&config(k), &batches(&walk(&a, 100.0, k, m), &walk(&b, 1.2, k, m)));
        prop_assert_eq!(plain.decisions.len(), scaled.decisions.len());
        for (x, y) in plain.decisions.iter().zip(&scaled.decisions) {
            prop_assert!((x.target - y.target).abs() <= 1e-9 || x.target.is_nan() && y.target.is_nan());
            prop_assert_eq!(x.verdict, y.verdict);
            prop_assert_eq!(x.direction, y.direction);
            prop_assert!((x.quantity - y.quantity * k).abs() <= 1e-9 * x.quantity.abs().max(1.0));
        }
        for (x, y) in plain.equity.iter().zip(scaled.equity.iter()) {
            prop_assert!((x.equity - y.equity).abs() <= 1e-6 * x.equity.abs());
        }
    }
}

/// The bars as a table, symbol after symbol.
fn table(names: &[&str], batches: &[Vec<(u32, Bar)>]) -> Bars {
    let mut rows: Vec<Vec<Bar>> = vec![Vec::new(); names.len()];
    for (symbol, bar) in batches.iter().flatten() {
        rows[*symbol as usize].push(*bar);
    }
    let runs = names.iter().zip(&rows).map(|(name, bars)| ((*name).to_owned(), bars.len())).collect();
    let all: Vec<Bar> = rows.concat();
    let column = |pick: fn(&Bar) -> f64| all.iter().map(pick).collect();
    let ts = all.iter().map(|b| b.ts).collect();
    let columns =
        [column(|b| b.open), column(|b| b.high), column(|b| b.low), column(|b| b.close), column(|b| b.volume)];
    Bars::try_new(runs, ts, columns).expect("sound bars")
}

fn risk_rules() -> impl Strategy<Value = RiskConfig> {
    let sizing = prop_oneof![
        Just(SizingMethod::Target),
        Just(SizingMethod::FixedFraction),
        Just(SizingMethod::VolatilityTarget),
        Just(SizingMethod::Kelly)
    ];
    let stop = prop_oneof![Just(StopKind::Atr), Just(StopKind::Percent), Just(StopKind::None)];
    let share = prop_oneof![Just(0.05), Just(0.5), Just(1.0)];
    let band = prop_oneof![Just(0.0), Just(0.1), Just(10.0)];
    let bars = prop_oneof![Just(None), Just(Some(9))];
    (sizing, stop, share, band, bars, any::<[bool; 3]>()).prop_map(|(method, kind, share, band, max_bars, flags)| {
        let wide = DrawdownConfig { half: 1.0, no_new_risk: 1.0, halt: 1.0, recovery: 0.0 };
        RiskConfig {
            sizing: SizingConfig { method, ..SizingConfig::default() },
            stop: StopConfig {
                kind,
                trailing: flags[0],
                break_even_at_r: flags[1].then_some(1.0),
                max_bars,
                ..StopConfig::default()
            },
            max_position: share,
            min_cash: 0.0,
            max_heat: 1.0,
            rebalance_band: band,
            drawdown: if flags[2] { wide } else { DrawdownConfig::default() },
            ..RiskConfig::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    // Short cuts must not be seen: for bars on which nothing happens, for a table of one symbol, for decisions that nobody reads.
    #[test]
    fn what_is_recorded_changes_nothing(a in steps(400), b in steps(400), both in any::<bool>(), risk in risk_rules()) {
        let mut config = EngineConfig { risk, ..config(1.0) };
        let cross = BTreeMap::from([("fast_period".to_owned(), 3.0), ("slow_period".to_owned(), 8.0)]);
        config.strategies.push(StrategyConfig { name: "sma_cross".to_owned(), params: cross, weight: 1.0, ..StrategyConfig::default() });
        let mut names = vec!["A/USD", "EUR/USD"];
        let mut all = batches(&walk(&a, 100.0, 1.0, 1.0), &walk(&b, 1.2, 1.0, 1.0));
        if !both {
            config.symbols.truncate(1);
            names.truncate(1);
            for batch in &mut all {
                batch.truncate(1);
            }
        }
        let full = whole(&config, &all);
        let bars = table(&names, &all);
        let record = Record { decisions: false, ..Record::ALL };
        let lean = backtest::run(&bars, &config, &ExternalColumns::default(), record).expect("a run");
        prop_assert!(lean.decisions.is_empty() && lean.votes.is_empty());
        prop_assert_eq!(text(&points(&lean)), text(&points(&full)));
        prop_assert_eq!(text(&lean.orders), text(&full.orders));
        prop_assert_eq!(text(&lean.order_events), text(&full.order_events));
        prop_assert_eq!(text(&lean.fills), text(&full.fills));
        prop_assert_eq!(text(&lean.trades), text(&full.trades));
        prop_assert_eq!(text(&lean.weights), text(&full.weights));
        prop_assert_eq!(text(&lean.risk_events), text(&full.risk_events));
        let same = backtest::run(&bars, &config, &ExternalColumns::default(), Record::ALL).expect("a run");
        prop_assert_eq!(text(&same.decisions), text(&full.decisions));
        prop_assert_eq!(text(&same.contributions), text(&full.contributions));
    }
}

#[test]
fn the_random_market_is_traded() {
    let steps: Vec<(f64, f64, f64)> = (0..600)
        .map(|k| {
            let x = f64::from(k);
            let (jump, spread) = (if k % 61 == 0 { 0.08 } else { 0.0 }, if k % 37 == 0 { 0.15 } else { 0.005 });
            (0.02 * (x * 0.21).sin() + jump, spread, 50.0 + 40.0 * (x * 0.7).sin())
        })
        .collect();
    let out = whole(&config(1.0), &batches(&walk(&steps, 100.0, 1.0, 1.0), &walk(&steps, 1.2, 1.0, 1.0)));
    assert!(out.trades.len() > 10, "{} trades", out.trades.len());
    assert!(out.fills.iter().any(|f| f.purpose == mirrorfast_core::order::Purpose::StopLoss));
    let realised: f64 = out.trades.iter().map(|t| t.pnl).sum();
    assert!(realised.is_finite());
}

#[test]
fn a_snapshot_of_another_configuration_is_refused() {
    let engine = Session::new(&config(1.0)).expect("valid configuration").engine;
    let bytes = engine.snapshot().expect("a state");
    let mut other = config(1.0);
    other.capital = 5.0;
    let mut session = Session::new(&other).expect("valid configuration");
    let error = session.engine.restore(&bytes).expect_err("another configuration");
    assert!(error.to_string().contains("another configuration"), "{error}");
    let error = session.engine.restore(&bytes[..bytes.len() / 2]).expect_err("half a state");
    assert!(error.to_string().starts_with("snapshot"), "{error}");
}
