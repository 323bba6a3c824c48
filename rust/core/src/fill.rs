//! What executing costs: fees, spread, slippage, capacity, funding and margin of the simulated venue.
//!
//! A fill that takes liquidity at the reference price `p` (the open, or the trigger of a stop) on side `s = ±1` prices
//! at `p·(1 + s·(spread / 2 + slippage))`, rounded to the tick against the trader and clipped to the range of the bar:
//! no trade took place outside it. A fill that gives liquidity prices at its limit and pays neither.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::instrument::Instrument;
use crate::order::{Liquidity, Side};
use crate::types::Bar;

/// How far taking liquidity moves the price, as a fraction of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SlippageModel {
    /// Always the same.
    Fixed {
        /// Fraction of the price.
        fraction: f64,
    },
    /// `max(minimum, multiplier·σ)`: σ is the root of the exponential mean, `α = 2 / (period + 1)`, of the squared log
    /// returns of the closes before the bar of the fill.
    Volatility {
        /// Slippage per unit of σ.
        multiplier: f64,
        /// Span of the mean, bars.
        period: u32,
        /// Least slippage, also while there is no return yet.
        minimum: f64,
    },
    /// `minimum + impact·(quantity / volume of the bar)^exponent`, the share counted as at most 1. Exponent 0.5 is the
    /// square-root law of market impact (Almgren et al. 2005), 2 the quadratic rule of zipline.
    VolumeShare {
        /// Slippage of a fill as large as the bar's volume.
        impact: f64,
        /// Power of the share.
        exponent: f64,
        /// Slippage of an infinitely small fill.
        minimum: f64,
    },
}

impl Default for SlippageModel {
    fn default() -> Self {
        Self::Fixed { fraction: 0.0005 }
    }
}

/// Funding of perpetuals where no history of rates is given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FundingConfig {
    /// Rate per interval; longs pay shorts when > 0.
    pub rate: f64,
    /// Interval, ms; funding falls on its multiples since the epoch.
    pub interval_ms: i64,
}

impl Default for FundingConfig {
    fn default() -> Self {
        Self { rate: 0.0001, interval_ms: 8 * 3_600_000 }
    }
}

/// What backs a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarginMode {
    /// No position is ever liquidated; the caller's risk rules alone limit it.
    #[default]
    Unlimited,
    /// Each perpetual position by `notional / leverage` of its own.
    Isolated,
    /// All positions by the whole account, which the exchange must know the capital of.
    Cross,
}

/// Margin and liquidation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarginConfig {
    /// What backs a position.
    pub mode: MarginMode,
    /// Leverage, ≥ 1; capped at [`Instrument::max_leverage`].
    pub leverage: f64,
    /// Fee of a liquidation, a fraction of the notional, in place of the taker fee; never more than the margin that is
    /// left.
    pub liquidation_fee: f64,
}

impl Default for MarginConfig {
    fn default() -> Self {
        Self { mode: MarginMode::Unlimited, leverage: 1.0, liquidation_fee: 0.0125 }
    }
}

/// Costs and limits of execution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CostConfig {
    /// Fee of a fill that takes liquidity, a fraction of the notional, ≥ 0.
    pub taker_fee: f64,
    /// Fee of a fill that gives liquidity; < 0 is a rebate.
    pub maker_fee: f64,
    /// Slippage of fills that take liquidity.
    pub slippage: SlippageModel,
    /// Distance of bid and ask, a fraction of the price.
    pub spread: f64,
    /// Bars that an order or a cancel takes to reach the venue: with 0 an order is there at the next open.
    pub latency_bars: u32,
    /// Largest share of a bar's volume that all orders of a symbol together may fill; the rest waits for the next bar.
    pub max_volume_share: Option<f64>,
    /// Ticks by which the price must trade through a resting limit to fill it: 0 fills at the touch, 1 and more stand
    /// for the queue ahead.
    pub limit_through_ticks: u32,
    /// Funding of perpetuals.
    pub funding: FundingConfig,
    /// Margin and liquidation.
    pub margin: MarginConfig,
}

impl Default for CostConfig {
    fn default() -> Self {
        Self {
            taker_fee: 0.001,
            maker_fee: 0.001,
            slippage: SlippageModel::default(),
            spread: 0.0,
            latency_bars: 0,
            max_volume_share: None,
            limit_through_ticks: 0,
            funding: FundingConfig::default(),
            margin: MarginConfig::default(),
        }
    }
}

