//! Largest and smallest value of a window.

use serde::{Deserialize, Serialize};

use super::{larger, smaller};

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
