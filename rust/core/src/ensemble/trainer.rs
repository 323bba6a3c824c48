//! Learning from closed trades: one weight and one grade a strategy (SPEC §7).

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::window::Ring;

/// Numbers of the learning rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainerConfig {
    /// Weight of a strategy that has not traded yet.
    pub initial_weight: f64,
    /// Closed trades that count.
    pub window: usize,
    /// Share of the score that moves the weight.
    pub learning_rate: f64,
    /// Smallest weight.
    pub min_weight: f64,
    /// Largest weight.
    pub max_weight: f64,
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self { initial_weight: 0.5, window: 10, learning_rate: 0.1, min_weight: 0.1, max_weight: 1.0 }
    }
}

impl TrainerConfig {
    fn check(&self) -> Result<()> {
        let bad = |name: &str, value: f64, expected: &str| {
            Err(CoreError::parameter(format!("trainer.{name}"), value, expected))
        };
        if !(self.min_weight >= 0.0 && self.min_weight.is_finite()) {
            return bad("min_weight", self.min_weight, "a number >= 0");
        }
        if !(self.max_weight >= self.min_weight && self.max_weight > 0.0 && self.max_weight.is_finite()) {
            return bad("max_weight", self.max_weight, "a number > 0, not below min_weight");
        }
        if !(self.initial_weight >= self.min_weight && self.initial_weight <= self.max_weight) {
            return bad("initial_weight", self.initial_weight, "a number from min_weight to max_weight");
        }
        if !(self.learning_rate >= 0.0 && self.learning_rate.is_finite()) {
            return bad("learning_rate", self.learning_rate, "a number >= 0");
        }
        if !(1..=10_000).contains(&self.window) {
            return bad("window", self.window as f64, "a whole number from 1 to 10000");
        }
        Ok(())
    }
}

/// How well a strategy has traded lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Grade {
    A,
    B,
    C,
    D,
    F,
    /// No closed trade yet.
    #[serde(rename = "N/A")]
    NotAvailable,
}

impl Grade {
    /// `A` to `F`, or `N/A`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::F => "F",
            Self::NotAvailable => "N/A",
        }
    }
}

/// Statistics of a strategy's last closed trades; NaN without any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TradeStatistics {
    /// Trades in the window.
    pub trades: usize,
    /// Mean profit, a fraction of equity.
    pub mean: f64,
    /// Population standard deviation of the profits.
    pub std: f64,
    /// Share of trades with a profit.
    pub win_rate: f64,
    /// `mean / std`; the mean itself where the profits do not differ.
    pub sharpe: f64,
    /// What moves the weight: `0.1·mean + 0.5·(win_rate − 0.5) + clip(0.1·sharpe, −0.2, 0.2)`.
    pub score: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    profits: Ring,
    trades: u64,
}

/// Weights and grades of strategies from the profits of their closed trades.
///
/// After each trade `weight ← clip(weight + learning_rate·score, min, max)` with the score of [`TradeStatistics`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StrategyTrainer {
    config: TrainerConfig,
    records: Vec<Record>,
    weights: Vec<f64>,
}

impl StrategyTrainer {
    /// A trainer for `n` strategies with the numbers of SPEC §7.
    pub fn new(n: usize) -> Self {
        Self::of(n, TrainerConfig::default())
    }

    /// A trainer with other numbers.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field that is out of range.
    pub fn with_config(n: usize, config: TrainerConfig) -> Result<Self> {
        config.check()?;
        Ok(Self::of(n, config))
    }

    /// A trainer whose strategies start at these weights, each from 0 to the largest weight.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the weight that is out of range.
    pub fn with_weights(weights: &[f64]) -> Result<Self> {
        let mut trainer = Self::new(weights.len());
        let max = trainer.config.max_weight;
        for (k, weight) in weights.iter().enumerate() {
            if !(0.0..=max).contains(weight) {
                return Err(CoreError::parameter(format!("trainer.weights[{k}]"), weight, format!("0 to {max}")));
            }
        }
        trainer.weights.copy_from_slice(weights);
        Ok(trainer)
    }

    fn of(n: usize, config: TrainerConfig) -> Self {
        let mut trainer = Self { config, records: Vec::new(), weights: Vec::new() };
        for _ in 0..n {
            trainer.add();
        }
        trainer
    }

    /// Adds a strategy and returns its index.
    pub fn add(&mut self) -> usize {
        self.records.push(Record { profits: Ring::new(self.config.window), trades: 0 });
        self.weights.push(self.config.initial_weight);
        self.weights.len() - 1
    }

    /// Takes the profit of a closed trade (a fraction of equity) and returns the strategy's new weight.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] when there is no such strategy or the profit is not finite.
    pub fn update(&mut self, strategy: usize, pnl_fraction: f64) -> Result<f64> {
        if !pnl_fraction.is_finite() {
            return Err(CoreError::parameter("pnl", pnl_fraction, "a finite fraction of equity"));
        }
        self.index(strategy)?;
        let record = &mut self.records[strategy];
        record.profits.push(pnl_fraction);
        record.trades += 1;
        let score = self.statistics(strategy)?.score;
        let c = &self.config;
        let weight = &mut self.weights[strategy];
        *weight = (*weight + c.learning_rate * score).clamp(c.min_weight, c.max_weight);
        Ok(*weight)
    }

    fn index(&self, strategy: usize) -> Result<()> {
        if strategy < self.weights.len() {
            return Ok(());
        }
        Err(CoreError::parameter("strategy", strategy, format!("an index below {}", self.weights.len())))
    }

