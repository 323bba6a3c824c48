//! Plain and position-weighted sum of a window.

use serde::{Deserialize, Serialize};

use super::to_boundary;

/// What a straight line through a window needs: see [`RollingLine::push`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// The value that the two sums are relative to, inside the window.
    pub shift: f64,
    /// `Σ (xₖ − shift)`.
    pub sum: f64,
    /// `Σ k·(xₖ − shift)`, k = 0 for the oldest value.
    pub weighted: f64,
}

/// Plain and position-weighted sum of the last `n` values; NaN until there are `n`.
///
/// Two blocks and a shift inside the window, as in [`RollingMoments`]: WMA and linear regression keep their accuracy at any
/// price level and never drift.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingLine {
    /// (value, –) of the present block, then suffix (Σd, Σk·d) of the one before, k from 0 at the suffix's first value.
    block: Vec<(f64, f64)>,
    at: usize,
    shift: f64,
    prefix: (f64, f64),
    /// `at` as a float.
    head: f64,
    size: f64,
}

impl RollingLine {
    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { block: vec![(f64::NAN, f64::NAN); n], at: 0, shift: 0.0, prefix: (0.0, 0.0), head: 0.0, size: n as f64 }
    }

    /// Adds a value and returns the sums of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> Line {
        let n = self.block.len();
        let d = x - self.shift;
        self.prefix.0 += d;
        self.prefix.1 += self.head * d;
        self.head += 1.0;
        self.block[self.at].0 = x;
        self.at += 1;
        if self.at < n {
            let (sum, weighted) = self.block[self.at];
            let tail = self.size - self.head;
            return Line {
                shift: self.shift,
                sum: sum + self.prefix.0,
                weighted: weighted + (tail * self.prefix.0 + self.prefix.1),
            };
        }
        self.shift = x;
        let (mut sum, mut weighted) = (0.0, 0.0);
        for slot in self.block.iter_mut().rev() {
            weighted += sum;
            sum += slot.0 - x;
            *slot = (sum, weighted);
        }
        self.at = 0;
        self.head = 0.0;
        self.prefix = (0.0, 0.0);
        Line { shift: x, sum, weighted }
    }

    /// Takes several values: the same plain and weighted sums as by [`Self::push`], bit for bit; the values that they are relative
    /// to are not written.
    #[inline(always)]
    pub fn extend(&mut self, xs: &[f64], sum: &mut [f64], weighted: &mut [f64]) {
        let n = self.block.len();
        let len = xs.len();
        let (sum, weighted) = (&mut sum[..len], &mut weighted[..len]);
        let (head, rest) = to_boundary(self.at, n, len);
        for i in 0..head {
            Line { sum: sum[i], weighted: weighted[i], .. } = self.push(xs[i]);
        }
        let mut suffixes = self.block.clone();
        suffixes.resize(n + rest - head, (0.0, 0.0));
        // How many of the block before are still in the window, after each row of a block.
        let left: Vec<f64> = (1..n).rev().map(|k| k as f64).collect();
        for (start, suffixes) in (head..rest).step_by(n).zip(suffixes[n..].chunks_exact_mut(n)) {
            let block = start..start + n;
            let x = &xs[block.clone()];
            let (shift, last) = (self.shift, x[n - 1]);
            let (mut prefix, mut suffix, mut at) = ((0.0, 0.0), (0.0, 0.0), 0.0);
            let rows = x.iter().zip(sum[block.clone()].iter_mut().zip(&mut weighted[block]));
            let back = x.iter().rev().zip(suffixes.iter_mut().rev());
            for ((x, (s, w)), (x_back, slot)) in rows.zip(back) {
                let d = x - shift;
                prefix.0 += d;
                prefix.1 += at * d;
                at += 1.0;
                (*s, *w) = prefix;
                suffix.1 += suffix.0;
                suffix.0 += x_back - last;
                *slot = suffix;
            }
            self.shift = last;
        }
        // Only now: a vector of what has just been stored one by one would have to wait for it.
        for (start, suffixes) in (head..rest).step_by(n).zip(suffixes.windows(2 * n).step_by(n)) {
            let block = start..start + n;
            let (s, w) = (&mut sum[block.clone()], &mut weighted[block]);
            for (((s, w), tail), left) in s.iter_mut().zip(&mut *w).zip(&suffixes[1..n]).zip(&left) {
                *w = tail.1 + (left * *s + *w);
                *s += tail.0;
            }
            (s[n - 1], w[n - 1]) = suffixes[n];
        }
        self.block.copy_from_slice(&suffixes[rest - head..]);
        for i in rest..len {
            Line { sum: sum[i], weighted: weighted[i], .. } = self.push(xs[i]);
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
