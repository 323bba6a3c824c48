//! `signal`, `signal_state` and `legacy_label` of SPEC §4: the first rule that holds wins.

use serde::{Deserialize, Serialize};

use super::labels::{LegacyLabel, Signal, SignalState};
use super::{above, at_least, at_most, below};
use crate::error::{CoreError, Result};
use crate::types::{Market, Timeframe};

/// Numbers of the `signal` rules; all of them or none, as the defaults differ by market and timeframe ([`SignalThresholds::of`]).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalThresholds {
    /// Short momentum of a Buy; twice as much for a Strong Buy. Fraction, > 0.
    pub momentum: f64,
    /// A Buy asks for an RSI above this, a Sell for one below 100 minus it.
    pub rsi_min: f64,
    /// A Strong Buy asks for an RSI below this.
    pub rsi_max: f64,
    /// A Strong Sell asks for an RSI above this.
    pub rsi_floor: f64,
    /// A Weak Buy asks for an RSI above this, a Weak Sell for one below 100 minus it.
    pub rsi_weak: f64,
    /// A reversion probability above this turns a strong signal round.
    pub reversion: f64,
}

impl SignalThresholds {
    /// The numbers of SPEC §4 for a market and timeframe.
    pub fn of(market: Market, timeframe: Timeframe) -> Self {
        let row = timeframe as usize;
        let (momentum, rsi_max) = match market {
            Market::Crypto => ([0.01, 0.03, 0.05, 0.06, 0.15], [70.0, 68.0, 65.0, 65.0, 70.0]),
            Market::Forex => ([0.002, 0.005, 0.008, 0.01, 0.03], [70.0, 68.0, 67.0, 65.0, 70.0]),
        };
        Self {
            momentum: momentum[row],
            rsi_min: 33.0,
            rsi_max: rsi_max[row],
            rsi_floor: 20.0,
            rsi_weak: 45.0,
            reversion: 0.7,
        }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        positive("signal.momentum", self.momentum)?;
        for (name, v) in [
            ("signal.rsi_min", self.rsi_min),
            ("signal.rsi_max", self.rsi_max),
            ("signal.rsi_floor", self.rsi_floor),
            ("signal.rsi_weak", self.rsi_weak),
        ] {
            within(name, v, 0.0, 100.0)?;
        }
        within("signal.reversion", self.reversion, 0.0, 1.0)
    }
}

impl Default for SignalThresholds {
    fn default() -> Self {
        Self::of(Market::default(), Timeframe::default())
    }
}

/// Numbers of the `signal_state` rules, before they are widened by the volume.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StateThresholds {
    /// Momentum of an early state, fraction.
    pub weak: f64,
    /// Momentum of a strong state, fraction.
    pub medium: f64,
    /// Momentum of a parabolic state, fraction.
    pub strong: f64,
    /// Band position that counts as the bottom; the top is 1 minus it.
    pub band: f64,
    /// RSI that counts as oversold; overbought is 100 minus it.
    pub rsi: f64,
}

impl Default for StateThresholds {
    fn default() -> Self {
        Self { weak: 0.015, medium: 0.035, strong: 0.075, band: 0.15, rsi: 35.0 }
    }
}

impl StateThresholds {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        rising("state", [self.weak, self.medium, self.strong])?;
        within("state.band", self.band, 0.0, 0.5)?;
        within("state.rsi", self.rsi, 0.0, 50.0)
    }
}

/// Numbers of the `legacy_label` rules.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LegacyThresholds {
    /// Momentum below which a market is flat, fraction.
    pub low: f64,
    /// Momentum of a move, fraction.
    pub medium: f64,
    /// Momentum of a big move, fraction.
    pub high: f64,
}

impl Default for LegacyThresholds {
    fn default() -> Self {
        Self { low: 0.015, medium: 0.035, high: 0.07 }
    }
}

impl LegacyThresholds {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        rising("legacy", [self.low, self.medium, self.high])
    }
}

fn positive(name: &str, v: f64) -> Result<()> {
    if v.is_finite() && v > 0.0 { Ok(()) } else { Err(CoreError::parameter(name, v, "a number > 0")) }
}

