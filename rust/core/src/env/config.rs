//! What an episode is and what it costs.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::fill::{CostConfig, SlippageModel};

/// Settings of the training environment (SPEC §8).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnvConfig {
    /// Rows of one observation.
    pub lookback: usize,
    /// Position that an action of 1 stands for, a fraction of equity.
    pub max_position: f64,
    /// Fee on the traded notional.
    pub transaction_cost: f64,
    /// Distance of a fill from the next open, a fraction of the price.
    pub slippage: f64,
    /// Factors between which the costs of an episode are drawn.
    pub cost_range: (f64, f64),
    /// Factor on the reward.
    pub reward_scaling: f64,
    /// Taken from the reward for each unit by which drawdown grows.
    pub drawdown_penalty: f64,
    /// Taken from the reward for each unit of equity traded.
    pub turnover_penalty: f64,
    /// Drawdown that ends an episode.
    pub drawdown_limit: f64,
    /// A target of at most this size is flat.
    pub min_target: f64,
    /// A held position is left alone where the target differs from it by at most this part of it.
    pub rebalance_band: f64,
    /// Equity at the start of an episode.
    pub capital: f64,
    /// Steps of an episode; to the end of the data without.
    pub episode_length: Option<usize>,
    /// Start anywhere, else at the first bar that has a full observation.
    pub random_start: bool,
}

impl Default for EnvConfig {
    fn default() -> Self {
        Self {
            lookback: 20,
            max_position: 1.0,
            transaction_cost: 0.003,
            slippage: 0.0005,
            cost_range: (1.0, 1.0),
            reward_scaling: 3.0,
            drawdown_penalty: 0.1,
            turnover_penalty: 0.0001,
            drawdown_limit: 0.5,
            min_target: 0.0,
            rebalance_band: 0.0,
            capital: 10_000.0,
            episode_length: None,
            random_start: false,
        }
    }
}

impl EnvConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let within = |name: &str, v: f64, low: f64, high: f64| {
            if v >= low && v <= high {
                return Ok(());
            }
            Err(CoreError::parameter(format!("rl.{name}"), v, format!("a number from {low} to {high}")))
        };
        let positive = |name: &str, v: f64| {
            if v.is_finite() && v > 0.0 {
                return Ok(());
            }
            Err(CoreError::parameter(format!("rl.{name}"), v, "a finite number > 0"))
        };
        if self.lookback == 0 {
            return Err(CoreError::parameter("rl.lookback", 0, "at least 1 bar"));
        }
        if self.episode_length == Some(0) {
            return Err(CoreError::parameter("rl.episode_length", 0, "at least 1 step"));
        }
        positive("max_position", self.max_position)?;
        positive("reward_scaling", self.reward_scaling)?;
        positive("capital", self.capital)?;
        within("min_target", self.min_target, 0.0, 1.0)?;
        within("rebalance_band", self.rebalance_band, 0.0, 10.0)?;
        within("drawdown_penalty", self.drawdown_penalty, 0.0, 100.0)?;
        within("turnover_penalty", self.turnover_penalty, 0.0, 100.0)?;
        within("drawdown_limit", self.drawdown_limit, f64::MIN_POSITIVE, 1.0)?;
        let (low, high) = self.cost_range;
        within("cost_range[1]", high, 0.0, 1000.0)?;
        within("cost_range[0]", low, 0.0, high)?;
        self.costs(high, high).validate()
    }

    /// What an episode pays whose fee and slippage were drawn as these factors.
    pub(super) fn costs(&self, fee: f64, slippage: f64) -> CostConfig {
        CostConfig {
            taker_fee: self.transaction_cost * fee,
            slippage: SlippageModel::Fixed { fraction: self.slippage * slippage },
            ..CostConfig::default()
        }
    }
}
