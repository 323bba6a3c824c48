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
        let mut next = vec![(0.0, 0.0); n];
        for start in (head..rest).step_by(n) {
            let x = &xs[start..start + n];
            let (s, w) = (&mut sum[start..start + n], &mut weighted[start..start + n]);
            let (tail, next) = (&mut self.block[..n], &mut next[..n]);
            let (shift, last) = (self.shift, x[n - 1]);
            let (mut prefix, mut suffix, mut at) = ((0.0, 0.0), (0.0, 0.0), 0.0);
            for j in 0..n {
                let d = x[j] - shift;
                prefix.0 += d;
                prefix.1 += at * d;
                at += 1.0;
                (s[j], w[j]) = prefix;
                suffix.1 += suffix.0;
                suffix.0 += x[n - 1 - j] - last;
                next[n - 1 - j] = suffix;
            }
            let mut left = self.size;
            for j in 0..n - 1 {
                left -= 1.0;
                w[j] = tail[j + 1].1 + (left * s[j] + w[j]);
                s[j] += tail[j + 1].0;
            }
            (s[n - 1], w[n - 1]) = suffix;
            tail.copy_from_slice(next);
            self.shift = last;
        }
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