impl CostConfig {
    /// Execution that costs nothing and fills everything: for tests and upper bounds.
    pub fn free() -> Self {
        Self {
            taker_fee: 0.0,
            maker_fee: 0.0,
            slippage: SlippageModel::Fixed { fraction: 0.0 },
            funding: FundingConfig { rate: 0.0, ..FundingConfig::default() },
            ..Self::default()
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let fraction = |name: &str, v: f64| {
            if (0.0..1.0).contains(&v) { Ok(()) } else { Err(CoreError::parameter(name, v, "a fraction in [0, 1)")) }
        };
        let positive = |name: &str, v: f64| {
            if v.is_finite() && v > 0.0 { Ok(()) } else { Err(CoreError::parameter(name, v, "a finite number > 0")) }
        };
        let within = |name: &str, v: f64| {
            if v > -1.0 && v < 1.0 { Ok(()) } else { Err(CoreError::parameter(name, v, "a fraction in (-1, 1)")) }
        };
        fraction("costs.taker_fee", self.taker_fee)?;
        within("costs.maker_fee", self.maker_fee)?;
        fraction("costs.spread", self.spread)?;
        match self.slippage {
            SlippageModel::Fixed { fraction: f } => fraction("costs.slippage.fraction", f)?,
            SlippageModel::Volatility { multiplier, period, minimum } => {
                positive("costs.slippage.multiplier", multiplier)?;
                fraction("costs.slippage.minimum", minimum)?;
                if period == 0 {
                    return Err(CoreError::parameter("costs.slippage.period", period, "a number >= 1"));
                }
            }
            SlippageModel::VolumeShare { impact, exponent, minimum } => {
                positive("costs.slippage.impact", impact)?;
                positive("costs.slippage.exponent", exponent)?;
                fraction("costs.slippage.minimum", minimum)?;
            }
        }
        if let Some(share) = self.max_volume_share
            && !(share > 0.0 && share <= 1.0)
        {
            return Err(CoreError::parameter("costs.max_volume_share", share, "a fraction in (0, 1]"));
        }
        within("costs.funding.rate", self.funding.rate)?;
        if self.funding.interval_ms <= 0 {
            return Err(CoreError::parameter("costs.funding.interval_ms", self.funding.interval_ms, "a number > 0"));
        }
        if !(self.margin.leverage.is_finite() && self.margin.leverage >= 1.0) {
            return Err(CoreError::parameter("costs.margin.leverage", self.margin.leverage, "a finite number >= 1"));
        }
        fraction("costs.margin.liquidation_fee", self.margin.liquidation_fee)
    }

    /// Fee of a fill of this instrument, a fraction of its notional.
    #[inline]
    pub(crate) fn fee(&self, instrument: &Instrument, liquidity: Liquidity) -> f64 {
        match liquidity {
            Liquidity::Maker => instrument.maker_fee.unwrap_or(self.maker_fee),
            Liquidity::Taker => instrument.taker_fee.unwrap_or(self.taker_fee),
        }
    }

    /// Price of taking `quantity` at the reference price inside `bar`.
    #[inline(always)]
    pub(crate) fn taker_price(
        &self,
        instrument: &Instrument,
        side: Side,
        reference: f64,
        quantity: f64,
        bar: &Bar,
        variance: f64,
    ) -> f64 {
        let slippage = match self.slippage {
            _ if instrument.slippage.is_some() => instrument.slippage.unwrap_or_default(),
            SlippageModel::Fixed { fraction } => fraction,
            SlippageModel::Volatility { multiplier, minimum, .. } => (multiplier * variance.sqrt()).max(minimum),
            SlippageModel::VolumeShare { impact, exponent, minimum } => {
                let base = quantity * instrument.multiplier;
                let share = if base < bar.volume { base / bar.volume } else { 1.0 };
                minimum + impact * share.powf(exponent)
            }
        };
        let price = reference * (1.0 + side.sign() * (0.5 * instrument.spread.unwrap_or(self.spread) + slippage));
        instrument.price_against(side, price).max(bar.low).min(bar.high)
    }
}

/// Exponential mean of squared log returns of the closes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct VarianceMeter {
    close: f64,
    variance: f64,
    warm: bool,
}

impl VarianceMeter {
    /// Takes the next close.
    #[inline]
    pub(crate) fn push(&mut self, close: f64, period: u32) {
        if self.close > 0.0 {
            let squared = (close / self.close).ln().powi(2);
            let alpha = 2.0 / (f64::from(period) + 1.0);
            self.variance = if self.warm { self.variance + alpha * (squared - self.variance) } else { squared };
            self.warm = true;
        }
        self.close = close;
    }

    #[inline]
    pub(crate) fn variance(&self) -> f64 {
        self.variance
    }
}
