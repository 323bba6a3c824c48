//! Bayesian model averaging: strategies are rival forecasters of the next return.

use serde::{Deserialize, Serialize};

use crate::ensemble::{Ballot, Method, weighted};
use crate::strategies::Vote;

/// Numbers of Bayesian averaging.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BayesianConfig {
    /// Part of the log evidence that survives a bar; 1 never forgets.
    pub forgetting: f64,
    /// Mean return that a full, certain vote forecasts, in standard deviations of a bar's return.
    pub edge: f64,
    /// Bars after which a return counts half in the estimate of the standard deviation.
    pub half_life: f64,
    /// Returns beyond this many standard deviations are taken as that many: one shock must not decide.
    pub clip: f64,
}

impl Default for BayesianConfig {
    fn default() -> Self {
        Self { forgetting: 0.99, edge: 0.2, half_life: 50.0, clip: 3.0 }
    }
}

/// Weighted voting with posterior weights `∝ prior·evidence`.
///
/// Strategy `k` forecasts the next return as `Normal(edge·position_k·σ, σ²)`, position = signal × confidence, 0 while cold. After
/// a return of `z` standard deviations its log evidence becomes `forgetting·L − (z − edge·position)²/2`. σ² is the exponentially
/// decayed mean square of the returns before. The prior is the prepared weight (base × trainer).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bayesian {
    config: BayesianConfig,
    decay: f64,
    evidence: Vec<f64>,
    position: Vec<f64>,
    /// Decayed mean square return; negative before the first one.
    square: f64,
}

impl Bayesian {
    /// For `n` strategies.
    pub fn new(n: usize, config: BayesianConfig) -> Self {
        let decay = (-1.0 / config.half_life).exp2();
        Self { config, decay, evidence: vec![0.0; n], position: vec![0.0; n], square: -1.0 }
    }
}

impl Method for Bayesian {
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64 {
        let warm = |vote: &Vote| vote.is_warm();
        for (position, vote) in self.position.iter_mut().zip(ballot.votes) {
            *position = if warm(vote) { vote.signal * vote.confidence } else { 0.0 };
        }
        let best =
            self.evidence.iter().zip(ballot.votes).filter(|(_, v)| warm(v)).fold(f64::MIN, |a, (e, _)| a.max(*e));
        let mut total = 0.0;
        for ((weight, evidence), vote) in weights.iter_mut().zip(&self.evidence).zip(ballot.votes) {
            if warm(vote) {
                *weight *= (evidence - best).exp();
                total += *weight;
            }
        }
        if total > 0.0 {
            for weight in weights.iter_mut() {
                *weight /= total;
            }
        }
        weighted::mean(ballot.votes, weights, contributions)
    }
    fn observe(&mut self, realised_return: f64) {
        let r = realised_return;
        if self.square > 0.0 {
            let z = (r / self.square.sqrt()).clamp(-self.config.clip, self.config.clip);
            for (evidence, position) in self.evidence.iter_mut().zip(&self.position) {
                let miss = z - self.config.edge * position;
                // A flat forecast as the common reference keeps the sums small and leaves the posterior as it is.
                *evidence = self.config.forgetting * *evidence + 0.5 * (z * z - miss * miss);
            }
        }
        self.square = if self.square < 0.0 { r * r } else { self.decay * self.square + (1.0 - self.decay) * r * r };
    }
    fn reset(&mut self) {
        self.evidence.fill(0.0);
        self.position.fill(0.0);
        self.square = -1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combine, config, names};
    use crate::ensemble::build;
    use crate::strategies::Vote;

    #[test]
    fn posterior_follows_the_likelihood() {
        let json =
            r#"{"method": "bayesian", "bayesian": {"forgetting": 1.0, "edge": 0.5, "half_life": 1e9, "clip": 10}}"#;
        let mut c = build(&config(json), &names(2)).unwrap();
        let votes = [Vote::new(1.0, 1.0), Vote::new(-1.0, 1.0)];
        combine(&mut *c, &votes, &[1.0, 1.0]);
        // The first return only sets the scale; the second is one standard deviation up.
        c.observe(0.01);
        assert_eq!(combine(&mut *c, &votes, &[1.0, 1.0]).0.value, 0.0);
        c.observe(0.01);
        combine(&mut *c, &votes, &[1.0, 1.0]);
        let ratio: f64 = c.weights()[0] / c.weights()[1];
        // exp(−(1 − .5)²/2) / exp(−(1 + .5)²/2) = e
        assert!((ratio - std::f64::consts::E).abs() < 1e-9, "{ratio}");
        assert!((c.weights().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_prior_is_the_trainers_weight_and_evidence_fades() {
        let json = r#"{"method": "bayesian", "bayesian": {"forgetting": 0.5}}"#;
        let mut c = build(&config(json), &names(2)).unwrap();
        let votes = [Vote::new(1.0, 1.0), Vote::new(-1.0, 1.0)];
        for _ in 0..50 {
            c.observe(0.01);
            combine(&mut *c, &votes, &[1.0, 1.0]);
        }
        for _ in 0..60 {
            c.observe(0.0);
            combine(&mut *c, &[Vote::COLD; 2], &[1.0, 1.0]);
        }
        combine(&mut *c, &votes, &[0.9, 0.3]);
        assert!((c.weights()[0] - 0.75).abs() < 1e-9);
    }
}
