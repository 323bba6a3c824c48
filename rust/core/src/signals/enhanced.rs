//! Enhanced analysis of SPEC §4: momentum strength, reversion, clusters.

use serde::{Deserialize, Serialize};

use super::classify::within;
use super::labels::MomentumStrength;
use super::{TOLERANCE, above, at_least, below};
use crate::error::Result;

/// Numbers of the enhanced analysis.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnhancedThresholds {
    /// Short momentum above which it is moderate, fraction.
    pub moderate: f64,
    /// Short momentum from which it is strong, fraction.
    pub strong: f64,
    /// RSI above which a market is overbought; oversold is 100 minus it.
    pub rsi: f64,
    /// Short momentum of a cluster condition, fraction.
    pub cluster_momentum: f64,
    /// Volume ratio of a cluster condition.
    pub cluster_volume: f64,
    /// ADX of a cluster condition.
    pub cluster_adx: f64,
    /// Conditions that must hold, of five.
    pub cluster_count: u8,
    /// Short momentum of a momentum divergence, fraction.
    pub divergence_short: f64,
    /// Long momentum of a momentum divergence, fraction.
    pub divergence_long: f64,
    /// Reversion probability of a momentum divergence.
    pub divergence_probability: f64,
    /// Bodies in a run that make a cluster.
    pub run_length: u8,
    /// Size of an engulfing body over the previous one.
    pub engulfing: f64,
}

impl Default for EnhancedThresholds {
    fn default() -> Self {
        Self {
            moderate: 0.05,
            strong: 0.15,
            rsi: 70.0,
            cluster_momentum: 0.1,
            cluster_volume: 1.5,
            cluster_adx: 25.0,
            cluster_count: 3,
            divergence_short: 0.05,
            divergence_long: 0.03,
            divergence_probability: 0.4,
            run_length: 3,
            engulfing: 1.2,
        }
    }
}

