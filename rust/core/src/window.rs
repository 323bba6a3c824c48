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

/// The larger of two values, the second where they cannot be compared: one instruction, and NaN passes from `b`.
#[inline(always)]
pub fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two values, the second where they cannot be compared: one instruction, and NaN passes from `b`.
#[inline(always)]
pub fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Reduces a slice in eight independent chains, which the processor runs side by side; a sum is always added up in the same order.
#[inline(always)]
pub fn chains(values: &[f64], start: f64, reduce: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [start; 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane = reduce(*lane, v);
        }
    }
    rest.iter().chain(&lanes).fold(start, |a, &b| reduce(a, b))
}

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

/// Largest (`MAX`) or smallest of the last `n` values; NaN until there are `n`.
///
/// The two-block scheme of van Herk and of Gil and Werman: about three comparisons a value, whatever `n` is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingExtreme<const MAX: bool> {
    /// As in [`RollingSum`], with suffix extremes.
    block: Vec<f64>,
    at: usize,
    prefix: f64,
}

/// Largest of the last `n` values.
pub type RollingMax = RollingExtreme<true>;
/// Smallest of the last `n` values.
pub type RollingMin = RollingExtreme<false>;

impl<const MAX: bool> RollingExtreme<MAX> {
    const WORST: f64 = if MAX { f64::NEG_INFINITY } else { f64::INFINITY };

    #[inline(always)]
    fn better(a: f64, b: f64) -> f64 {
        if MAX { larger(a, b) } else { smaller(a, b) }
    }

    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        Self { block: vec![f64::NAN; n.max(1)], at: 0, prefix: Self::WORST }
    }

    /// Adds a value and returns the extreme of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        let n = self.block.len();
        self.prefix = Self::better(self.prefix, x);
        self.block[self.at] = x;
        self.at += 1;
        if self.at < n {
            return Self::better(self.prefix, self.block[self.at]);
        }
        let extreme = self.prefix;
        let mut suffix = Self::WORST;
        for slot in self.block.iter_mut().rev() {
            suffix = Self::better(suffix, *slot);
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = Self::WORST;
        extreme
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.block.fill(f64::NAN);
        self.at = 0;
        self.prefix = Self::WORST;
    }
}

/// Bars since the extreme of the last `n` values (0: it is the newest), the latest of equals; NaN until there are `n`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingAge<const MAX: bool> {
    /// (value, –) of the present block, then (suffix extreme, its distance from the block's end) of the one before.
    block: Vec<(f64, f64)>,
    at: usize,
    prefix: f64,
    prefix_at: usize,
}

/// Bars since the largest of the last `n` values.
pub type BarsSinceMax = RollingAge<true>;
/// Bars since the smallest of the last `n` values.
pub type BarsSinceMin = RollingAge<false>;

impl<const MAX: bool> RollingAge<MAX> {
    const WORST: f64 = if MAX { f64::NEG_INFINITY } else { f64::INFINITY };

    #[inline(always)]
    fn reaches(a: f64, b: f64) -> bool {
        if MAX { a >= b } else { a <= b }
    }

    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        Self { block: vec![(f64::NAN, f64::NAN); n.max(1)], at: 0, prefix: Self::WORST, prefix_at: 0 }
    }

    /// Adds a value and returns how many bars ago the extreme of the window was.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        let n = self.block.len();
        if Self::reaches(x, self.prefix) {
            self.prefix = x;
            self.prefix_at = self.at;
        }
        self.block[self.at].0 = x;
        self.at += 1;
        let age = (self.at - 1 - self.prefix_at) as f64;
        if self.at < n {
            let (extreme, from_end) = self.block[self.at];
            return if Self::reaches(self.prefix, extreme) { age } else { self.at as f64 + from_end };
        }
        let (mut suffix, mut suffix_age) = (Self::WORST, 0.0);
        for (k, slot) in self.block.iter_mut().rev().enumerate() {
            if !Self::reaches(suffix, slot.0) {
                suffix = slot.0;
                suffix_age = k as f64;
            }
            *slot = (suffix, suffix_age);
        }
        self.at = 0;
        self.prefix = Self::WORST;
        self.prefix_at = 0;
        age
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.block.fill((f64::NAN, f64::NAN));
        self.at = 0;
        self.prefix = Self::WORST;
        self.prefix_at = 0;
    }
}

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
    size: f64,
    inverse: f64,
}

