//! Mean and variance of a window.

use serde::{Deserialize, Serialize};

use super::{larger, to_boundary};

/// Mean and population variance of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Arithmetic mean.
    pub mean: f64,
    /// `Σ (x − mean)² / n`, never negative, exactly 0 where all values are equal.
    pub variance: f64,
}

impl Spread {
    /// Population standard deviation.
    #[inline(always)]
    pub fn deviation(self) -> f64 {
        self.variance.sqrt()
    }
}

/// Mean and variance of the last `n` values; NaN until there are `n`.
///
/// Both blocks sum differences from the last value of the block before. That value is inside the window whenever it is used, so
/// `(mean − shift)² ≤ n · variance`: the subtraction in `Σd² − (Σd)²/n` loses at most a factor `n`, however far the values are
/// from zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingMoments {
    /// (value, –) of the present block, then suffix (Σd, Σd²) of the one before.
    block: Vec<(f64, f64)>,
    at: usize,
    shift: f64,
    prefix: (f64, f64),
    inverse: f64,
}

/// Mean and variance from sums of differences from `shift`.
#[inline(always)]
fn spread(shift: f64, sum: f64, square: f64, inverse: f64) -> (f64, f64) {
    let mean = sum * inverse;
    (shift + mean, larger(0.0, (square - sum * mean) * inverse))
}

impl RollingMoments {
    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { block: vec![(f64::NAN, f64::NAN); n], at: 0, shift: 0.0, prefix: (0.0, 0.0), inverse: 1.0 / n as f64 }
    }

    /// Adds a value and returns mean and variance of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> Spread {
        let n = self.block.len();
        let d = x - self.shift;
        self.prefix.0 += d;
        self.prefix.1 += d * d;
        self.block[self.at].0 = x;
        self.at += 1;
        if self.at < n {
            let (sum, square) = self.block[self.at];
            return self.spread(sum + self.prefix.0, square + self.prefix.1);
        }
        self.shift = x;
        let (mut sum, mut square) = (0.0, 0.0);
        for slot in self.block.iter_mut().rev() {
            let d = slot.0 - x;
            sum += d;
            square += d * d;
            *slot = (sum, square);
        }
        self.at = 0;
        self.prefix = (0.0, 0.0);
        self.spread(sum, square)
    }

    #[inline(always)]
    fn spread(&self, sum: f64, square: f64) -> Spread {
        let (mean, variance) = spread(self.shift, sum, square, self.inverse);
        Spread { mean, variance }
    }

    /// Takes several values: the same means and variances as by [`Self::push`], bit for bit.
    #[inline(always)]
    pub fn extend(&mut self, xs: &[f64], mean: &mut [f64], variance: &mut [f64]) {
        let n = self.block.len();
        let len = xs.len();
        let (mean, variance) = (&mut mean[..len], &mut variance[..len]);
        let (head, rest) = to_boundary(self.at, n, len);
        for i in 0..head {
            Spread { mean: mean[i], variance: variance[i] } = self.push(xs[i]);
        }
        let inverse = self.inverse;
        let mut suffixes = self.block.clone();
        suffixes.resize(n + rest - head, (0.0, 0.0));
        let mut shift = self.shift;
        for (start, suffixes) in (head..rest).step_by(n).zip(suffixes[n..].chunks_exact_mut(n)) {
            let block = start..start + n;
            let x = &xs[block.clone()];
            let last = x[n - 1];
            let (mut prefix, mut suffix) = ((0.0, 0.0), (0.0, 0.0));
            let rows = x.iter().zip(mean[block.clone()].iter_mut().zip(&mut variance[block]));
            let back = x.iter().rev().zip(suffixes.iter_mut().rev());
            for ((x, (m, v)), (x_back, slot)) in rows.zip(back) {
                let d = x - shift;
                prefix.0 += d;
                prefix.1 += d * d;
                (*m, *v) = prefix;
                let d = x_back - last;
                suffix.0 += d;
                suffix.1 += d * d;
                *slot = suffix;
            }
            shift = last;
        }
        // Only now: a vector of what has just been stored one by one would have to wait for it.
        for (start, suffixes) in (head..rest).step_by(n).zip(suffixes.windows(2 * n).step_by(n)) {
            let block = start..start + n;
            let last = xs[start + n - 1];
            let (m, v) = (&mut mean[block.clone()], &mut variance[block]);
            for ((m, v), tail) in m.iter_mut().zip(&mut *v).zip(&suffixes[1..n]) {
                (*m, *v) = spread(self.shift, tail.0 + *m, tail.1 + *v, inverse);
            }
            let whole = suffixes[n];
            (m[n - 1], v[n - 1]) = spread(last, whole.0, whole.1, inverse);
            self.shift = last;
        }
        self.block.copy_from_slice(&suffixes[rest - head..]);
        for i in rest..len {
            Spread { mean: mean[i], variance: variance[i] } = self.push(xs[i]);
        }
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new(self.block.len());
    }
}
