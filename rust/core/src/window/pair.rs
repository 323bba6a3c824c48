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
        let mut suffixes = self.block.clone();
        suffixes.resize(n + rest - head, [0.0; 2]);
        for (start, suffixes) in (head..rest).step_by(n).zip(suffixes[n..].chunks_exact_mut(n)) {
            let block = start..start + n;
            let (x, y) = (&a[block.clone()], &b[block.clone()]);
            let (mut prefix, mut suffix) = ([0.0; 2], [0.0; 2]);
            let rows = x.iter().zip(y).zip(sum_a[block.clone()].iter_mut().zip(&mut sum_b[block]));
            let back = x.iter().zip(y).rev().zip(suffixes.iter_mut().rev());
            for (((x, y), (p, q)), ((x_back, y_back), slot)) in rows.zip(back) {
                prefix = [prefix[0] + x, prefix[1] + y];
                [*p, *q] = prefix;
                suffix = [suffix[0] + x_back, suffix[1] + y_back];
                *slot = suffix;
            }
        }
        for (start, tail) in (head..rest).step_by(n).zip(suffixes.chunks_exact(n)) {
            let block = start..start + n;
            for ((p, q), tail) in sum_a[block.clone()].iter_mut().zip(&mut sum_b[block]).zip(&tail[1..]) {
                *p += tail[0];
                *q += tail[1];
            }
        }
        self.block.copy_from_slice(&suffixes[rest - head..]);
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
