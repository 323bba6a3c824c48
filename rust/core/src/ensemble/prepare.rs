//! What happens to votes before any method sees them, and to the consensus after it.

use serde::{Deserialize, Serialize};

use crate::ensemble::calibration::Calibration;
use crate::ensemble::similarity::Similarity;
use crate::ensemble::weighted::sign;
use crate::ensemble::{Consensus, Direction, Gate};
use crate::strategies::Vote;

/// Calibrates confidences and sets the weight of every strategy.
///
/// `weight = base · trainer · 0.5^(age / half_life) · (1 + bonus·(1 − mean |ρ| with the others))`; 0 while cold. `age` counts the
/// bars since the strategy's signal last changed, ρ is the correlation of signals over the window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Prepare {
    pub(super) base: Vec<f64>,
    pub(super) calibration: Vec<Option<Calibration>>,
    pub(super) half_life: Option<f64>,
    pub(super) diversity_bonus: f64,
    pub(super) similarity: Option<Similarity>,
    last: Vec<f64>,
    age: Vec<u32>,
}

impl Prepare {
    /// Without bonus, `similarity` may be absent; the lengths of `base` and `calibration` agree.
    pub(super) fn new(
        base: Vec<f64>,
        calibration: Vec<Option<Calibration>>,
        half_life: Option<f64>,
        diversity_bonus: f64,
        similarity: Option<Similarity>,
    ) -> Self {
        let n = base.len();
        Self { base, calibration, half_life, diversity_bonus, similarity, last: vec![f64::NAN; n], age: vec![0; n] }
    }

    pub(super) fn len(&self) -> usize {
        self.base.len()
    }

    /// Fills `prepared` and `weights` and returns the number of warm strategies.
    pub(super) fn run(&mut self, votes: &[Vote], trainer: &[f64], prepared: &mut [Vote], weights: &mut [f64]) -> u32 {
        if let Some(similarity) = &mut self.similarity {
            similarity.push(votes);
        }
        let mut warm = 0;
        for (k, vote) in votes.iter().enumerate() {
            if !vote.is_warm() {
                prepared[k] = Vote::COLD;
                weights[k] = 0.0;
                continue;
            }
            warm += 1;
            // NaN, the value before the first vote, differs from every signal.
            self.age[k] = if vote.signal == self.last[k] { self.age[k].saturating_add(1) } else { 0 };
            self.last[k] = vote.signal;
            prepared[k] = match &self.calibration[k] {
                Some(map) => Vote::new(vote.signal, map.apply(vote.confidence)),
                None => *vote,
            };
            let learned = trainer.get(k).copied().filter(|w| w.is_finite() && *w >= 0.0).unwrap_or(1.0);
            let fresh = self.half_life.map_or(1.0, |h| (-f64::from(self.age[k]) / h).exp2());
            let bonus = match &self.similarity {
                Some(s) if self.diversity_bonus > 0.0 => self.diversity_bonus * (1.0 - s.mean(k)),
                _ => 0.0,
            };
            weights[k] = self.base[k] * learned * fresh * (1.0 + bonus);
        }
        warm
    }

    /// The `prepared` votes of the last run come once more; false, with nothing done, where their weights move with time.
    pub(super) fn again(&mut self, prepared: &[Vote]) -> bool {
        if self.half_life.is_some() || self.similarity.is_some() {
            return false;
        }
        for (age, vote) in self.age.iter_mut().zip(prepared) {
            *age = age.saturating_add(u32::from(vote.is_warm()));
        }
        true
    }

    pub(super) fn reset(&mut self) {
        if let Some(similarity) = &mut self.similarity {
            similarity.reset();
        }
        self.last.fill(f64::NAN);
        self.age.fill(0);
    }
}

