//! The engine's own timings: `cargo bench -p mirrorfast-core --bench engine [-- NAME [ROUNDS]]`; processor time, best of the rounds.
//!
//! `sma_cross`: the loop behind the table of `benches/peers/backtest.py`; `pipeline`: every feature, every strategy, ensemble, risk;
//! `portfolio`: 100 symbols with shared cash; `latency`: one closed bar to order intents, percentiles over single bars.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a program for the terminal")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use mirrorfast_core::backtest::{self, BacktestResult, ExternalColumns, Record, Session};
use mirrorfast_core::bars::Bars;
use mirrorfast_core::engine::{EngineConfig, External, StrategyConfig, SymbolConfig};
use mirrorfast_core::fill::{CostConfig, SlippageModel};
use mirrorfast_core::instrument::Instrument;
use mirrorfast_core::risk::{DrawdownConfig, RiskConfig, SizingConfig, SizingMethod, StopConfig, StopKind};
use mirrorfast_core::strategies::registry;

/// A random walk in cents, hourly.
fn walk(symbols: usize, n: usize) -> Bars {
    let mut columns: [Vec<f64>; 5] = std::array::from_fn(|_| Vec::with_capacity(symbols * n));
    let mut ts = Vec::with_capacity(symbols * n);
    let mut state = 42_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let cents = |x: f64| (x * 100.0).round() / 100.0;
    let mut runs = Vec::new();
    for s in 0..symbols {
        let mut price = 10_000.0_f64;
        for i in 0..n {
            let open = cents(price);
            // Twelve uniforms make a normal variate.
            let z: f64 = (0..12).map(|_| next()).sum::<f64>() - 6.0;
            price = (price * (1.0 + 0.001 * z)).max(10.0);
            let close = cents(price);
            let (up, down) = (1.0 + 0.0005 * next(), 1.0 - 0.0005 * next());
            let volume = 10.0 + 90.0 * next();
            for (column, v) in columns.iter_mut().zip([
                open,
                cents(open.max(close) * up),
                cents(open.min(close) * down),
                close,
                volume,
            ]) {
                column.push(v);
            }
            ts.push(i as i64 * 3_600_000);
        }
        runs.push((format!("S{s:03}"), n));
    }
    Bars::try_new(runs, ts.into(), columns.map(Into::into)).unwrap()
}

fn symbols(n: usize) -> Vec<SymbolConfig> {
    (0..n)
        .map(|s| SymbolConfig {
            instrument: Instrument { symbol: format!("S{s:03}"), ..Instrument::default() },
            ..SymbolConfig::default()
        })
        .collect()
}

fn costs() -> CostConfig {
    CostConfig { spread: 0.0, slippage: SlippageModel::Fixed { fraction: 0.0 }, ..CostConfig::default() }
}

/// All equity in one position, a stop far away, no cap in the way.
fn cross(n: usize, fast: f64, slow: f64) -> EngineConfig {
    let params = BTreeMap::from([("fast_period".to_owned(), fast), ("slow_period".to_owned(), slow)]);
    EngineConfig {
        symbols: symbols(n),
        strategies: vec![StrategyConfig {
            name: "sma_cross".to_owned(),
            params,
            weight: 1.0,
            ..StrategyConfig::default()
        }],
        costs: costs(),
        adapt_weights: false,
        classify: false,
        risk: RiskConfig {
            sizing: SizingConfig { method: SizingMethod::Target, ..SizingConfig::default() },
            stop: StopConfig { kind: StopKind::Percent, percent: 0.2, ..StopConfig::default() },
            max_position: 0.01,
            correlation_cap_rho: 1.0,
            max_heat: 100.0,
            min_cash: 0.0,
            drawdown: DrawdownConfig { half: 1.0, no_new_risk: 1.0, halt: 1.0, recovery: 0.0 },
            daily_loss_limit: 1.0,
            rebalance_band: 10.0,
            ..RiskConfig::default()
        },
        ..EngineConfig::default()
    }
}

/// Every strategy, or those alone that fit no model while they run.
fn every(n: usize, fitting: bool) -> EngineConfig {
    let strategies = registry::rows()
        .filter(|row| fitting || !row.takes_model)
        .map(|row| StrategyConfig { name: row.name.to_owned(), ..StrategyConfig::default() })
        .collect();
    EngineConfig { symbols: symbols(n), strategies, ..EngineConfig::default() }
}

/// Processor time of this thread, ns: what else the machine does is left out. Wall time where the system does not tell.
fn now() -> f64 {
    thread_local!(static START: Instant = Instant::now());
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|text| text.split(' ').next().and_then(|n| n.parse::<f64>().ok()));
    told.unwrap_or_else(|| START.with(|start| start.elapsed().as_nanos() as f64))
}

const LEAN: Record = Record { decisions: false, orders: false, fills: true, equity: true };

fn timed(name: &str, bars: &Bars, config: &EngineConfig, record: Record, rounds: usize) {
    let mut best = f64::INFINITY;
    let mut out = BacktestResult::default();
    for _ in 0..rounds {
        let start = now();
        out = backtest::run(black_box(bars), config, &ExternalColumns::default(), record).unwrap();
        best = best.min((now() - start) / 1e9);
    }
    let n = bars.len() as f64;
    println!(
        "{name}: {:.1} ns a bar, {:.0} bars/s, {:.4} s; {} fills, {} trades, {} bar times",
        best / n * 1e9,
        n / best,
        best,
        out.fills.len(),
        out.trades.len(),
        out.equity.len()
    );
}

fn latency(bars: &Bars, config: &EngineConfig) {
    let mut session = Session::new(config).unwrap();
    let mut out = BacktestResult::default();
    let mut taken = Vec::with_capacity(bars.len());
    bars.for_each_time::<mirrorfast_core::CoreError>(|ts, batch| {
        let start = Instant::now();
        session.on_time(ts, batch, &External::default(), Record::ALL, &mut out)?;
        taken.push(start.elapsed().as_nanos() as u64);
        Ok(())
    })
    .unwrap();
    // Warm-up and the models' first fits are no steady state.
    let mut steady = taken.split_off(taken.len() / 4);
    steady.sort_unstable();
    let at = |q: f64| steady[((steady.len() - 1) as f64 * q) as usize] as f64 / 1_000.0;
    println!(
        "latency, {} strategies: p50 {:.2} µs, p90 {:.2}, p99 {:.2}, p99.9 {:.2}, max {:.1}",
        config.strategies.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| !a.starts_with('-'));
    let wanted = arguments.next();
    let rounds: usize = arguments.next().map_or(7, |n| n.parse().unwrap());
    let is = |name: &str| wanted.as_deref().is_none_or(|w| w == name);
    if is("sma_cross") {
        timed("sma_cross, 1 symbol", &walk(1, 1_000_000), &cross(1, 10.0, 30.0), LEAN, rounds);
    }
    if is("portfolio") {
        timed("sma_cross, 100 symbols", &walk(100, 10_000), &cross(100, 10.0, 30.0), LEAN, rounds);
    }
    if is("pipeline") {
        let bars = walk(1, 50_000);
        timed("every strategy, 1 symbol", &bars, &every(1, true), LEAN, rounds.min(3));
        timed("strategies without a model, 1 symbol", &bars, &every(1, false), LEAN, rounds.min(3));
    }
    if is("latency") {
        let bars = walk(1, 40_000);
        latency(&bars, &every(1, true));
        latency(&bars, &every(1, false));
    }
}
