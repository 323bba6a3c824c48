//! Every number of the risk rules, with its default.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};

/// How a target becomes a fraction of equity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizingMethod {
    /// The target is the fraction of equity.
    Target,
    /// The position whose yearly volatility is `target_volatility` of equity.
    VolatilityTarget,
    /// The position that loses `risk_per_trade` of equity at its stop.
    #[default]
    FixedFraction,
    /// As fixed fraction, with the risk that Kelly's formula gives for the closed trades, capped.
    Kelly,
}

/// Where the protective stop of a new position stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopKind {
    /// `atr_multiple` average true ranges from the entry.
    #[default]
    Atr,
    /// `percent` of the entry price from the entry.
    Percent,
    /// No stop order; size and heat still take the ATR distance as the adverse move to survive.
    None,
}

/// Sizing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SizingConfig {
    /// Method.
    pub method: SizingMethod,
    /// Fraction of equity lost when the stop of a full-conviction position is hit.
    pub risk_per_trade: f64,
    /// Yearly volatility of a full-conviction position, as a fraction of equity.
    pub target_volatility: f64,
    /// Bars a year for annualising; none: from the shortest bar step seen, 365 days a year.
    pub periods_per_year: Option<f64>,
    /// Part of the full Kelly risk that is taken.
    pub kelly_fraction: f64,
    /// Largest fraction of equity at risk by Kelly.
    pub kelly_cap: f64,
    /// Smallest fraction of equity at risk by Kelly: a book without an edge goes on probing at this size, or it could never learn of
    /// one again.
    pub kelly_floor: f64,
    /// Closed trades that Kelly looks back on; below a fifth of them `risk_per_trade` serves.
    pub kelly_window: u32,
}

impl Default for SizingConfig {
    fn default() -> Self {
        Self {
            method: SizingMethod::FixedFraction,
            risk_per_trade: 0.01,
            target_volatility: 0.20,
            periods_per_year: None,
            kelly_fraction: 0.25,
            kelly_cap: 0.02,
            kelly_floor: 0.0025,
            kelly_window: 100,
        }
    }
}

/// Protective stop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StopConfig {
    /// Kind.
    pub kind: StopKind,
    /// Average true ranges between entry and stop.
    pub atr_multiple: f64,
    /// Distance of a percent stop as a fraction of the price.
    pub percent: f64,
    /// The stop follows the best price since entry at the present distance, and never loosens.
    pub trailing: bool,
    /// The stop moves to the entry price once the position has gained this many times its initial distance; none: never.
    pub break_even_at_r: Option<f64>,
    /// Bars after which a position is closed; none: never.
    pub max_bars: Option<u32>,
}

impl StopConfig {
    /// A stop may move after it was placed.
    #[inline]
    pub(super) fn moves(&self) -> bool {
        self.trailing || self.break_even_at_r.is_some()
    }
}

impl Default for StopConfig {
    fn default() -> Self {
        Self {
            kind: StopKind::Atr,
            atr_multiple: 2.0,
            percent: 0.05,
            trailing: false,
            break_even_at_r: None,
            max_bars: None,
        }
    }
}

/// The drawdown ladder: fractions lost from the highest equity so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DrawdownConfig {
    /// From here every position is held at half size.
    pub half: f64,
    /// From here no position is opened or grown.
    pub no_new_risk: f64,
    /// From here everything is closed and trading halts until a person lifts it.
    pub halt: f64,
    /// A rung is left again when the drawdown is this much above it, so that equity moving about a rung does not trade.
    pub recovery: f64,
}

impl Default for DrawdownConfig {
    fn default() -> Self {
        Self { half: 0.10, no_new_risk: 0.15, halt: 0.20, recovery: 0.02 }
    }
}