impl EnhancedThresholds {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`crate::CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        within("enhanced.strong", self.strong, 0.0, 10.0)?;
        within("enhanced.moderate", self.moderate, 0.0, self.strong)?;
        within("enhanced.rsi", self.rsi, 50.0, 100.0)?;
        within("enhanced.cluster_momentum", self.cluster_momentum, 0.0, 10.0)?;
        within("enhanced.cluster_volume", self.cluster_volume, 0.0, 1e6)?;
        within("enhanced.cluster_adx", self.cluster_adx, 0.0, 100.0)?;
        within("enhanced.cluster_count", f64::from(self.cluster_count), 1.0, 5.0)?;
        within("enhanced.divergence_short", self.divergence_short, 0.0, 10.0)?;
        within("enhanced.divergence_long", self.divergence_long, 0.0, 10.0)?;
        within("enhanced.divergence_probability", self.divergence_probability, 0.0, 1.0)?;
        within("enhanced.run_length", f64::from(self.run_length), 2.0, 100.0)?;
        within("enhanced.engulfing", self.engulfing, 1.0, 1e6)
    }
}

/// Strong from `|m_s| ≥ 15 %`, moderate above 5 %, else weak; missing with the momentum.
pub fn momentum_strength(momentum_short: f64, t: &EnhancedThresholds) -> Option<MomentumStrength> {
    let size = momentum_short.abs();
    if size.is_nan() {
        None
    } else if at_least(size, t.strong) {
        Some(MomentumStrength::Strong)
    } else if above(size, t.moderate) {
        Some(MomentumStrength::Moderate)
    } else {
        Some(MomentumStrength::Weak)
    }
}

/// What [`cluster_validated`] looks at; NaN where it is not known yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterInputs {
    /// Fractional change over the short period.
    pub momentum_short: f64,
    /// RSI 14.
    pub rsi: f64,
    /// Volume over its 20-bar mean.
    pub volume_ratio: f64,
    /// ADX 14.
    pub adx: f64,
    /// MACD histogram over price.
    pub macd_pct: f64,
}

/// At least three of: RSI extreme, big momentum, big volume, a trend by ADX, MACD and momentum of one sign.
///
/// Missing while the conditions that are known do not decide it: with three that hold the others do not matter.
pub fn cluster_validated(x: &ClusterInputs, t: &EnhancedThresholds) -> Option<bool> {
    let ClusterInputs { momentum_short: m, rsi, volume_ratio, adx, macd_pct: h } = *x;
    let agree = (above(m, 0.0) && above(h, 0.0)) || (below(m, 0.0) && below(h, 0.0));
    let conditions = [
        (above(rsi, t.rsi) || below(rsi, 100.0 - t.rsi), rsi.is_nan()),
        (above(m.abs(), t.cluster_momentum), m.is_nan()),
        (above(volume_ratio, t.cluster_volume), volume_ratio.is_nan()),
        (above(adx, t.cluster_adx), adx.is_nan()),
        (agree, m.is_nan() || h.is_nan()),
    ];
    let hold = conditions.iter().filter(|(holds, _)| *holds).count();
    let unknown = conditions.iter().filter(|(_, missing)| *missing).count();
    let needed = usize::from(t.cluster_count);
    if hold >= needed {
        Some(true)
    } else if hold + unknown >= needed {
        None
    } else {
        Some(false)
    }
}

/// Signs that the move turns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reversion {
    /// How likely a turn is, in [0, 1]; 0 without a sign.
    pub probability: f64,
    /// Short and long momentum disagree in size.
    pub momentum_exhaustion: bool,
    /// Overbought and the last bar down.
    pub excessive_gain: bool,
    /// Oversold and the last bar up.
    pub excessive_loss: bool,
}

impl Reversion {
    /// Any of the three signs.
    pub fn is_candidate(&self) -> bool {
        self.excessive_gain || self.excessive_loss || self.momentum_exhaustion
    }
}

/// Reversion signs of SPEC §4; missing while any input is.
///
/// An RSI extreme against the last bar gives `min(0.8, 50·|a|) + min(0.2, s)`, where the distance share `s` is how far the RSI
/// stands inside its extreme zone: `(rsi − 70) / 30` or `(30 − rsi) / 30`. A momentum divergence gives 0.4. Of two signs the more
/// probable counts.
pub fn reversion(
    momentum_1: f64,
    momentum_short: f64,
    momentum_long: f64,
    rsi: f64,
    t: &EnhancedThresholds,
) -> Option<Reversion> {
    if [momentum_1, momentum_short, momentum_long, rsi].iter().any(|v| v.is_nan()) {
        return None;
    }
    let excessive_gain = above(rsi, t.rsi) && below(momentum_1, 0.0);
    let excessive_loss = below(rsi, 100.0 - t.rsi) && above(momentum_1, 0.0);
    let momentum_exhaustion = above(momentum_short.abs(), t.divergence_short)
        && above(momentum_long.abs(), t.divergence_long)
        && below(momentum_short.abs(), momentum_long.abs());
    let mut probability = 0.0;
    if excessive_gain || excessive_loss {
        let zone = 100.0 - t.rsi;
        let inside = if excessive_gain { rsi - t.rsi } else { zone - rsi };
        probability = (50.0 * momentum_1.abs()).min(0.8) + (inside / zone).min(0.2);
    }
    if momentum_exhaustion {
        probability = f64::max(probability, t.divergence_probability);
    }
    Some(Reversion { probability, momentum_exhaustion, excessive_gain, excessive_loss })
}

/// Which candle cluster ends at a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CandleCluster {
    /// Bodies of one direction, each larger than the one before.
    Run,
    /// A body against the previous one that covers it and is more than 1.2 times as large.
    Engulfing,
}

/// The cluster that ends at a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// The pattern, if there is one.
    pub pattern: Option<CandleCluster>,
    /// +1 of rising bodies, −1 of falling ones, 0 without a cluster.
    pub direction: f64,
    /// In [0, 1]; 0 without a cluster.
    pub strength: f64,
}

/// Watches bodies for clusters: the state is the previous body and the length of the present run.
///
/// Strength of a run of `n` bodies: `min(1, n / 5)`. Strength of an engulfing: `min(1, body / (2.4 · previous body))`, that is 0.5 at
/// the threshold and 1 at twice it. A run comes before an engulfing; the two never coincide, as one asks for bodies of one direction
/// and the other for opposite ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CandleClusters {
    run_length: u32,
    engulfing: f64,
    /// Length of the run that ends at the previous bar, with its sign; 0 after a bar without a body.
    run: i32,
    open: f64,
    close: f64,
    seen: u8,
}

/// Bodies of a run that count as full strength.
const FULL_RUN: f64 = 5.0;

impl CandleClusters {
    /// A watcher with these thresholds.
    pub fn new(t: &EnhancedThresholds) -> Self {
        Self { run_length: u32::from(t.run_length), engulfing: t.engulfing, run: 0, open: 0.0, close: 0.0, seen: 0 }
    }

    /// Takes open and close of the next bar; missing on the first, which has no bar before it.
    #[inline]
    pub fn update(&mut self, open: f64, close: f64) -> Option<Cluster> {
        let (open_before, close_before) = (self.open, self.close);
        (self.open, self.close) = (open, close);
        let body = close - open;
        let sign = if body > 0.0 { 1 } else { -i32::from(body < 0.0) };
        if self.seen == 0 {
            self.seen = 1;
            self.run = sign;
            return None;
        }
        let before = close_before - open_before;
        let (size, size_before) = (body.abs(), before.abs());
        // A tick counts the same at every price: noise is measured against the price, not against the body.
        let noise = TOLERANCE * open;
        let grows = size - size_before > noise;
        let covers =
            open.min(close) <= open_before.min(close_before) && open.max(close) >= open_before.max(close_before);
        let turned = body * before < 0.0;
        self.run = if sign != 0 && self.run.signum() == sign && grows { self.run + sign } else { sign };
        let cluster = if self.run.unsigned_abs() >= self.run_length {
            let strength = f64::from(self.run.unsigned_abs()) / FULL_RUN;
            Cluster { pattern: Some(CandleCluster::Run), direction: f64::from(sign), strength: strength.min(1.0) }
        } else if turned && covers && size - self.engulfing * size_before > noise {
            let strength = size / (2.0 * self.engulfing * size_before);
            Cluster { pattern: Some(CandleCluster::Engulfing), direction: f64::from(sign), strength: strength.min(1.0) }
        } else {
            Cluster { pattern: None, direction: 0.0, strength: 0.0 }
        };
        Some(cluster)
    }
}