pub(super) fn within(name: &str, v: f64, min: f64, max: f64) -> Result<()> {
    if v >= min && v <= max {
        Ok(())
    } else {
        Err(CoreError::parameter(name, v, format!("a number from {min} to {max}")))
    }
}

fn rising(name: &str, v: [f64; 3]) -> Result<()> {
    positive(&format!("{name}: smallest momentum"), v[0])?;
    if v[0] <= v[1] && v[1] <= v[2] && v[2].is_finite() {
        return Ok(());
    }
    Err(CoreError::parameter(name, format!("{v:?}"), "rising momentum thresholds"))
}

/// What the `signal` rules look at; NaN or `None` where it is not known yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignalInputs {
    /// Fractional change over the short period.
    pub momentum_short: f64,
    /// Fractional change over the long period.
    pub momentum_long: f64,
    /// RSI 14.
    pub rsi: f64,
    /// MACD histogram over price.
    pub macd_pct: f64,
    /// Price above a rising cloud.
    pub ichimoku_bullish: Option<bool>,
    /// See [`super::reversion`].
    pub reversion_probability: f64,
}

/// The verdict of SPEC §4.
///
/// Missing (`None`) while short momentum, RSI or MACD are: every rule needs them. While only long momentum or the cloud are missing
/// the strong rules do not hold, and the plain ones say what is known.
///
/// # Examples
/// ```
/// use mirrorfast_core::signals::{Signal, SignalInputs, SignalThresholds, signal};
///
/// let row = SignalInputs {
///     momentum_short: 0.12,
///     momentum_long: 0.2,
///     rsi: 60.0,
///     macd_pct: 0.001,
///     ichimoku_bullish: Some(true),
///     reversion_probability: 0.0,
/// };
/// assert_eq!(signal(&row, &SignalThresholds::default()), Some(Signal::StrongBuy));
/// ```
pub fn signal(x: &SignalInputs, t: &SignalThresholds) -> Option<Signal> {
    let SignalInputs { momentum_short: m, momentum_long: l, rsi, macd_pct: h, .. } = *x;
    if m.is_nan() || rsi.is_nan() || h.is_nan() {
        return None;
    }
    let turning = above(x.reversion_probability, t.reversion);
    let verdict = if above(m, 2.0 * t.momentum)
        && above(l, t.momentum)
        && above(rsi, t.rsi_min)
        && below(rsi, t.rsi_max)
        && above(h, 0.0)
        && x.ichimoku_bullish == Some(true)
    {
        if turning { Signal::MeanReversionSell } else { Signal::StrongBuy }
    } else if above(m, t.momentum) && above(rsi, t.rsi_min) && above(h, 0.0) {
        Signal::Buy
    } else if above(m, 0.0) && above(rsi, t.rsi_weak) && above(h, 0.0) {
        Signal::WeakBuy
    } else if below(m, -2.0 * t.momentum)
        && below(l, -t.momentum)
        && above(rsi, t.rsi_floor)
        && below(rsi, 100.0 - t.rsi_min)
        && below(h, 0.0)
        && x.ichimoku_bullish == Some(false)
    {
        if turning { Signal::MeanReversionBuy } else { Signal::StrongSell }
    } else if below(m, -t.momentum) && below(rsi, 100.0 - t.rsi_min) && below(h, 0.0) {
        Signal::Sell
    } else if below(m, 0.0) && below(rsi, 100.0 - t.rsi_weak) && below(h, 0.0) {
        Signal::WeakSell
    } else {
        Signal::Neutral
    };
    Some(verdict)
}

/// What the `signal_state` rules look at; NaN where it is not known yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateInputs {
    /// Fractional change over one bar.
    pub momentum_1: f64,
    /// Fractional change over the short period.
    pub momentum_short: f64,
    /// Volume over its 20-bar mean.
    pub volume_ratio: f64,
    /// Bollinger %b.
    pub bb_position: f64,
    /// RSI 14.
    pub rsi: f64,
}

