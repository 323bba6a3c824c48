//! Correlation filter: strategies that say the same count once.

use serde::{Deserialize, Serialize};

use crate::ensemble::performance::Performance;
use crate::ensemble::similarity::Similarity;
use crate::ensemble::{Ballot, Dropped, Method, weighted};

/// Numbers of the correlation filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorrelationConfig {
    /// |ρ| of two signals from which on one of them is set aside.
    pub threshold: f64,
    /// Bars of the correlation.
    pub window: usize,
    /// Bars after which a return counts half in the judgement of who is better.
    pub half_life: f64,
}

impl Default for CorrelationConfig {
    fn default() -> Self {
        Self { threshold: 0.85, window: 100, half_life: 50.0 }
    }
}

/// Weighted voting over the strategies that pass the filter.
///
/// The warm strategies are taken from the best to the worst (decayed Sharpe ratio, then weight, then list order); one whose signal
/// has |ρ| ≥ threshold with one already taken is set aside, and [`Method::dropped`] says for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CorrelationFilter {
    threshold: f64,
    similarity: Similarity,
    performance: Performance,
    order: Vec<usize>,
    dropped: Vec<Dropped>,
}

impl CorrelationFilter {
    /// For `n` strategies.
    pub fn new(n: usize, config: &CorrelationConfig) -> Self {
        Self {
            threshold: config.threshold,
            similarity: Similarity::new(n, config.window),
            performance: Performance::new(n, config.half_life),
            order: Vec::with_capacity(n),
            dropped: Vec::with_capacity(n),
        }
    }
}

impl Method for CorrelationFilter {
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64 {
        self.performance.hold(ballot.votes);
        self.similarity.push(ballot.votes);
        self.order.clear();
        self.order.extend((0..weights.len()).filter(|&k| ballot.votes[k].is_warm()));
        let performance = &self.performance;
        self.order.sort_by(|&a, &b| {
            performance
                .ratio(b)
                .total_cmp(&performance.ratio(a))
                .then(weights[b].total_cmp(&weights[a]))
                .then(a.cmp(&b))
        });
        self.dropped.clear();
        for at in 0..self.order.len() {
            let k = self.order[at];
            let rival = self.order[..at].iter().copied().find(|&j| {
                let gone = self.dropped.iter().any(|d| d.strategy == j);
                !gone && self.similarity.get(k, j).abs() >= self.threshold
            });
            if let Some(kept) = rival {
                weights[k] = 0.0;
                self.dropped.push(Dropped { strategy: k, kept, correlation: self.similarity.get(k, kept) });
            }
        }
        weighted::mean(ballot.votes, weights, contributions)
    }
    fn observe(&mut self, realised_return: f64) {
        self.performance.judge(realised_return);
    }
    fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }
    fn reset(&mut self) {
        self.similarity.reset();
        self.performance.reset();
        self.dropped.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combine, config, names};
    use crate::ensemble::build;
    use crate::strategies::Vote;

    #[test]
    fn of_a_twin_pair_the_better_stays() {
        let json = r#"{"method": "correlation", "correlation": {"window": 10}}"#;
        let mut c = build(&config(json), &names(3)).unwrap();
        for bar in 0..30 {
            let a = if bar % 2 == 0 { 1.0 } else { -1.0 };
            let b = if bar % 4 < 2 { 1.0 } else { -1.0 };
            // Strategy 1 mirrors strategy 0; prices follow strategy 1.
            combine(&mut *c, &[Vote::new(a, 1.0), Vote::new(-a, 0.5), Vote::new(b, 1.0)], &[1.0; 3]);
            c.observe(-0.01 * a);
        }
        let (_, parts) = combine(&mut *c, &[Vote::new(1.0, 1.0), Vote::new(-1.0, 0.5), Vote::new(1.0, 1.0)], &[1.0; 3]);
        let [d] = c.dropped() else { panic!("{:?}", c.dropped()) };
        assert_eq!((d.strategy, d.kept), (0, 1));
        assert!((d.correlation + 1.0).abs() < 1e-9);
        assert_eq!(parts, [0.0, -0.25, 0.5]);
    }

    #[test]
    fn nobody_goes_before_the_window_is_full() {
        let mut c = build(&config(r#"{"method": "correlation"}"#), &names(2)).unwrap();
        for bar in 0..99 {
            let a = if bar % 2 == 0 { 1.0 } else { -1.0 };
            combine(&mut *c, &[Vote::new(a, 1.0); 2], &[1.0; 2]);
            assert!(c.dropped().is_empty());
        }
        combine(&mut *c, &[Vote::new(-1.0, 1.0); 2], &[1.0; 2]);
        assert_eq!(c.dropped().len(), 1);
    }
}
