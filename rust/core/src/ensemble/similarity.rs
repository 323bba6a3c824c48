//! How alike the strategies are: correlations of their signals over a window.

use serde::{Deserialize, Serialize};

use crate::indicators::statistic::Correlation;
use crate::indicators::{Indicator, step};
use crate::strategies::Vote;

/// Pairwise correlation of signals; 0 while a pair lacks a full window of common votes or one of them never moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Similarity {
    n: usize,
    /// Pair (i, j), i < j, at `j·(j − 1)/2 + i`.
    pairs: Vec<Correlation>,
    values: Vec<f64>,
}

impl Similarity {
    /// For `n` strategies over `window` bars.
    pub fn new(n: usize, window: usize) -> Self {
        let count = n * n.saturating_sub(1) / 2;
        Self { n, pairs: vec![Correlation::new(window); count], values: vec![0.0; count] }
    }

    /// Takes the votes of a bar; a pair with a cold strategy skips it.
    pub fn push(&mut self, votes: &[Vote]) {
        let mut at = 0;
        for j in 1..self.n {
            for i in 0..j {
                if votes[i].is_warm() && votes[j].is_warm() {
                    let [rho] = step(&mut self.pairs[at], [votes[i].signal, votes[j].signal]);
                    self.values[at] = if rho.is_nan() { 0.0 } else { rho };
                }
                at += 1;
            }
        }
    }

    /// Correlation of strategies `i` and `j`.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        if i == j {
            return 1.0;
        }
        let (i, j) = (i.min(j), i.max(j));
        self.values[j * (j - 1) / 2 + i]
    }

    /// Mean |ρ| of strategy `k` with the others; 0 if it is alone.
    pub fn mean(&self, k: usize) -> f64 {
        if self.n < 2 {
            return 0.0;
        }
        let sum: f64 = (0..self.n).filter(|&j| j != k).map(|j| self.get(k, j).abs()).sum();
        sum / (self.n - 1) as f64
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.pairs.iter_mut().for_each(Indicator::reset);
        self.values.fill(0.0);
    }
}
