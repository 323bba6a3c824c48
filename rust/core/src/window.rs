//! Windows over the last `n` values in constant time and without drift.
//!
//! Sums and extremes are kept as *two blocks*: the window is the tail of the block before (whose suffix results were made once,
//! when that block was full) and the head of the present one (a running prefix). Nothing is ever subtracted, so an error cannot
//! build up: it stays that of adding `n` numbers, however long the series, and a huge value leaves no trace once it has left.

use serde::{Deserialize, Serialize};

mod pair;

pub use pair::{RangeAge, RollingRange, RollingSums};

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

/// `x` where the condition holds, else 0, without a branch: for conditions as good as random.
#[inline(always)]
pub fn keep_if(condition: bool, x: f64) -> f64 {
    f64::from_bits(x.to_bits() & u64::from(condition).wrapping_neg())
}

/// `a` where the condition holds, else `b`, without a branch.
#[inline(always)]
pub fn pick(condition: bool, a: f64, b: f64) -> f64 {
    let mask = u64::from(condition).wrapping_neg();
    f64::from_bits((a.to_bits() & mask) | (b.to_bits() & !mask))
}

/// The values of `n` rows ago, of one or more series side by side; NaN until there are some.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delay {
    values: Vec<f64>,
    at: usize,
}

impl Delay {
    /// `series ≥ 1` values a row, `n ≥ 1` rows.
    pub fn new(n: usize, series: usize) -> Self {
        Self { values: vec![f64::NAN; n.max(1) * series.max(1)], at: 0 }
    }

    /// Takes a row of as many values as there are series; returns the row of `n` rows ago.
    #[inline(always)]
    pub fn push<const K: usize>(&mut self, row: [f64; K]) -> [f64; K] {
        let Some(slot) = self.values.get_mut(self.at..self.at + K) else { return [f64::NAN; K] };
        let past = std::array::from_fn(|k| std::mem::replace(&mut slot[k], row[k]));
        self.at += K;
        if self.at >= self.values.len() {
            self.at = 0;
        }
        past
    }

    /// Values held: rows times series.
    pub fn capacity(&self) -> usize {
        self.values.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.values.fill(f64::NAN);
        self.at = 0;
    }
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

/// Mean of the last `n` values; NaN until there are `n`.
///
/// Differences from a value inside the window are summed, as in [`RollingMoments`]: the mean of equal values is that value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingMean {
    /// Values of the present block, then suffix sums of differences of the block before.
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
        let mean = sum * self.inverse;
        Spread { mean: self.shift + mean, variance: larger(0.0, (square - sum * mean) * self.inverse) }
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
            let mut mean_only = RollingMean::new(n);
            let (mut moments, mut line) = (RollingMoments::new(n), RollingLine::new(n));
            for (&x, window) in xs.iter().zip(windows(&xs, n)) {
                let got = (sum.push(x), max.push(x), min.push(x), mean_only.push(x));
                let (spread, l) = (moments.push(x), line.push(x));
                let Some(w) = window else {
                    for v in [got.0, got.1, got.2, got.3, spread.mean, spread.variance, l.sum, l.weighted] {
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
                prop_assert!(close(got.3, mean, 1e4));
                prop_assert!(close(spread.mean, mean, 1e4));
                prop_assert!(close(spread.variance, variance, 1e7));
                prop_assert!(close(l.shift * n as f64 + l.sum, total, 1e5));
                prop_assert!(close(l.shift * positions + l.weighted, weighted, 1e6));
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
        let (mut max, mut mean, mut delay) = (RollingMax::new(2), RollingMean::new(2), Delay::new(2, 1));
        for x in [5.0, 6.0, 7.0] {
            max.push(x);
            mean.push(x);
            delay.push([x]);
        }
        max.reset();
        mean.reset();
        delay.reset();
        assert!(max.push(1.0).is_nan() && mean.push(1.0).is_nan() && delay.push([1.0])[0].is_nan());
        assert_eq!((max.push(0.5), mean.push(2.0)), (1.0, 1.5));
    }

    #[test]
    fn the_mean_of_equal_values_is_that_value() {
        for n in 1..60 {
            let mut mean = RollingMean::new(n);
            for i in 0..200 {
                let got = mean.push(0.1);
                assert!(if i + 1 < n { got.is_nan() } else { got == 0.1 });
            }
        }
    }

    #[test]
    fn delay_keeps_series_apart() {
        let mut delay = Delay::new(2, 3);
        for i in 0..7 {
            let row = [f64::from(i), f64::from(10 * i), f64::from(-i)];
            let past = delay.push(row);
            if i < 2 {
                assert!(past.iter().all(|v| v.is_nan()));
            } else {
                assert_eq!(past, [f64::from(i - 2), f64::from(10 * (i - 2)), f64::from(2 - i)]);
            }
        }
        assert_eq!(delay.capacity(), 6);
    }

    #[test]
    fn choices_without_a_branch() {
        assert_eq!((keep_if(true, -1.5), keep_if(false, -1.5)), (-1.5, 0.0));
        assert_eq!((pick(true, 1.0, f64::NAN), pick(false, f64::INFINITY, 2.0)), (1.0, 2.0));
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