/// Every number of SPEC §9.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RiskConfig {
    /// A target of at most this size is flat.
    pub min_target: f64,
    /// Sizing.
    pub sizing: SizingConfig,
    /// Protective stop.
    pub stop: StopConfig,
    /// Largest position as a fraction of equity.
    pub max_position: f64,
    /// Symbols whose returns correlate by more than this, either way, share one position cap; 1: none do.
    pub correlation_cap_rho: f64,
    /// Largest sum over positions of (distance to stop × quantity) / equity.
    pub max_heat: f64,
    /// Largest gross exposure / equity.
    pub max_leverage: f64,
    /// Fraction of equity that stays in cash.
    pub min_cash: f64,
    /// Drawdown ladder.
    pub drawdown: DrawdownConfig,
    /// Loss since the start of the UTC day, as a fraction, from which no new risk is taken for the rest of it.
    pub daily_loss_limit: f64,
    /// A change smaller than this part of the held quantity, in its own direction, is not traded.
    pub rebalance_band: f64,
}

impl Default for RiskConfig {
    fn default() -> Self {
        Self {
            min_target: 0.1,
            sizing: SizingConfig::default(),
            stop: StopConfig::default(),
            max_position: 0.10,
            correlation_cap_rho: 0.8,
            max_heat: 0.06,
            max_leverage: 2.0,
            min_cash: 0.20,
            drawdown: DrawdownConfig::default(),
            daily_loss_limit: 0.05,
            rebalance_band: 0.25,
        }
    }
}

/// A number in `(low, high]`, or `[low, high]` where `closed`.
fn within(name: &str, value: f64, low: f64, high: f64, closed: bool) -> Result<()> {
    if value <= high && (value > low || (closed && value == low)) {
        return Ok(());
    }
    let bound = if closed { "at least" } else { "above" };
    Err(CoreError::parameter(format!("risk.{name}"), value, format!("a number {bound} {low} and at most {high}")))
}

impl RiskConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the first field that is out of its range.
    pub fn validate(&self) -> Result<()> {
        let Self { sizing, stop, drawdown, .. } = self;
        within("min_target", self.min_target, 0.0, 1.0, true)?;
        within("sizing.risk_per_trade", sizing.risk_per_trade, 0.0, 1.0, false)?;
        within("sizing.target_volatility", sizing.target_volatility, 0.0, 10.0, false)?;
        if let Some(n) = sizing.periods_per_year {
            within("sizing.periods_per_year", n, 0.0, 1e9, false)?;
        }
        within("sizing.kelly_fraction", sizing.kelly_fraction, 0.0, 1.0, false)?;
        within("sizing.kelly_cap", sizing.kelly_cap, 0.0, 1.0, false)?;
        within("sizing.kelly_floor", sizing.kelly_floor, 0.0, sizing.kelly_cap, true)?;
        within("sizing.kelly_window", f64::from(sizing.kelly_window), 5.0, 100_000.0, true)?;
        within("stop.atr_multiple", stop.atr_multiple, 0.0, 100.0, false)?;
        within("stop.percent", stop.percent, 0.0, 1.0, false)?;
        if let Some(r) = stop.break_even_at_r {
            within("stop.break_even_at_r", r, 0.0, 1e6, false)?;
        }
        if let Some(n) = stop.max_bars {
            within("stop.max_bars", f64::from(n), 1.0, f64::from(u32::MAX), true)?;
        }
        within("max_position", self.max_position, 0.0, 100.0, false)?;
        within("correlation_cap_rho", self.correlation_cap_rho, 0.0, 1.0, true)?;
        within("max_heat", self.max_heat, 0.0, 100.0, false)?;
        within("max_leverage", self.max_leverage, 0.0, 100.0, false)?;
        within("min_cash", self.min_cash, 0.0, 1.0, true)?;
        within("drawdown.half", drawdown.half, 0.0, 1.0, false)?;
        within("drawdown.no_new_risk", drawdown.no_new_risk, drawdown.half, 1.0, true)?;
        within("drawdown.halt", drawdown.halt, drawdown.no_new_risk, 1.0, true)?;
        within("drawdown.recovery", drawdown.recovery, 0.0, drawdown.half, true)?;
        within("daily_loss_limit", self.daily_loss_limit, 0.0, 1.0, false)?;
        within("rebalance_band", self.rebalance_band, 0.0, 10.0, true)
    }
}
