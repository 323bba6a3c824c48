//! Dynamic weighting: strategies that paid lately count more.

use serde::{Deserialize, Serialize};

use crate::ensemble::performance::Performance;
use crate::ensemble::{Ballot, Method, weighted};

/// Numbers of dynamic weighting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DynamicConfig {
    /// Bars after which a return counts half.
    pub half_life: f64,
    /// How sharply weights follow performance: the exponent at a Sharpe ratio of 1 a bar.
    pub learning_rate: f64,
    /// Smallest weight, as a share of the largest.
    pub min_share: f64,
}

impl Default for DynamicConfig {
    fn default() -> Self {
        Self { half_life: 50.0, learning_rate: 10.0, min_share: 0.05 }
    }
}

/// Weighted voting with `w_k·exp(learning_rate·S_k)`, `S` the decayed Sharpe ratio a bar of [`Performance`].
///
/// Exponential weights over a bounded score are the Hedge rule (Freund and Schapire, 1997).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dynamic {
    config: DynamicConfig,
    performance: Performance,
}

impl Dynamic {
    /// For `n` strategies.
    pub fn new(n: usize, config: DynamicConfig) -> Self {
        let performance = Performance::new(n, config.half_life);
        Self { config, performance }
    }
}

impl Method for Dynamic {
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64 {
        self.performance.hold(ballot.votes);
        let warm = |k: usize| ballot.votes[k].is_warm();
        let best = (0..weights.len()).filter(|&k| warm(k)).map(|k| self.performance.ratio(k)).fold(f64::MIN, f64::max);
        for (k, weight) in weights.iter_mut().enumerate() {
            if warm(k) {
                let lag = self.performance.ratio(k) - best;
                *weight *= (self.config.learning_rate * lag).exp().max(self.config.min_share);
            }
        }
        weighted::mean(ballot.votes, weights, contributions)
    }
    fn observe(&mut self, realised_return: f64) {
        self.performance.judge(realised_return);
    }
    fn reset(&mut self) {
        self.performance.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combine, config, names};
    use crate::ensemble::build;
    use crate::strategies::Vote;

    #[test]
    fn the_one_that_pays_wins_and_the_floor_holds() {
        let json = r#"{"method": "dynamic", "dynamic": {"half_life": 10, "min_share": 0.1}}"#;
        let mut c = build(&config(json), &names(3)).unwrap();
        let votes = [Vote::new(1.0, 1.0), Vote::new(-1.0, 1.0), Vote::COLD];
        let first = combine(&mut *c, &votes, &[1.0; 3]).0;
        assert_eq!(first.value, 0.0);
        for _ in 0..30 {
            c.observe(0.01);
            combine(&mut *c, &votes, &[1.0; 3]);
        }
        assert_eq!(c.weights(), [1.0, 0.1, 0.0]);
        for _ in 0..30 {
            c.observe(-0.01);
            combine(&mut *c, &votes, &[1.0; 3]);
        }
        assert_eq!(c.weights(), [0.1, 1.0, 0.0]);
    }
}
