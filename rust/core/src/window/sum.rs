//! Sum and mean of a window.

use serde::{Deserialize, Serialize};

use super::to_boundary;

/// Sum of the last `n` values; NaN until there are `n`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingSum {
    /// Values of the present block from 0 to `at`, suffix sums of the block before from `at` on (NaN where there was none, so
    /// that warming up needs no branch).
    block: Vec<f64>,
    at: usize,
    prefix: f64,
}

impl RollingSum {
    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        Self { block: vec![f64::NAN; n.max(1)], at: 0, prefix: 0.0 }
    }

    /// Adds a value and returns the sum of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        let n = self.block.len();
        self.prefix += x;
        self.block[self.at] = x;
        self.at += 1;
        if self.at < n {
            return self.block[self.at] + self.prefix;
        }
        let sum = self.prefix;
        let mut suffix = 0.0;
        for slot in self.block.iter_mut().rev() {
            suffix += *slot;
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = 0.0;
        sum
    }

    /// Takes several values: the same sums as by [`Self::push`], bit for bit.
    ///
    /// Both chains of additions of a whole block run side by side, and beside those of the next block.
    #[inline(always)]
    pub fn extend(&mut self, xs: &[f64], out: &mut [f64]) {
        let n = self.block.len();
        let (head, rest) = to_boundary(self.at, n, xs.len());
        for (x, y) in xs[..head].iter().zip(&mut *out) {
            *y = self.push(*x);
        }
        self.blocks(&xs[head..rest], &mut out[head..rest]);
        for (x, y) in xs[rest..].iter().zip(&mut out[rest..]) {
            *y = self.push(*x);
        }
    }

    #[inline(always)]
    fn blocks(&mut self, xs: &[f64], out: &mut [f64]) {
        let n = self.block.len();
        let mut suffixes = self.block.clone();
        suffixes.resize(n + xs.len(), 0.0);
        let blocks = xs.chunks_exact(n).zip(out.chunks_exact_mut(n));
        for ((x, y), suffixes) in blocks.zip(suffixes[n..].chunks_exact_mut(n)) {
            let (mut prefix, mut suffix) = (0.0, 0.0);
            for (((x, back), y), slot) in x.iter().zip(x.iter().rev()).zip(y).zip(suffixes.iter_mut().rev()) {
                prefix += x;
                *y = prefix;
                suffix += back;
                *slot = suffix;
            }
        }
        // Only now: a vector of what has just been stored one by one would have to wait for it.
        for (y, tail) in out.chunks_exact_mut(n).zip(suffixes.chunks_exact(n)) {
            for (y, tail) in y.iter_mut().zip(&tail[1..]) {
                *y += tail;
            }
        }
        self.block.copy_from_slice(&suffixes[xs.len()..]);
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.block.fill(f64::NAN);
        self.at = 0;
        self.prefix = 0.0;
    }
}

/// Windows up to this length are summed anew for every value, which costs less than two blocks.
const SHORT: usize = 4;

/// Mean of a window, told from its oldest value.
#[inline(always)]
fn short_mean<const N: usize>(window: [f64; N], inverse: f64) -> f64 {
    let mut sum = window[1] - window[0];
    for k in 2..N {
        sum += window[k] - window[0];
    }
    window[0] + sum * inverse
}

/// Means of all windows of `N` values.
#[inline(always)]
fn short_means<const N: usize>(xs: &[f64], inverse: f64, out: &mut [f64]) {
    for (y, window) in out.iter_mut().zip(xs.windows(N)) {
        if let Some(window) = window.first_chunk::<N>() {
            *y = short_mean(*window, inverse);
        }
    }
}

/// Mean of the last `n` values; NaN until there are `n`.
///
/// Differences from a value inside the window are summed, as in [`RollingMoments`](super::RollingMoments): the mean of equal values is
/// that value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingMean {
    /// Values of the present block, then suffix sums of differences of the block before; the last values where the window is short.
    block: Vec<f64>,
    at: usize,
    shift: f64,
    prefix: f64,
    inverse: f64,
}