    /// Present weights, in the order of the strategies.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Closed trades of a strategy since the start.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] when there is no such strategy.
    pub fn trades(&self, strategy: usize) -> Result<u64> {
        self.index(strategy)?;
        Ok(self.records[strategy].trades)
    }

    /// Statistics of the last trades of a strategy.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] when there is no such strategy.
    pub fn statistics(&self, strategy: usize) -> Result<TradeStatistics> {
        self.index(strategy)?;
        let profits = &self.records[strategy].profits;
        let trades = profits.len();
        if trades == 0 {
            let nan = f64::NAN;
            return Ok(TradeStatistics { trades, mean: nan, std: nan, win_rate: nan, sharpe: nan, score: nan });
        }
        let n = trades as f64;
        let mean = profits.iter().sum::<f64>() / n;
        let variance = profits.iter().map(|p| (p - mean) * (p - mean)).sum::<f64>() / n;
        let std = variance.sqrt();
        let win_rate = profits.iter().filter(|&p| p > 0.0).count() as f64 / n;
        // Equal profits leave a rounding error of the mean behind; dividing by it would make any profit a perfect one.
        let sharpe = if std > 1e-12 * mean.abs() { mean / std } else { mean };
        let score = 0.1 * mean + 0.5 * (win_rate - 0.5) + (0.1 * sharpe).clamp(-0.2, 0.2);
        Ok(TradeStatistics { trades, mean, std, win_rate, sharpe, score })
    }

    /// Grade of a strategy over its last trades.
    ///
    /// A: mean > 0.05 and win rate > 0.6; B: > 0.02 and > 0.5; C: > 0 and > 0.4; D: mean > −0.02; else F.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] when there is no such strategy.
    pub fn grade(&self, strategy: usize) -> Result<Grade> {
        let s = self.statistics(strategy)?;
        Ok(if s.trades == 0 {
            Grade::NotAvailable
        } else if s.mean > 0.05 && s.win_rate > 0.6 {
            Grade::A
        } else if s.mean > 0.02 && s.win_rate > 0.5 {
            Grade::B
        } else if s.mean > 0.0 && s.win_rate > 0.4 {
            Grade::C
        } else if s.mean > -0.02 {
            Grade::D
        } else {
            Grade::F
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{from_bytes, to_bytes};

    #[test]
    fn first_trade_follows_the_formula() {
        let mut t = StrategyTrainer::new(2);
        // One profit of 2 %: std 0, so sharpe = mean; score = .002 + .25 + .002.
        let w = t.update(1, 0.02).unwrap();
        assert!((w - (0.5 + 0.1 * (0.002 + 0.25 + 0.002))).abs() < 1e-15);
        assert_eq!(t.weights()[0], 0.5);
    }

    #[test]
    fn sharpe_term_is_clipped_and_window_is_ten() {
        let mut t = StrategyTrainer::new(1);
        for _ in 0..5 {
            t.update(0, -1.0).unwrap();
        }
        for k in 0..10 {
            t.update(0, 0.05 + 0.0001 * f64::from(k)).unwrap();
        }
        let s = t.statistics(0).unwrap();
        assert_eq!(s.trades, 10);
        assert_eq!(s.win_rate, 1.0);
        assert!((s.score - (0.1 * s.mean + 0.25 + 0.2)).abs() < 1e-15);
        assert_eq!(t.trades(0).unwrap(), 15);
    }

    #[test]
    fn equal_profits_have_no_deviation() {
        let mut t = StrategyTrainer::new(1);
        for _ in 0..7 {
            t.update(0, 0.1).unwrap();
        }
        let s = t.statistics(0).unwrap();
        assert!((s.sharpe - 0.1).abs() < 1e-12);
    }

    #[test]
    fn weights_stay_in_bounds() {
        let mut t = StrategyTrainer::new(2);
        for _ in 0..200 {
            t.update(0, 0.03).unwrap();
            t.update(1, -0.03).unwrap();
        }
        assert_eq!(t.weights(), [1.0, 0.1]);
    }

    #[test]
    fn grades() {
        let grade = |profits: &[f64]| {
            let mut t = StrategyTrainer::new(1);
            for &p in profits {
                t.update(0, p).unwrap();
            }
            t.grade(0).unwrap().as_str()
        };
        assert_eq!(grade(&[]), "N/A");
        assert_eq!(grade(&[0.06, 0.07]), "A");
        assert_eq!(grade(&[0.03]), "B");
        assert_eq!(grade(&[0.03, -0.02]), "C");
        assert_eq!(grade(&[-0.01, 0.0]), "D");
        assert_eq!(grade(&[-0.02]), "F");
    }

    #[test]
    fn refuses_what_it_cannot_use() {
        let mut t = StrategyTrainer::new(1);
        assert!(t.update(1, 0.1).is_err());
        assert!(t.update(0, f64::NAN).is_err());
        let config = TrainerConfig { min_weight: 0.6, ..TrainerConfig::default() };
        assert!(StrategyTrainer::with_config(1, config).is_err());
    }

    #[test]
    fn snapshot_goes_on_as_if_nothing_happened() {
        let mut a = StrategyTrainer::new(1);
        for k in 0..13 {
            a.update(0, 0.01 * f64::from(k % 3 - 1)).unwrap();
        }
        let mut b: StrategyTrainer = from_bytes(&to_bytes(&a).unwrap()).unwrap();
        assert_eq!(a.update(0, 0.5).unwrap().to_bits(), b.update(0, 0.5).unwrap().to_bits());
    }
}
