//! Least-squares line through a window against bar number 0, 1, 2 …: what the linear-regression indicators share.

use serde::{Deserialize, Serialize};

use crate::indicators::TILE;
use crate::window::RollingLine;

/// A straight line through the window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Straight {
    /// Change per bar.
    pub(super) slope: f64,
    /// Value in the middle of the window, which is the window's mean.
    pub(super) mean: f64,
}

/// Fits a line to the last `n ≥ 2` values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LineFit {
    line: RollingLine,
    size: f64,
    middle: f64,
    /// `1 / Σ (k − middle)²`.
    spread: f64,
}

impl LineFit {
    pub(super) fn new(period: usize) -> Self {
        let n = period as f64;
        Self { line: RollingLine::new(period), size: n, middle: (n - 1.0) / 2.0, spread: 12.0 / (n * (n * n - 1.0)) }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, x: f64) -> Straight {
        let line = self.line.push(x);
        Straight { slope: self.slope(line.sum, line.weighted), mean: line.shift + line.sum / self.size }
    }

    #[inline(always)]
    fn slope(&self, sum: f64, weighted: f64) -> f64 {
        (weighted - self.middle * sum) * self.spread
    }

    /// Takes at most [`TILE`] values: the slopes that [`Self::push`] gives, bit for bit.
    #[inline(always)]
    pub(super) fn slopes(&mut self, xs: &[f64], out: &mut [f64]) {
        let mut weighted = [0.0; TILE];
        self.line.extend(xs, out, &mut weighted);
        for (y, weighted) in out.iter_mut().zip(&weighted) {
            *y = self.slope(*y, *weighted);
        }
    }

    /// Distance of the window's ends from its middle, in bars.
    #[inline(always)]
    pub(super) fn middle(&self) -> f64 {
        self.middle
    }

    /// `Σ (k − middle)² / n`: variance of the bar numbers.
    pub(super) fn position_variance(&self) -> f64 {
        (self.size * self.size - 1.0) / 12.0
    }

    pub(super) fn period(&self) -> usize {
        self.line.period()
    }

    pub(super) fn reset(&mut self) {
        self.line.reset();
    }
}
