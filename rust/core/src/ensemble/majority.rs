//! Majority voting: one strategy, one vote.

use serde::{Deserialize, Serialize};

use crate::ensemble::weighted::sign;
use crate::ensemble::{Ballot, Method};

/// The side with more voters wins; a flat strategy abstains, and weights do not count.
///
/// The position is `Σ signal·confidence` over the winners divided by the number of voters: the losers are silenced, yet they
/// dilute. A tie goes to the side with the larger sum of confidence, then to the side of the first strategy in the priority list
/// that votes, then to Hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Majority {
    /// Indices of strategies, the most trusted first.
    priority: Vec<usize>,
}

impl Majority {
    /// `priority`: indices of strategies, the most trusted first.
    pub fn new(priority: Vec<usize>) -> Self {
        Self { priority }
    }

    fn winner(&self, ballot: &Ballot<'_>, weights: &[f64]) -> (i8, usize) {
        let side = |k: usize| if weights[k] > 0.0 { sign(ballot.votes[k].signal) } else { 0 };
        let (mut count, mut conviction) = ([0_usize; 2], [0.0_f64; 2]);
        for (k, vote) in ballot.votes.iter().enumerate() {
            let at = match side(k) {
                1 => 0,
                -1 => 1,
                _ => continue,
            };
            count[at] += 1;
            conviction[at] += vote.confidence;
        }
        let by_count = count[0].cmp(&count[1]);
        // Sums of the same confidences in another order may differ in the last bit: that is a tie.
        let margin = conviction[0] - conviction[1];
        let by_confidence = if margin.abs() <= 1e-12 { 0 } else { sign(margin) };
        let winner = match by_count {
            std::cmp::Ordering::Greater => 1,
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal if by_confidence != 0 => by_confidence,
            std::cmp::Ordering::Equal => self.priority.iter().map(|&k| side(k)).find(|&s| s != 0).unwrap_or(0),
        };
        (winner, count[0] + count[1])
    }
}

impl Method for Majority {
    const STEADY: bool = true;
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64 {
        for (weight, vote) in weights.iter_mut().zip(ballot.votes) {
            *weight = if vote.is_warm() && *weight > 0.0 { 1.0 } else { 0.0 };
        }
        let (winner, voters) = self.winner(ballot, weights);
        if winner == 0 {
            return 0.0;
        }
        let mut value = 0.0;
        for ((vote, weight), part) in ballot.votes.iter().zip(weights).zip(contributions) {
            if *weight > 0.0 && sign(vote.signal) == winner {
                *part = vote.signal * vote.confidence / voters as f64;
                value += *part;
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combine, config, names};
    use crate::ensemble::{Gate, build};
    use crate::strategies::Vote;

    fn value(json: &str, votes: &[Vote]) -> f64 {
        let mut c = build(&config(json), &names(votes.len())).unwrap();
        let (consensus, parts) = combine(&mut *c, votes, &vec![0.5; votes.len()]);
        assert!((parts.iter().sum::<f64>() - consensus.value).abs() < 1e-15);
        consensus.value
    }

    #[test]
    fn more_voters_win_whatever_their_confidence() {
        let votes = [Vote::new(0.5, 0.2), Vote::new(1.0, 0.1), Vote::new(-1.0, 1.0), Vote::new(0.0, 1.0), Vote::COLD];
        assert!((value(r#"{"method": "majority"}"#, &votes) - (0.1 + 0.1) / 3.0).abs() < 1e-15);
    }

    #[test]
    fn ties() {
        let json = r#"{"method": "majority"}"#;
        assert_eq!(value(json, &[Vote::new(1.0, 0.6), Vote::new(-1.0, 0.9)]), -0.45);
        let even = [Vote::new(1.0, 0.6), Vote::new(-1.0, 0.6)];
        assert_eq!(value(json, &even), 0.0);
        assert_eq!(value(r#"{"method": "majority", "priority": ["s1", "s0"]}"#, &even), -0.3);
        assert_eq!(value(r#"{"method": "majority", "priority": ["s0"]}"#, &even), 0.3);
    }

    #[test]
    fn min_agree_holds_back() {
        let mut c = build(&config(r#"{"method": "majority", "min_agree": 2}"#), &names(3)).unwrap();
        let votes = [Vote::new(1.0, 0.9), Vote::new(0.0, 0.9), Vote::new(0.0, 0.9)];
        let (consensus, _) = combine(&mut *c, &votes, &[1.0; 3]);
        assert_eq!((consensus.value, consensus.gate), (0.0, Gate::MinAgree));
        let votes = [Vote::new(1.0, 0.9), Vote::new(0.5, 0.9), Vote::new(0.0, 0.9)];
        assert_eq!(combine(&mut *c, &votes, &[1.0; 3]).0.gate, Gate::Open);
    }
}
