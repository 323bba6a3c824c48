//! Exponential smoothing: the one recursion behind EMA, Wilder's average and everything built on them.

use serde::{Deserialize, Serialize};

/// `s ← s + k·(x − s)`, seeded by the mean of the first `period` values.
///
/// The state is the gap `x − s` instead of `s`: `gap ← (1 − k)·(gap + Δx)` is two operations from row to row where the usual form
/// has three, and on equal values the gap decays to zero, so that every average of a flat series is that value itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Smoother {
    period: usize,
    keep: f64,
    seen: usize,
    last: f64,
    /// Sum of the values while seeding, `last − average` afterwards.
    gap: f64,
}

impl Smoother {
    /// Factor `k` in (0, 1] after a seed of `period ≥ 1` values.
    pub fn with_factor(period: usize, k: f64) -> Self {
        Self { period: period.max(1), keep: 1.0 - k, seen: 0, last: 0.0, gap: 0.0 }
    }

    /// An exponential average: `k = 2 / (period + 1)`.
    pub fn exponential(period: usize) -> Self {
        Self::with_factor(period, 2.0 / (period as f64 + 1.0))
    }

    /// Wilder's average: `k = 1 / period`.
    pub fn wilder(period: usize) -> Self {
        Self::with_factor(period, 1.0 / period as f64)
    }

    /// Adds a value; returns the average, NaN before the `period`-th value.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        x - self.push_gap(x)
    }

    /// Adds a value; returns `x − average`, NaN before the `period`-th value. The difference of two averages of the same series is
    /// best taken as that of their gaps: the price level has gone from it.
    #[inline(always)]
    pub fn push_gap(&mut self, x: f64) -> f64 {
        if self.seen >= self.period {
            self.gap = self.keep * (self.gap + (x - self.last));
            self.last = x;
            return self.gap;
        }
        self.seen += 1;
        self.gap += x;
        self.last = x;
        if self.seen < self.period {
            return f64::NAN;
        }
        self.gap = x - self.gap / self.period as f64;
        self.gap
    }

    /// The present average, NaN until warm.
    #[inline(always)]
    pub fn value(&self) -> f64 {
        if self.is_warm() { self.last - self.gap } else { f64::NAN }
    }

    /// The seed is complete.
    #[inline(always)]
    pub fn is_warm(&self) -> bool {
        self.seen >= self.period
    }

    /// Length of the seed.
    pub fn period(&self) -> usize {
        self.period
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.seen = 0;
        self.last = 0.0;
        self.gap = 0.0;
    }
}

/// Wilder's decaying sum `s ← s − s/period + x`, after a plain sum of `seed` values.
///
/// What RSI, CMO and the directional indicators divide by each other: a quotient of two such sums is that of the averages, and
/// sums of non-negative values stay non-negative.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WilderSum {
    keep: f64,
    seed: usize,
    seen: usize,
    sum: f64,
}

impl WilderSum {
    /// Decay of `period ≥ 1`, starting after `seed` values.
    pub fn new(period: usize, seed: usize) -> Self {
        Self { keep: 1.0 - 1.0 / period.max(1) as f64, seed, seen: 0, sum: 0.0 }
    }

    /// Adds a value and returns the sum, whether or not the seed is complete.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        if self.seen >= self.seed {
            self.sum = self.sum * self.keep + x;
        } else {
            self.seen += 1;
            self.sum += x;
        }
        self.sum
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.seen = 0;
        self.sum = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_textbook_recursion() {
        let xs: Vec<f64> = (0..400).map(|i| 100.0 + 10.0 * f64::from(i).sin()).collect();
        let mut smooth = Smoother::exponential(20);
        let mut truth = xs[..20].iter().sum::<f64>() / 20.0;
        for (i, &x) in xs.iter().enumerate() {
            let got = smooth.push(x);
            if i < 19 {
                assert!(got.is_nan());
                continue;
            }
            if i > 19 {
                truth += 2.0 / 21.0 * (x - truth);
            }
            assert!((got / truth - 1.0).abs() < 1e-14);
            assert!((smooth.value() / truth - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn a_flat_series_is_its_own_average() {
        for period in 1..40 {
            let mut smooth = Smoother::exponential(period);
            let mut got = f64::NAN;
            for _ in 0..5_000 {
                got = smooth.push(0.1);
            }
            assert_eq!(got, 0.1);
        }
    }
}
