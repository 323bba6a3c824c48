//! Regimes of SPEC §4: volatility, trend and their sum, the market regime.

use serde::{Deserialize, Serialize};

use super::classify::within;
use super::labels::{MarketRegime, TrendRegime, VolatilityRegime};
use super::{above, below, price_above};
use crate::error::Result;

/// Numbers of the regime rules.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegimeThresholds {
    /// Volatility ratio above which volatility is high.
    pub high: f64,
    /// Volatility ratio below which volatility is low.
    pub low: f64,
    /// Short momentum beyond which it takes a side, fraction.
    pub momentum: f64,
}

impl Default for RegimeThresholds {
    fn default() -> Self {
        Self { high: 1.5, low: 0.7, momentum: 0.01 }
    }
}

impl RegimeThresholds {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`crate::CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        within("regime.high", self.high, 1.0, 1e6)?;
        within("regime.low", self.low, 0.0, 1.0)?;
        within("regime.momentum", self.momentum, 0.0, 10.0)
    }
}

/// High above 1.5 times the usual volatility, low below 0.7 times; missing with the ratio.
pub fn volatility_regime(volatility_ratio: f64, t: &RegimeThresholds) -> Option<VolatilityRegime> {
    if volatility_ratio.is_nan() {
        None
    } else if above(volatility_ratio, t.high) {
        Some(VolatilityRegime::High)
    } else if below(volatility_ratio, t.low) {
        Some(VolatilityRegime::Low)
    } else {
        Some(VolatilityRegime::Normal)
    }
}

/// The order of `ema_50` and `ema_200` is the trend; short momentum beyond ±1 % makes it strong when they agree and sideways
/// when they do not. Missing with any input.
pub fn trend_regime(ema_50: f64, ema_200: f64, momentum_short: f64, t: &RegimeThresholds) -> Option<TrendRegime> {
    if ema_50.is_nan() || ema_200.is_nan() || momentum_short.is_nan() {
        return None;
    }
    let (rising, falling) = (above(momentum_short, t.momentum), below(momentum_short, -t.momentum));
    Some(if price_above(ema_50, ema_200) {
        match (rising, falling) {
            (true, _) => TrendRegime::StrongUp,
            (_, true) => TrendRegime::Sideways,
            _ => TrendRegime::Up,
        }
    } else if price_above(ema_200, ema_50) {
        match (rising, falling) {
            (true, _) => TrendRegime::Sideways,
            (_, true) => TrendRegime::StrongDown,
            _ => TrendRegime::Down,
        }
    } else {
        TrendRegime::Sideways
    })
}

/// Volatile with high volatility, else trending in a strong trend, ranging sideways, normal otherwise.
///
/// Missing while its inputs are, except that high volatility needs no trend.
pub fn market_regime(volatility: Option<VolatilityRegime>, trend: Option<TrendRegime>) -> Option<MarketRegime> {
    match (volatility?, trend) {
        (VolatilityRegime::High, _) => Some(MarketRegime::Volatile),
        (_, None) => None,
        (_, Some(TrendRegime::StrongUp | TrendRegime::StrongDown)) => Some(MarketRegime::Trending),
        (_, Some(TrendRegime::Sideways)) => Some(MarketRegime::Ranging),
        (_, Some(TrendRegime::Up | TrendRegime::Down)) => Some(MarketRegime::Normal),
    }
}
