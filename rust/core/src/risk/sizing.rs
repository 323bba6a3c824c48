//! Sizing: target → fraction of equity, or fraction of equity at risk.

use serde::{Deserialize, Serialize};

use super::config::{SizingConfig, SizingMethod};
use super::decision::Rule;
use super::draft::Draft;
use super::meter::RiskMeter;
use crate::window::Ring;

/// A year, ms: 365 days, since crypto never closes.
const YEAR_MS: f64 = 365.0 * 86_400_000.0;

/// Yearly volatility below which a market stands still.
const STILL: f64 = 1e-4;

/// Returns of the last closed trades, for Kelly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct TradeRecord {
    returns: Ring,
}

impl TradeRecord {
    pub(super) fn new(window: u32) -> Self {
        Self { returns: Ring::new(window as usize) }
    }

    /// Takes the net return on the entry notional of a closed trade.
    pub(super) fn push(&mut self, return_fraction: f64) {
        if return_fraction.is_finite() {
            self.returns.push(return_fraction);
        }
    }

    /// Kelly's fraction `p − (1 − p) / b` with win rate `p` and payoff `b = mean win / mean loss` (Kelly, 1956); none while the record is
    /// shorter than a fifth of the window.
    fn kelly(&self) -> Option<f64> {
        if self.returns.len() * 5 < self.returns.capacity() {
            return None;
        }
        let (mut wins, mut gained, mut lost) = (0.0, 0.0, 0.0);
        for r in self.returns.iter() {
            if r > 0.0 {
                wins += 1.0;
                gained += r;
            } else {
                lost -= r;
            }
        }
        let n = self.returns.len() as f64;
        let losses = n - wins;
        if wins == 0.0 {
            return Some(0.0);
        }
        if lost == 0.0 {
            return Some(1.0);
        }
        let payoff = (gained / wins) / (lost / losses);
        Some(wins / n - losses / n / payoff)
    }
}

/// Fraction of equity that a full-conviction trade puts at risk.
fn risk_per_trade(config: &SizingConfig, trades: &TradeRecord) -> f64 {
    if config.method != SizingMethod::Kelly {
        return config.risk_per_trade;
    }
    let kelly = trades.kelly().map_or(config.risk_per_trade, |f| config.kelly_fraction * f);
    kelly.clamp(config.kelly_floor, config.kelly_cap)
}

/// Sizes the target and turns risk into a position by `distance`, the stop distance as a fraction of the price.
///
/// Fixed fraction: `f = |target| · risk / distance`. Volatility target: `f = |target| · target volatility / (σ·√bars a year)`. While σ or
/// the distance is not known, what is held stays and nothing is added.
pub(super) fn apply(
    draft: &mut Draft,
    target: f64,
    config: &SizingConfig,
    trades: &TradeRecord,
    meter: &RiskMeter,
    distance: f64,
    stop: Rule,
) {
    let (sized, limit, at_risk) = match config.method {
        SizingMethod::Target => (target, target, false),
        SizingMethod::VolatilityTarget => {
            let periods = config.periods_per_year.unwrap_or(YEAR_MS / meter.step_ms().max(1) as f64);
            let volatility = meter.volatility() * periods.sqrt();
            // A series that stands still has no volatility to aim at: the position cap then rules.
            (target * config.target_volatility / volatility.max(STILL), volatility, false)
        }
        SizingMethod::FixedFraction | SizingMethod::Kelly => {
            let risk = risk_per_trade(config, trades);
            (target * risk, risk, true)
        }
    };
    let unknown = limit.is_nan() || distance.is_nan();
    let sized = if limit.is_nan() { draft.held } else { sized };
    draft.note(Rule::Sizing(config.method), target, sized, limit);
    draft.size = if unknown {
        draft.held
    } else if at_risk {
        sized / distance
    } else {
        sized
    };
    draft.cut |= unknown;
    draft.note(stop, sized, draft.size, distance);
}
