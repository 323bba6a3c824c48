//! Highest and lowest of a window together.

use serde::{Deserialize, Serialize};

use super::{larger, pick, sliding, sliding_age};

/// From how many windows on the vector form pays for taking up the state after it.
const WORTH: usize = 4;

/// Largest of one series and smallest of another over the last `n` rows; NaN until there are `n`.
///
/// The second series is kept with its sign changed, so that both sides are maxima and go through the same operations.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingRange {
    /// As in [`RollingExtreme`](super::RollingExtreme), pairwise: (value, −value).
    block: Vec<[f64; 2]>,
    at: usize,
    prefix: [f64; 2],
}

const LOWEST: [f64; 2] = [f64::NEG_INFINITY; 2];

/// The larger of each; NaN passes from `b`.
#[inline(always)]
fn upper(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [larger(a[0], b[0]), larger(a[1], b[1])]
}

/// The pair as (highest, lowest), zeros without a sign: which of two zeros an extreme is depends on the order of comparing.
#[inline(always)]
fn unsigned(both: [f64; 2]) -> (f64, f64) {
    (both[0] + 0.0, 0.0 - both[1])
}

impl RollingRange {
    /// A window of `n ≥ 1` rows.
    pub fn new(n: usize) -> Self {
        Self { block: vec![[f64::NAN; 2]; n.max(1)], at: 0, prefix: LOWEST }
    }

    /// Adds a row; returns the largest `high` and the smallest `low` of the window.
    #[inline(always)]
    pub fn push(&mut self, high: f64, low: f64) -> (f64, f64) {
        let n = self.block.len();
        let x = [high, -low];
        let prefix = upper(self.prefix, x);
        self.prefix = prefix;
        self.block[self.at] = x;
        self.at += 1;
        if self.at < n {
            let both = upper(prefix, self.block[self.at]);
            return unsigned(both);
        }
        let mut suffix = LOWEST;
        for slot in self.block.iter_mut().rev() {
            suffix = upper(suffix, *slot);
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = LOWEST;
        unsigned(prefix)
    }

    /// Takes several rows: the same extremes as by [`Self::push`], bit for bit.
    #[inline(always)]
    pub fn extend(&mut self, high: &[f64], low: &[f64], highest: &mut [f64], lowest: &mut [f64]) {
        let (n, len, at) = (self.block.len(), high.len(), self.at);
        let head = if len < WORTH * n { len } else { n - 1 };
        for i in 0..head {
            (highest[i], lowest[i]) = self.push(high[i], low[i]);
        }
        if head < len {
            sliding::<true, 1>(high, [n], &mut [&mut highest[head..len]]);
            sliding::<false, 1>(low, [n], &mut [&mut lowest[head..len]]);
            self.skip_to(at, high, low);
        }
    }

    /// Takes up the state of one that began at place `at` and has been given these rows, at least two windows of them.
    #[inline(always)]
    pub(crate) fn skip_to(&mut self, at: usize, high: &[f64], low: &[f64]) {
        let (n, len) = (self.block.len(), high.len());
        // From the last boundary but one on, a block is made anew whatever there was before.
        let from = len - (at + len) % n - n;
        self.at = 0;
        self.prefix = LOWEST;
        for i in from..len {
            self.push(high[i], low[i]);
        }
    }

    /// Place in the present block.
    #[inline(always)]
    pub(crate) fn at(&self) -> usize {
        self.at
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

/// Bars since the largest of one series and since the smallest of another over the last `n` rows (0: it is the newest), the
/// latest of equals; NaN until there are `n`.
///
/// Where the extreme lies is as good as random, so every choice is made without a branch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RangeAge {
    /// ((value, −value), –) of the present block, then (suffix maxima, their distances from the block's end) of the one before.
    block: Vec<([f64; 2], [f64; 2])>,
    at: usize,
    /// `at` as a float.
    head: f64,
    prefix: [f64; 2],
    prefix_at: [f64; 2],
}

impl RangeAge {
    /// A window of `n ≥ 1` rows.
    pub fn new(n: usize) -> Self {
        let none = [f64::NAN; 2];
        Self { block: vec![(none, none); n.max(1)], at: 0, head: 0.0, prefix: LOWEST, prefix_at: [0.0; 2] }
    }

    /// Adds a row; returns how many rows ago the largest `high` and the smallest `low` of the window were.
    #[inline(always)]
    pub fn push(&mut self, high: f64, low: f64) -> (f64, f64) {
        let n = self.block.len();
        let x = [high, -low];
        let at = self.head;
        for k in 0..2 {
            self.prefix_at[k] = pick(x[k] >= self.prefix[k], at, self.prefix_at[k]);
            self.prefix[k] = larger(x[k], self.prefix[k]);
        }
        self.block[self.at].0 = x;
        self.at += 1;
        self.head += 1.0;
        let age = [at - self.prefix_at[0], at - self.prefix_at[1]];
        if self.at < n {
            let (best, from_end) = self.block[self.at];
            let choose = |k: usize| pick(self.prefix[k] >= best[k], age[k], self.head + from_end[k]);
            return (choose(0), choose(1));
        }
        let (mut suffix, mut from_end, mut distance) = (LOWEST, [0.0; 2], 0.0);
        for slot in self.block.iter_mut().rev() {
            for k in 0..2 {
                from_end[k] = pick(slot.0[k] > suffix[k], distance, from_end[k]);
                suffix[k] = larger(slot.0[k], suffix[k]);
            }
            *slot = (suffix, from_end);
            distance += 1.0;
        }
        self.at = 0;
        self.head = 0.0;
        self.prefix = LOWEST;
        self.prefix_at = [0.0; 2];
        (age[0], age[1])
    }

    /// Takes several rows: the same ages as by [`Self::push`].
    #[inline(always)]
    pub fn extend(&mut self, high: &[f64], low: &[f64], since_high: &mut [f64], since_low: &mut [f64]) {
        let (n, len, at) = (self.block.len(), high.len(), self.at);
        let head = if len < WORTH * n { len } else { n - 1 };
        for i in 0..head {
            (since_high[i], since_low[i]) = self.push(high[i], low[i]);
        }
        if head < len {
            sliding_age::<true>(high, n, &mut since_high[head..len]);
            sliding_age::<false>(low, n, &mut since_low[head..len]);
            let from = len - (at + len) % n - n;
            self.at = 0;
            self.head = 0.0;
            self.prefix = LOWEST;
            self.prefix_at = [0.0; 2];
            for i in from..len {
                self.push(high[i], low[i]);
            }
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
