//! How well each strategy's votes have paid lately, risk-adjusted.

use serde::{Deserialize, Serialize};

use crate::strategies::Vote;

/// Exponentially decayed Sharpe ratio a bar of every strategy's hypothetical position `signal·confidence`.
///
/// With `d = 0.5^(1 / half_life)` and `x` the position times the return that followed: `m ← d·m + (1 − d)·x`,
/// `q ← d·q + (1 − d)·x²`, ratio `m / √q`. It lies in [−1, 1] whatever the returns, needs no unit and starts at 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Performance {
    decay: f64,
    mean: Vec<f64>,
    square: Vec<f64>,
    position: Vec<f64>,
}

impl Performance {
    /// For `n` strategies; `half_life` in bars.
    pub fn new(n: usize, half_life: f64) -> Self {
        Self { decay: (-1.0 / half_life).exp2(), mean: vec![0.0; n], square: vec![0.0; n], position: vec![0.0; n] }
    }

    /// Remembers the votes that the next return will judge; a cold strategy holds nothing.
    pub fn hold(&mut self, votes: &[Vote]) {
        for (position, vote) in self.position.iter_mut().zip(votes) {
            *position = if vote.is_warm() { vote.signal * vote.confidence } else { f64::NAN };
        }
    }

    /// Judges the remembered votes by the return that followed; cold strategies keep their record.
    pub fn judge(&mut self, realised_return: f64) {
        for ((mean, square), position) in self.mean.iter_mut().zip(&mut self.square).zip(&self.position) {
            if !position.is_nan() {
                let x = position * realised_return;
                *mean = self.decay * *mean + (1.0 - self.decay) * x;
                *square = self.decay * *square + (1.0 - self.decay) * x * x;
            }
        }
    }

    /// The ratio of strategy `k`; 0 where it has not earned or lost anything.
    pub fn ratio(&self, k: usize) -> f64 {
        let scale = self.square[k].sqrt();
        if scale > 0.0 { (self.mean[k] / scale).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.mean.fill(0.0);
        self.square.fill(0.0);
        self.position.fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_follows_the_recursion_and_ignores_scale() {
        for unit in [1.0, 1e-6] {
            let mut p = Performance::new(2, 1.0);
            p.judge(0.5 * unit);
            assert_eq!(p.ratio(0), 0.0);
            p.hold(&[Vote::new(1.0, 0.5), Vote::COLD]);
            p.judge(0.02 * unit);
            p.hold(&[Vote::new(1.0, 0.5), Vote::COLD]);
            p.judge(-0.01 * unit);
            let mean = 0.5 * (0.5 * 0.01) - 0.5 * 0.005;
            let square = 0.5 * (0.5 * 0.01_f64.powi(2)) + 0.5 * 0.005_f64.powi(2);
            assert!((p.ratio(0) - mean / square.sqrt()).abs() < 1e-12);
            assert_eq!(p.ratio(1), 0.0);
        }
    }
}
