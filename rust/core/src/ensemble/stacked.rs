//! Stacking: a meta-model, fitted out of fold, that reads every strategy's position.

use serde::{Deserialize, Serialize};

use crate::ensemble::{Ballot, Method};

/// What the meta-model's output means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The score is the position, clipped into [−1, 1].
    #[default]
    Linear,
    /// `p = 1 / (1 + e^(−score))` is the probability of a rise, the position `2p − 1`.
    Logistic,
}

/// `score = intercept + Σ coefficient_k·signal_k·confidence_k`; a cold strategy enters as 0.
///
/// Contribution `k` is its term's share of the score times the position; what the intercept moved belongs to none. Weights of the
/// trainer do not count: the coefficients are the weights.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stacked {
    link: Link,
    intercept: f64,
    coefficients: Vec<f64>,
}

impl Stacked {
    /// One finite coefficient a strategy.
    pub fn new(link: Link, intercept: f64, coefficients: Vec<f64>) -> Self {
        Self { link, intercept, coefficients }
    }
}

impl Method for Stacked {
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64 {
        let mut score = self.intercept;
        let mut anyone = false;
        for (k, vote) in ballot.votes.iter().enumerate() {
            weights[k] = 0.0;
            if vote.is_warm() {
                anyone = true;
                weights[k] = self.coefficients[k].abs();
                contributions[k] = self.coefficients[k] * vote.signal * vote.confidence;
                score += contributions[k];
            }
        }
        if !anyone {
            return 0.0;
        }
        let value = match self.link {
            Link::Linear => score.clamp(-1.0, 1.0),
            Link::Logistic => (0.5 * score).tanh(),
        };
        // The logistic position per unit of score tends to 1/2 as the score vanishes.
        let share = if score.abs() > 1e-9 {
            value / score
        } else if self.link == Link::Linear {
            1.0
        } else {
            0.5
        };
        for part in contributions {
            *part *= share;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combine, config, names};
    use crate::ensemble::build;
    use crate::strategies::Vote;

    #[test]
    fn linear_and_logistic() {
        let votes = [Vote::new(1.0, 0.5), Vote::new(-1.0, 1.0), Vote::COLD];
        let json = r#"{"method": "stacked", "stacked": {"intercept": 0.1, "coefficients": {"s0": 0.8, "s1": 0.2}}}"#;
        let mut c = build(&config(json), &names(3)).unwrap();
        let (consensus, parts) = combine(&mut *c, &votes, &[0.3; 3]);
        assert!((consensus.value - 0.3).abs() < 1e-15);
        assert!((parts[0] - 0.4).abs() < 1e-15 && (parts[1] + 0.2).abs() < 1e-15 && parts[2] == 0.0);
        let json = r#"{"method": "stacked", "stacked": {"link": "logistic", "coefficients": {"s0": 3.0, "s1": 0.5}}}"#;
        let mut c = build(&config(json), &names(3)).unwrap();
        let (consensus, parts) = combine(&mut *c, &votes, &[0.3; 3]);
        let p = 1.0 / (1.0 + (-1.0_f64).exp());
        assert!((consensus.value - (2.0 * p - 1.0)).abs() < 1e-15);
        assert!((parts.iter().sum::<f64>() - consensus.value).abs() < 1e-15);
    }

    #[test]
    fn needs_a_fitted_model() {
        let error =
            build(&config(r#"{"method": "stacked"}"#), &names(2)).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error.contains("ensemble.stacked.coefficients"), "{error}");
    }

    #[test]
    fn nobody_warm_has_no_position_whatever_the_intercept() {
        let json = r#"{"method": "stacked", "stacked": {"intercept": 0.9, "coefficients": {"s0": 1.0}}}"#;
        let mut c = build(&config(json), &names(1)).unwrap();
        assert!(combine(&mut *c, &[Vote::COLD], &[1.0]).0.value.is_nan());
    }
}