/// The momentum state of SPEC §4, with thresholds widened by `clip(volume_ratio, 0.5, 2)`.
///
/// Missing while momenta or volume ratio are, and while no rule holds and band position or RSI are missing.
pub fn signal_state(x: &StateInputs, t: &StateThresholds) -> Option<SignalState> {
    let StateInputs { momentum_1: a, momentum_short: b, bb_position: band, rsi, .. } = *x;
    if a.is_nan() || b.is_nan() || x.volume_ratio.is_nan() {
        return None;
    }
    let k = x.volume_ratio.clamp(0.5, 2.0);
    let (weak, medium, strong) = (k * t.weak, k * t.medium, k * t.strong);
    let state = if above(a.abs(), strong) && above(b.abs(), strong) {
        if a > 0.0 { SignalState::BullParabolic } else { SignalState::BearCapitulation }
    } else if above(a, medium) && above(b, medium) {
        SignalState::BullStrong
    } else if below(a, -medium) && below(b, -medium) {
        SignalState::BearStrong
    } else if above(band, 1.0 - t.band) && above(a, weak) {
        SignalState::BullEarly
    } else if below(band, t.band) && below(a, -weak) {
        SignalState::BearEarly
    } else if below(b.abs(), weak) && below(rsi, t.rsi) && above(a, 0.0) {
        SignalState::NeutralAccum
    } else if below(b.abs(), weak) && above(rsi, 100.0 - t.rsi) && below(a, 0.0) {
        SignalState::NeutralDist
    } else if band.is_nan() || rsi.is_nan() {
        return None;
    } else {
        SignalState::Neutral
    };
    Some(state)
}

/// What the `legacy_label` rules look at; NaN where it is not known yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegacyInputs {
    /// Fractional change over the short period.
    pub momentum_short: f64,
    /// Fractional change over the long period.
    pub momentum_long: f64,
    /// RSI 14.
    pub rsi: f64,
    /// Bollinger %b.
    pub bb_position: f64,
    /// MACD histogram over price.
    pub macd_pct: f64,
}

/// The scanner's original label, rules in the order of SPEC §4.
///
/// Missing while short momentum is, and while no rule holds and another input is missing.
pub fn legacy_label(x: &LegacyInputs, t: &LegacyThresholds) -> Option<LegacyLabel> {
    let LegacyInputs { momentum_short: b, momentum_long: c, rsi, bb_position: band, macd_pct: h } = *x;
    let LegacyThresholds { low, medium, high } = *t;
    if b.is_nan() {
        return None;
    }
    let label = if above(b, medium) && above(c, high) && below(b, c / 2.0) {
        LegacyLabel::ConsistentUptrend
    } else if above(b, high) && below(c.abs(), medium) {
        LegacyLabel::NewSpike
    } else if below(b, -medium) && above(c, high) && above(band, 0.8) && above(rsi, 65.0) {
        LegacyLabel::ToppingOut
    } else if below(b.abs(), low) && below(c.abs(), low) && at_least(rsi, 40.0) && at_most(rsi, 60.0) {
        LegacyLabel::Consolidation
    } else if below(b.abs(), low) && below(c.abs(), medium) {
        LegacyLabel::Lagging
    } else if above(b, low) && below(b, high) && above(c, medium) && below(c, high) {
        LegacyLabel::ModerateUptrend
    } else if above(b, medium) && below(c, -medium) && below(rsi, 45.0) {
        LegacyLabel::PotentialReversal
    } else if above(b, low) && below(c.abs(), low) {
        LegacyLabel::WeakUptrend
    } else if above(rsi, 75.0) && above(b, medium) {
        LegacyLabel::Overbought
    } else if below(rsi, 25.0) && below(b, -medium) {
        LegacyLabel::Oversold
    } else if above(h, 0.0) && above(b, medium) {
        LegacyLabel::MacdBullish
    } else if below(h, 0.0) && below(b, -medium) {
        LegacyLabel::MacdBearish
    } else if [c, rsi, band, h].iter().any(|v| v.is_nan()) {
        return None;
    } else {
        LegacyLabel::Neutral
    };
    Some(label)
}