impl RollingMean {
    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { block: vec![f64::NAN; n], at: 0, shift: 0.0, prefix: 0.0, inverse: 1.0 / n as f64 }
    }

    /// Adds a value and returns the mean of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        let n = self.block.len();
        if n <= SHORT {
            return self.push_short(x);
        }
        self.prefix += x - self.shift;
        self.block[self.at] = x;
        self.at += 1;
        if self.at < n {
            return self.shift + (self.block[self.at] + self.prefix) * self.inverse;
        }
        let mut suffix = 0.0;
        for slot in self.block.iter_mut().rev() {
            suffix += *slot - x;
            *slot = suffix;
        }
        self.shift = x;
        self.at = 0;
        self.prefix = 0.0;
        x + suffix * self.inverse
    }

    #[inline(always)]
    fn push_short(&mut self, x: f64) -> f64 {
        let n = self.block.len();
        let mut held = [f64::NAN; SHORT];
        held[..n].copy_from_slice(&self.block);
        held.copy_within(1..n, 0);
        held[n - 1] = x;
        self.block.copy_from_slice(&held[..n]);
        match n {
            1 => x,
            2 => short_mean([held[0], held[1]], self.inverse),
            3 => short_mean([held[0], held[1], held[2]], self.inverse),
            _ => short_mean(held, self.inverse),
        }
    }

    /// Takes several values: the same means as by [`Self::push`], bit for bit. See [`RollingSum::extend`].
    #[inline(always)]
    pub fn extend(&mut self, xs: &[f64], out: &mut [f64]) {
        let n = self.block.len();
        if n <= SHORT {
            let (filled, _) = xs.split_at(xs.len().min(n - 1));
            for (x, y) in filled.iter().zip(&mut *out) {
                *y = self.push_short(*x);
            }
            if let Some(last) = xs.len().checked_sub(n).and_then(|at| xs.get(at..)) {
                match n {
                    1 => out.copy_from_slice(xs),
                    2 => short_means::<2>(xs, self.inverse, &mut out[1..]),
                    3 => short_means::<3>(xs, self.inverse, &mut out[2..]),
                    _ => short_means::<SHORT>(xs, self.inverse, &mut out[3..]),
                }
                self.block.copy_from_slice(last);
            }
            return;
        }
        let (head, rest) = to_boundary(self.at, n, xs.len());
        for (x, y) in xs[..head].iter().zip(&mut *out) {
            *y = self.push(*x);
        }
        self.blocks(&xs[head..rest], &mut out[head..rest]);
        for (x, y) in xs[rest..].iter().zip(&mut out[rest..]) {
            *y = self.push(*x);
        }
    }

    #[inline(always)]
    fn blocks(&mut self, xs: &[f64], out: &mut [f64]) {
        let n = self.block.len();
        let inverse = self.inverse;
        let mut suffixes = self.block.clone();
        suffixes.resize(n + xs.len(), 0.0);
        let blocks = xs.chunks_exact(n).zip(out.chunks_exact_mut(n));
        let mut shift = self.shift;
        for ((x, y), suffixes) in blocks.zip(suffixes[n..].chunks_exact_mut(n)) {
            let last = x[n - 1];
            let (mut prefix, mut suffix) = (0.0, 0.0);
            for (((x, back), y), slot) in x.iter().zip(x.iter().rev()).zip(y).zip(suffixes.iter_mut().rev()) {
                prefix += x - shift;
                *y = prefix;
                suffix += back - last;
                *slot = suffix;
            }
            shift = last;
        }
        // Only now: a vector of what has just been stored one by one would have to wait for it.
        let blocks = xs.chunks_exact(n).zip(out.chunks_exact_mut(n));
        for ((x, y), suffixes) in blocks.zip(suffixes.windows(2 * n).step_by(n)) {
            let last = x[n - 1];
            for (y, tail) in y.iter_mut().zip(&suffixes[1..n]) {
                *y = self.shift + (tail + *y) * inverse;
            }
            y[n - 1] = last + suffixes[n] * inverse;
            self.shift = last;
        }
        self.block.copy_from_slice(&suffixes[xs.len()..]);
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.block.fill(f64::NAN);
        self.at = 0;
        self.shift = 0.0;
        self.prefix = 0.0;
    }
}
