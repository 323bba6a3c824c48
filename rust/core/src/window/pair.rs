//! Windows over two series at once: the same two-block scheme with both series side by side, which costs little more than one.

use serde::{Deserialize, Serialize};

use super::to_boundary;

/// Sums of the last `n` values of two series; NaN until there are `n`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingSums {
    /// As in [`RollingSum`](super::RollingSum), pairwise.
    block: Vec<[f64; 2]>,
    at: usize,
    prefix: [f64; 2],
}

impl RollingSums {
    /// A window of `n ≥ 1` pairs.
    pub fn new(n: usize) -> Self {
        Self { block: vec![[f64::NAN; 2]; n.max(1)], at: 0, prefix: [0.0; 2] }
    }

    /// Adds a pair and returns both sums of the window.
    #[inline(always)]
    pub fn push(&mut self, x: [f64; 2]) -> [f64; 2] {
        let n = self.block.len();
        let sum = [self.prefix[0] + x[0], self.prefix[1] + x[1]];
        self.prefix = sum;
        self.block[self.at] = x;
        self.at += 1;
        if self.at < n {
            let tail = self.block[self.at];
            return [tail[0] + sum[0], tail[1] + sum[1]];
        }
        let mut suffix = [0.0; 2];
        for slot in self.block.iter_mut().rev() {
            suffix = [suffix[0] + slot[0], suffix[1] + slot[1]];
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = [0.0; 2];
        sum
    }

    /// Takes several pairs: the same sums as by [`Self::push`], bit for bit.
    #[inline(always)]
    pub fn extend(&mut self, xs: [&[f64]; 2], out: [&mut [f64]; 2]) {
        let n = self.block.len();
        let [a, b] = xs;
        let [sum_a, sum_b] = out;
        let len = a.len();
        let (b, sum_a, sum_b) = (&b[..len], &mut sum_a[..len], &mut sum_b[..len]);
        let (head, rest) = to_boundary(self.at, n, len);
        for i in 0..head {
            [sum_a[i], sum_b[i]] = self.push([a[i], b[i]]);
        }
        let mut next = vec![[0.0; 2]; n];
        for start in (head..rest).step_by(n) {
            let (x, y) = (&a[start..start + n], &b[start..start + n]);
            let (p, q) = (&mut sum_a[start..start + n], &mut sum_b[start..start + n]);
            let (tail, next) = (&mut self.block[..n], &mut next[..n]);
            let (mut prefix, mut suffix) = ([0.0; 2], [0.0; 2]);
            for j in 0..n {
                prefix = [prefix[0] + x[j], prefix[1] + y[j]];
                [p[j], q[j]] = prefix;
                suffix = [suffix[0] + x[n - 1 - j], suffix[1] + y[n - 1 - j]];
                next[n - 1 - j] = suffix;
            }
            for j in 0..n - 1 {
                p[j] += tail[j + 1][0];
                q[j] += tail[j + 1][1];
            }
            tail.copy_from_slice(next);
        }
        for i in rest..len {
            [sum_a[i], sum_b[i]] = self.push([a[i], b[i]]);
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
