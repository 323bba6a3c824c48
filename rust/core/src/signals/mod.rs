//! Classification, scores and enhanced analysis of SPEC §3 and §4: pure functions of one feature row.
//!
//! Missing inputs are NaN (`None` for a yes/no). Three rules hold everywhere in this module:
//!
//! * A condition on a missing input does not hold, and neither does its opposite.
//! * A label is missing when no rule held and a missing input could still have made one hold; a score is missing when any of its
//!   inputs is.
//! * A comparison with a threshold carries a tolerance of 1e-12 (relative above 1), so that a value that lies *on* a threshold
//!   stays on it in every price unit: `105 / 100 − 1` and `115.5 / 110 − 1` differ in the last bit, their labels must not.

mod classify;
mod enhanced;
mod labels;
mod regime;
mod scores;

pub use classify::{
    LegacyInputs, LegacyThresholds, SignalInputs, SignalThresholds, StateInputs, StateThresholds, legacy_label, signal,
    signal_state,
};
pub use enhanced::{
    CandleCluster, CandleClusters, Cluster, ClusterInputs, EnhancedThresholds, Reversion, cluster_validated,
    momentum_strength, reversion,
};
pub use labels::{
    Direction, Label, LegacyLabel, MarketRegime, MomentumStrength, Signal, SignalState, TrendRegime, VolatilityRegime,
};
pub use regime::{RegimeThresholds, market_regime, trend_regime, volatility_regime};
pub use scores::{
    CompositeInputs, ConfidenceInputs, StrengthInputs, TrendInputs, composite_score, confidence_score, enhanced_score,
    signal_strength, trend_score, volume_composite_score,
};

/// Differences below this part of the threshold (of 1 for smaller thresholds) are rounding noise.
pub const TOLERANCE: f64 = 1e-12;

/// `x > t` beyond rounding noise; false when either is missing.
#[inline(always)]
pub fn above(x: f64, t: f64) -> bool {
    x - t > TOLERANCE * t.abs().max(1.0)
}

/// `x < t` beyond rounding noise; false when either is missing.
#[inline(always)]
pub fn below(x: f64, t: f64) -> bool {
    t - x > TOLERANCE * t.abs().max(1.0)
}

/// Price `a` stands above price `b`: [`above`] with the tolerance relative to the price, whatever its unit.
#[inline(always)]
pub fn price_above(a: f64, b: f64) -> bool {
    a - b > TOLERANCE * b.abs()
}

/// `x ≥ t` up to rounding noise; false when either is missing.
#[inline(always)]
fn at_least(x: f64, t: f64) -> bool {
    x - t >= -TOLERANCE * t.abs().max(1.0)
}

/// `x ≤ t` up to rounding noise; false when either is missing.
#[inline(always)]
fn at_most(x: f64, t: f64) -> bool {
    t - x >= -TOLERANCE * t.abs().max(1.0)
}
