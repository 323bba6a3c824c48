//! Weighted voting, and the weighted mean that most methods end in.

use serde::{Deserialize, Serialize};

use crate::ensemble::{Ballot, Method};
use crate::strategies::Vote;

/// `Σ w·signal·confidence / Σ w` over the warm strategies; contribution `k` is `w_k·signal_k·confidence_k / Σ w`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Weighted;

impl Method for Weighted {
    const STEADY: bool = true;
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64 {
        mean(ballot.votes, weights, contributions)
    }
}

/// Weighted mean of signal × confidence; 0 where nothing has weight.
pub(super) fn mean(votes: &[Vote], weights: &[f64], contributions: &mut [f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 {
        return 0.0;
    }
    let mut value = 0.0;
    for ((vote, weight), part) in votes.iter().zip(weights).zip(contributions) {
        if *weight > 0.0 {
            *part = weight * vote.signal * vote.confidence / total;
            value += *part;
        }
    }
    value
}

/// Share of the weight that stands behind `value`'s direction, each part times its confidence.
pub(super) fn confidence(votes: &[Vote], weights: &[f64], value: f64) -> f64 {
    let side = sign(value);
    let mut total = 0.0;
    let mut behind = 0.0;
    for (vote, weight) in votes.iter().zip(weights) {
        if vote.is_warm() {
            total += weight;
            if sign(vote.signal) == side {
                behind += weight * vote.confidence;
            }
        }
    }
    if total > 0.0 { (behind / total).clamp(0.0, 1.0) } else { 0.0 }
}

/// −1, 0 or 1; 0 for NaN.
pub(super) fn sign(x: f64) -> i8 {
    i8::from(x > 0.0) - i8::from(x < 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combine, names};
    use super::*;
    use crate::ensemble::{Direction, EnsembleConfig, build};

    #[test]
    fn mean_of_warm_strategies() {
        let mut c = build(&EnsembleConfig::default(), &names(3)).unwrap();
        let votes = [Vote::new(1.0, 0.8), Vote::COLD, Vote::new(-0.5, 0.4)];
        let (consensus, parts) = combine(&mut *c, &votes, &[0.5, 9.0, 1.0]);
        let expected = (0.5 * 0.8 - 0.5 * 0.4) / 1.5;
        assert!((consensus.value - expected).abs() < 1e-15);
        assert_eq!(parts[1], 0.0);
        assert!((parts.iter().sum::<f64>() - consensus.value).abs() < 1e-15);
        assert_eq!((consensus.warm, consensus.direction), (2, Direction::Hold));
        assert!((consensus.confidence - 0.5 * 0.8 / 1.5).abs() < 1e-15);
    }

    #[test]
    fn direction_thresholds() {
        let mut c = build(&EnsembleConfig::default(), &names(1)).unwrap();
        for (signal, direction) in
            [(0.6, Direction::Buy), (0.5, Direction::Hold), (-0.5, Direction::Hold), (-0.51, Direction::Sell)]
        {
            assert_eq!(combine(&mut *c, &[Vote::new(signal, 1.0)], &[1.0]).0.direction, direction);
        }
    }

    #[test]
    fn nobody_warm_has_no_position_and_no_weight_is_flat() {
        let mut c = build(&EnsembleConfig::default(), &names(2)).unwrap();
        let (consensus, _) = combine(&mut *c, &[Vote::COLD; 2], &[1.0, 1.0]);
        assert!(consensus.value.is_nan());
        assert_eq!((consensus.confidence, consensus.warm, consensus.direction), (0.0, 0, Direction::Hold));
        let (consensus, _) = combine(&mut *c, &[Vote::new(1.0, 1.0); 2], &[0.0, 0.0]);
        assert_eq!((consensus.value, consensus.confidence, consensus.warm), (0.0, 0.0, 2));
    }
}
