//! Windows over two series at once: the same two-block scheme with both series side by side, which costs little more than one.

use serde::{Deserialize, Serialize};

use super::{larger, pick};

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

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new(self.block.len());
    }
}

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
            return (both[0], -both[1]);
        }
        let mut suffix = LOWEST;
        for slot in self.block.iter_mut().rev() {
            suffix = upper(suffix, *slot);
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = LOWEST;
        (prefix[0], -prefix[1])
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

    proptest! {
        #[test]
        fn every_window_equals_its_definition(
            rows in prop::collection::vec((0_u8..12, 0_u8..12), 0..120),
            n in 1_usize..20,
        ) {
            let rows: Vec<(f64, f64)> = rows.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).collect();
            let (mut sums, mut range, mut age) = (RollingSums::new(n), RollingRange::new(n), RangeAge::new(n));
            for (i, &(a, b)) in rows.iter().enumerate() {
                let (sum, extremes, since) = (sums.push([a, b]), range.push(a, b), age.push(a, b));
                if i + 1 < n {
                    for v in [sum[0], sum[1], extremes.0, extremes.1, since.0, since.1] {
                        prop_assert!(v.is_nan());
                    }
                    continue;
                }
                let w = &rows[i + 1 - n..=i];
                prop_assert_eq!(sum, [w.iter().map(|r| r.0).sum::<f64>(), w.iter().map(|r| r.1).sum::<f64>()]);
                let highest = w.iter().map(|r| r.0).fold(f64::NEG_INFINITY, f64::max);
                let lowest = w.iter().map(|r| r.1).fold(f64::INFINITY, f64::min);
                prop_assert_eq!(extremes, (highest, lowest));
                let (h, l) = (w.iter().rev().position(|r| r.0 == highest), w.iter().rev().position(|r| r.1 == lowest));
                prop_assert_eq!(since, (h.unwrap() as f64, l.unwrap() as f64));
            }
        }
    }

    #[test]
    fn reset_forgets() {
        let (mut sums, mut range, mut age) = (RollingSums::new(2), RollingRange::new(2), RangeAge::new(2));
        for x in [5.0, 6.0, 7.0] {
            sums.push([x, x]);
            range.push(x, x);
            age.push(x, x);
        }
        sums.reset();
        range.reset();
        age.reset();
        assert!(sums.push([1.0; 2])[0].is_nan() && range.push(1.0, 1.0).0.is_nan() && age.push(1.0, 1.0).0.is_nan());
        assert_eq!((sums.push([2.0; 2]), range.push(2.0, 0.5), age.push(0.5, 2.0)), ([3.0; 2], (2.0, 0.5), (1.0, 1.0)));
        assert_eq!((sums.period(), range.period(), age.period()), (2, 2, 2));
    }
}