impl RollingMoments {
    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        let size = n as f64;
        Self { block: vec![(f64::NAN, f64::NAN); n], at: 0, shift: 0.0, prefix: (0.0, 0.0), size, inverse: 1.0 / size }
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
        let mean = sum * self.inverse;
        Spread { mean: self.shift + sum / self.size, variance: larger(0.0, (square - sum * mean) * self.inverse) }
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

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new(self.block.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn windows(xs: &[f64], n: usize) -> impl Iterator<Item = Option<&[f64]>> {
        (0..xs.len()).map(move |i| (i + 1).checked_sub(n).map(|start| &xs[start..=i]))
    }

    fn close(a: f64, b: f64, scale: f64) -> bool {
        (a - b).abs() <= 1e-12 * scale.abs().max(1.0)
    }

    proptest! {
        #[test]
        fn every_window_equals_its_definition(
            xs in prop::collection::vec(-1e3..1e3_f64, 0..120),
            n in 1_usize..20,
        ) {
            let (mut sum, mut max, mut min) = (RollingSum::new(n), RollingMax::new(n), RollingMin::new(n));
            let (mut since_max, mut since_min) = (BarsSinceMax::new(n), BarsSinceMin::new(n));
            let (mut moments, mut line) = (RollingMoments::new(n), RollingLine::new(n));
            for (&x, window) in xs.iter().zip(windows(&xs, n)) {
                let got = (sum.push(x), max.push(x), min.push(x), since_max.push(x), since_min.push(x));
                let (spread, l) = (moments.push(x), line.push(x));
                let Some(w) = window else {
                    for v in [got.0, got.1, got.2, got.3, got.4, spread.mean, spread.variance, l.sum, l.weighted] {
                        prop_assert!(v.is_nan());
                    }
                    continue;
                };
                let total: f64 = w.iter().sum();
                let mean = total / n as f64;
                let variance = w.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
                let weighted: f64 = w.iter().enumerate().map(|(k, v)| k as f64 * v).sum();
                let positions = (n * (n - 1) / 2) as f64;
                prop_assert!(close(got.0, total, 1e4));
                let highest = w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let lowest = w.iter().copied().fold(f64::INFINITY, f64::min);
                prop_assert_eq!(got.1, highest);
                prop_assert_eq!(got.2, lowest);
                prop_assert_eq!(got.3 as usize, w.iter().rev().position(|&v| v == highest).unwrap());
                prop_assert_eq!(got.4 as usize, w.iter().rev().position(|&v| v == lowest).unwrap());
                prop_assert!(close(spread.mean, mean, 1e4));
                prop_assert!(close(spread.variance, variance, 1e7));
                prop_assert!(close(l.shift * n as f64 + l.sum, total, 1e5));
                prop_assert!(close(l.shift * positions + l.weighted, weighted, 1e6));
            }
        }

        #[test]
        fn the_latest_of_equals_counts(xs in prop::collection::vec(0_u8..3, 1..60), n in 1_usize..8) {
            let xs: Vec<f64> = xs.into_iter().map(f64::from).collect();
            let mut age = BarsSinceMax::new(n);
            for (&x, window) in xs.iter().zip(windows(&xs, n)) {
                let got = age.push(x);
                if let Some(w) = window {
                    let highest = w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    prop_assert_eq!(got as usize, w.iter().rev().position(|&v| v == highest).unwrap());
                }
            }
        }
    }

    #[test]
    fn variance_far_from_zero_is_exact() {
        // Multiples of 2^-20 around 60,000: every difference is exact, so the definition in integers is the truth.
        let steps: Vec<i64> = (0..500).map(|i: i64| (i * 7919) % 101 - 50).collect();
        let n = 20;
        let mut moments = RollingMoments::new(n);
        for (i, &s) in steps.iter().enumerate() {
            let got = moments.push(60_000.0 + s as f64 / 1_048_576.0);
            if i + 1 >= n {
                let w = &steps[i + 1 - n..=i];
                let (sum, square) = (w.iter().sum::<i64>(), w.iter().map(|v| v * v).sum::<i64>());
                let truth = (n as i64 * square - sum * sum) as f64 / (n * n) as f64 / 1_048_576.0_f64.powi(2);
                assert!((got.variance / truth - 1.0).abs() < 1e-12, "{} {truth}", got.variance);
            }
        }
    }

    #[test]
    fn a_huge_value_leaves_no_trace() {
        let (mut sum, mut moments, mut line) = (RollingSum::new(5), RollingMoments::new(5), RollingLine::new(5));
        for x in [1.0, 1e300, 2.0] {
            sum.push(x);
            moments.push(x);
            line.push(x);
        }
        let mut last = (0.0, Spread { mean: 0.0, variance: 0.0 }, Line { shift: 0.0, sum: 0.0, weighted: 0.0 });
        for _ in 0..5 {
            last = (sum.push(3.0), moments.push(3.0), line.push(3.0));
        }
        assert_eq!(last.0, 15.0);
        assert_eq!(last.1, Spread { mean: 3.0, variance: 0.0 });
        assert_eq!(last.2, Line { shift: 3.0, sum: 0.0, weighted: 0.0 });
    }

    #[test]
    fn reset_forgets() {
        let mut max = RollingMax::new(2);
        let mut age = BarsSinceMin::new(2);
        max.push(5.0);
        max.push(6.0);
        age.push(5.0);
        age.push(6.0);
        max.reset();
        age.reset();
        assert!(max.push(1.0).is_nan() && age.push(1.0).is_nan());
        assert_eq!((max.push(0.5), age.push(2.0)), (1.0, 1.0));
    }

    #[test]
    fn ring_holds_the_newest() {
        let mut ring = Ring::new(3);
        assert!(ring.is_empty());
        for x in [1.0, 2.0, 3.0] {
            assert!(ring.push(x).is_nan());
        }
        assert_eq!(ring.push(4.0), 1.0);
        assert_eq!((ring.get(0), ring.back(0), ring.len(), ring.capacity()), (2.0, 4.0, 3, 3));
        assert_eq!(ring.iter().collect::<Vec<_>>(), [2.0, 3.0, 4.0]);
        ring.reset();
        assert!(ring.is_empty() && !ring.is_full());
    }
}