/// Conditions on the consensus.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Gates {
    /// Signed value above which the direction is Buy.
    pub(super) buy_threshold: f64,
    /// Signed value below which the direction is Sell.
    pub(super) sell_threshold: f64,
    /// Strategies that must share the direction.
    pub(super) min_agree: u32,
    /// Indices of strategies that must share the direction, each of them.
    pub(super) required: Vec<usize>,
}

impl Gates {
    /// Names the direction, or holds the consensus back at 0.
    pub(super) fn pass(&self, votes: &[Vote], consensus: Consensus) -> Consensus {
        let side = sign(consensus.value);
        let agrees = |v: &Vote| v.is_warm() && sign(v.signal) == side;
        let gate = if side == 0 {
            Gate::Open
        } else if !self.required.iter().all(|&k| agrees(&votes[k])) {
            Gate::Required
        } else if (votes.iter().filter(|v| agrees(v)).count() as u64) < u64::from(self.min_agree) {
            Gate::MinAgree
        } else {
            Gate::Open
        };
        let value = if gate == Gate::Open { consensus.value } else { 0.0 };
        let direction = if value > self.buy_threshold {
            Direction::Buy
        } else if value < self.sell_threshold {
            Direction::Sell
        } else {
            Direction::Hold
        };
        Consensus { value, direction, gate, ..consensus }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{combine, config, names};
    use crate::ensemble::{Gate, build};
    use crate::strategies::Vote;

    #[test]
    fn required_strategy_must_share_the_direction() {
        let mut c = build(&config(r#"{"required": ["s1"]}"#), &names(2)).unwrap();
        for (vote, gate) in [
            (Vote::COLD, Gate::Required),
            (Vote::new(0.0, 1.0), Gate::Required),
            (Vote::new(-0.2, 1.0), Gate::Required),
            (Vote::new(0.1, 0.0), Gate::Open),
        ] {
            let (consensus, parts) = combine(&mut *c, &[Vote::new(1.0, 1.0), vote], &[1.0, 1.0]);
            assert_eq!(consensus.gate, gate);
            assert_eq!(consensus.value != 0.0, gate == Gate::Open);
            assert!((parts.iter().sum::<f64>() - consensus.value).abs() < 1e-15);
        }
    }

    #[test]
    fn stale_signals_count_less() {
        let mut c = build(&config(r#"{"signal_half_life": 2.0}"#), &names(2)).unwrap();
        for bar in 0..5 {
            let fresh = if bar % 2 == 0 { -1.0 } else { -0.9 };
            combine(&mut *c, &[Vote::new(1.0, 1.0), Vote::new(fresh, 1.0)], &[1.0, 1.0]);
        }
        assert_eq!(c.weights(), [0.25, 1.0]);
    }

    #[test]
    fn a_different_mind_is_worth_a_bonus() {
        let json = r#"{"diversity_bonus": 0.5, "similarity_window": 20}"#;
        let mut c = build(&config(json), &names(3)).unwrap();
        for bar in 0..40 {
            let a = if bar % 2 == 0 { 1.0 } else { -1.0 };
            let b = if bar % 4 < 2 { 1.0 } else { -1.0 };
            combine(&mut *c, &[Vote::new(a, 1.0), Vote::new(a, 1.0), Vote::new(b, 1.0)], &[1.0; 3]);
        }
        let w = c.weights();
        assert!((w[0] - 1.25).abs() < 1e-9 && (w[1] - 1.25).abs() < 1e-9 && (w[2] - 1.5).abs() < 1e-9, "{w:?}");
    }

    #[test]
    fn calibration_maps_confidence() {
        let json = r#"{"calibration": {"s0": [[0.5, 0.0], [1.0, 0.4]]}}"#;
        let mut c = build(&config(json), &names(1)).unwrap();
        for (confidence, expected) in [(0.2, 0.0), (0.75, 0.2), (1.0, 0.4)] {
            let (consensus, _) = combine(&mut *c, &[Vote::new(1.0, confidence)], &[1.0]);
            assert!((consensus.value - expected).abs() < 1e-15);
        }
    }
}
