//! Windows over the last `n` values in constant time and without drift.
//!
//! Sums and extremes are kept as *two blocks*: the window is the tail of the block before (whose suffix results were made once,
//! when that block was full) and the head of the present one (a running prefix). Nothing is ever subtracted, so an error cannot
//! build up: it stays that of adding `n` numbers, however long the series, and a huge value leaves no trace once it has left.

use serde::{Deserialize, Serialize};

/// The last `n` values, oldest first by [`Ring::get`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ring {
    values: Vec<f64>,
    at: usize,
    seen: usize,
}

impl Ring {
    /// Room for `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        Self { values: vec![0.0; n.max(1)], at: 0, seen: 0 }
    }

    /// Adds a value; returns the one that left, NaN while filling.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        let n = self.values.len();
        let slot = &mut self.values[self.at];
        let old = std::mem::replace(slot, x);
        self.at += 1;
        if self.at == n {
            self.at = 0;
        }
        if self.seen < n {
            self.seen += 1;
            return f64::NAN;
        }
        old
    }

    /// Value `k` places after the oldest one held.
    #[inline(always)]
    pub fn get(&self, k: usize) -> f64 {
        let n = self.values.len();
        let start = if self.seen < n { 0 } else { self.at };
        let i = start + k;
        self.values[if i >= n { i - n } else { i }]
    }

    /// Value `k` bars before the newest one (0: the newest).
    #[inline(always)]
    pub fn back(&self, k: usize) -> f64 {
        self.get(self.seen - 1 - k)
    }

    /// Number of values held.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.seen
    }

    /// Nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.seen == 0
    }

    /// All `n` places are taken.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.seen == self.values.len()
    }

    /// Room.
    pub fn capacity(&self) -> usize {
        self.values.len()
    }

    /// Oldest to newest, as two runs.
    pub fn runs(&self) -> (&[f64], &[f64]) {
        if self.is_full() {
            (&self.values[self.at..], &self.values[..self.at])
        } else {
            (&self.values[..self.seen], &[])
        }
    }

    /// Oldest to newest.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        let (a, b) = self.runs();
        a.iter().chain(b).copied()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.at = 0;
        self.seen = 0;
    }
}

/// Sum of the last `n` values; NaN until there are `n`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingSum {
    /// Values of the present block from 0 to `at`, suffix sums of the block before from `at` on.
    block: Vec<f64>,
    at: usize,
    prefix: f64,
    warm: bool,
}

impl RollingSum {
    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        Self { block: vec![0.0; n.max(1)], at: 0, prefix: 0.0, warm: false }
    }

    /// Adds a value and returns the sum of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        let n = self.block.len();
        self.prefix += x;
        self.block[self.at] = x;
        self.at += 1;
        if self.at < n {
            return if self.warm { self.block[self.at] + self.prefix } else { f64::NAN };
        }
        let sum = self.prefix;
        let mut suffix = 0.0;
        for slot in self.block.iter_mut().rev() {
            suffix += *slot;
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = 0.0;
        self.warm = true;
        sum
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.at = 0;
        self.prefix = 0.0;
        self.warm = false;
    }
}
