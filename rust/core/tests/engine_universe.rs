//! A strategy that compares symbols, inside the engine: both legs are traded, kept over a restore, and refused where there is one symbol.
#![allow(clippy::unwrap_used)] // a test may

use mirrorfast_core::backtest::{BacktestResult, Record, Session};
use mirrorfast_core::engine::{DecisionEngine, EngineConfig, External, StrategyConfig, SymbolConfig};
use mirrorfast_core::ensemble::EnsembleConfig;
use mirrorfast_core::instrument::Instrument;
use mirrorfast_core::snapshot;
use mirrorfast_core::strategies::{Vote, universe};
use mirrorfast_core::types::{Bar, Market};

const HOUR: i64 = 3_600_000;

fn config(symbols: &[&str]) -> EngineConfig {
    let symbol = |name: &&str| SymbolConfig {
        instrument: Instrument { symbol: (*name).to_owned(), tick: 1e-4, lot: 1e-6, ..Instrument::default() },
        market: Market::Crypto,
        trade: true,
    };
    // In front of a strategy that each symbol has for itself, so that votes stand in places of their own.
    let strategies =
        ["pairs_trading", "ut_bot"].map(|name| StrategyConfig { name: name.to_owned(), ..StrategyConfig::default() });
    EngineConfig {
        symbols: symbols.iter().map(symbol).collect(),
        strategies: strategies.to_vec(),
        ensemble: EnsembleConfig { min_agree: 1, ..EnsembleConfig::default() },
        ..EngineConfig::default()
    }
}

/// A random walk, a symbol that follows it around a swinging spread, and one that goes its own way with holes in its history.
fn market(n: usize) -> Vec<Vec<(u32, Bar)>> {
    let mut seed = 88_172_645_463_325_252_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let (mut a, mut gap, mut c) = (0.0, 0.0, 0.0);
    let bar = |k: usize, log: f64, noise: f64| {
        let close = 100.0 * f64::exp(log);
        let open = close * (1.0 + 0.002 * noise);
        let (high, low) = (open.max(close) * 1.001, open.min(close) * 0.999);
        Bar { ts: k as i64 * HOUR, open, high, low, close, volume: 1000.0 }
    };
    (0..n)
        .map(|k| {
            a += 0.02 * random();
            gap = 0.9 * gap + 0.008 * random();
            c += 0.03 * random();
            let mut bars = vec![(0, bar(k, a, random())), (1, bar(k, 0.9 * a + gap, random()))];
            let lone = bar(k, c, random());
            if k % 7 != 3 {
                bars.push((2, lone));
            }
            bars
        })
        .collect()
}

fn drive(session: &mut Session, batches: &[Vec<(u32, Bar)>], out: &mut BacktestResult) {
    for batch in batches {
        session.on_time(batch[0].1.ts, batch, &External::default(), Record::ALL, out).unwrap();
    }
}

fn text<T: std::fmt::Debug>(x: &T) -> String {
    format!("{x:?}")
}

#[test]
fn votes_are_those_of_the_strategy_alone_and_both_legs_trade() {
    let (config, batches) = (config(&["A/USD", "B/USD", "C/USD"]), market(1_500));
    let mut session = Session::new(&config).unwrap();
    let mut out = BacktestResult::default();
    drive(&mut session, &batches, &mut out);
    let mut alone = universe::find("pairs_trading").unwrap().build_with(&[], 3).unwrap();
    let mut expected = [Vote::COLD; 3];
    let (mut row, mut open) = (0, 0);
    for batch in &batches {
        alone.update(batch[0].1.ts, batch, &mut expected);
        for (symbol, _) in batch {
            let vote = out.votes[2 * row];
            assert_eq!(text(&vote), text(&expected[*symbol as usize]));
            open += usize::from(vote.signal.abs() > 0.0);
            row += 1;
        }
        let (a, b) = (expected[0].signal, expected[1].signal);
        assert!(a.is_nan() || a * b <= 0.0, "the legs stand against each other: {a} {b}");
    }
    assert_eq!(row, out.decisions.len());
    assert!(open > 50, "{open} votes with a position");
    for symbol in [0, 1] {
        assert!(out.trades.iter().any(|t| t.symbol == symbol), "a trade of symbol {symbol}");
    }
    assert_eq!(session.engine.warm_up(), 59);
}

#[test]
fn goes_on_after_restore() {
    let (config, batches) = (config(&["A/USD", "B/USD", "C/USD"]), market(700));
    let mut whole = BacktestResult::default();
    drive(&mut Session::new(&config).unwrap(), &batches, &mut whole);
    for cut in [1, 59, 61, 300, 699] {
        let (mut first, mut out) = (Session::new(&config).unwrap(), BacktestResult::default());
        drive(&mut first, &batches[..cut], &mut out);
        let (engine, exchange) = (first.engine.snapshot().unwrap(), snapshot::to_bytes(&first.exchange).unwrap());
        let mut second = Session::new(&config).unwrap();
        second.engine.restore(&engine).unwrap();
        second.exchange = snapshot::from_bytes(&exchange).unwrap();
        drive(&mut second, &batches[cut..], &mut out);
        assert_eq!(text(&out.decisions), text(&whole.decisions), "cut at {cut}");
        assert_eq!(text(&out.votes), text(&whole.votes));
        assert_eq!(text(&out.equity), text(&whole.equity));
    }
}

#[test]
fn one_symbol_is_refused() {
    let error = DecisionEngine::new(&config(&["A/USD"])).err().expect("nothing to compare with");
    assert_eq!(error.to_string(), "symbols = 1: expected at least two: pairs_trading compares them");
}
