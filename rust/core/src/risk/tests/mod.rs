//! What the tests of the rules share.

mod account;
mod limits;
mod properties;
mod sizing;
mod stops;

use super::*;
use crate::instrument::Instrument;
use crate::types::Bar;

pub(super) const HOUR: i64 = 3_600_000;
/// A Monday, 00:00 UTC.
pub(super) const T0: i64 = 1_704_067_200_000;

/// Caps so wide that one rule can be seen alone.
pub(super) fn wide() -> RiskConfig {
    RiskConfig {
        max_position: 10.0,
        correlation_cap_rho: 1.0,
        max_heat: 10.0,
        max_leverage: 10.0,
        min_cash: 0.0,
        rebalance_band: 0.0,
        ..RiskConfig::default()
    }
}

pub(super) fn instrument() -> Instrument {
    Instrument { symbol: "A/USD".into(), tick: 0.01, lot: 0.001, ..Instrument::default() }
}

/// A meter of a market that stands at `price` and moves by `range` within each bar: ATR = `range`, no returns.
pub(super) fn flat_meter(price: f64, range: f64) -> RiskMeter {
    let mut meter = RiskMeter::new();
    for i in 0..80 {
        meter.update(&Bar {
            ts: T0 + i * HOUR,
            open: price,
            high: price + 0.5 * range,
            low: price - 0.5 * range,
            close: price,
            volume: 1.0,
        });
    }
    meter
}

/// A meter of a market with these log returns, from a price of 100.
pub(super) fn meter_of(returns: &[f64]) -> RiskMeter {
    let mut meter = RiskMeter::new();
    let mut close = 100.0;
    for (i, r) in returns.iter().enumerate() {
        let open = close;
        close *= f64::exp(*r);
        let (high, low) = (open.max(close), open.min(close));
        meter.update(&Bar { ts: T0 + i as i64 * HOUR, open, high, low, close, volume: 1.0 });
    }
    meter
}

/// One engine, its account and its markets, each at a price of 100 with an ATR of 2: a stop 4 % away.
pub(super) struct Desk {
    pub(super) engine: RiskEngine,
    pub(super) account: Account,
    pub(super) meters: Vec<RiskMeter>,
    pub(super) instruments: Vec<Instrument>,
    pub(super) ts: i64,
}

impl Desk {
    pub(super) fn new(config: &RiskConfig, n: usize) -> Self {
        let instruments = vec![instrument(); n];
        Self {
            engine: RiskEngine::new(config, n).unwrap(),
            account: Account::new(10_000.0, 1.0, &instruments),
            meters: vec![flat_meter(100.0, 2.0); n],
            instruments,
            ts: T0 + 80 * HOUR,
        }
    }

    /// Decides at a price of 100.
    pub(super) fn ask(&mut self, symbol: u32, target: f64) -> RiskDecision {
        self.ask_pending(symbol, target, 0.0)
    }

    pub(super) fn ask_pending(&mut self, symbol: u32, target: f64, pending: f64) -> RiskDecision {
        let request = TargetRequest { symbol, target, price: 100.0, ts: self.ts, decision: 7 };
        self.engine.evaluate(&request, &self.account, &mut self.meters, &self.instruments, pending)
    }

    /// Holds a quantity bought at 100.
    pub(super) fn hold(&mut self, symbol: u32, quantity: f64) {
        self.account.set(symbol, quantity, 100.0);
        let held = held(quantity, 100.0);
        let k = symbol as usize;
        self.engine.protect(symbol, held, &self.meters[k], &self.instruments[k]);
    }
}

pub(super) fn held(quantity: f64, price: f64) -> Held {
    Held { quantity, average_price: price, last_price: price, best_price: price, bars_held: 0 }
}

/// The steps as (rule, before, after).
pub(super) fn steps(decision: &RiskDecision) -> Vec<(&'static str, f64, f64)> {
    decision.steps.iter().map(|s| (s.rule.as_str(), round(s.before), round(s.after))).collect()
}

pub(super) fn round(x: f64) -> f64 {
    (x * 1e9).round() / 1e9
}

pub(super) fn step(decision: &RiskDecision, rule: Rule) -> RiskStep {
    *decision.steps.iter().find(|s| s.rule == rule).unwrap_or_else(|| panic!("no {rule:?} in {:?}", decision.reasons()))
}
