//! Exponential moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// `e ← e + k·(x − e)` with `k = 2 / (period + 1)`, seeded by the mean of the first `period` values as TA-Lib does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ema {
    period: usize,
    k: f64,
    seen: usize,
    value: f64,
}

impl Ema {
    /// An average over `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self::with_factor(period, 2.0 / (period as f64 + 1.0))
    }

    /// The same recursion with another smoothing factor (Wilder: `1 / period`).
    pub fn with_factor(period: usize, k: f64) -> Self {
        Self { period, k, seen: 0, value: 0.0 }
    }
}

impl Indicator<1, 1> for Ema {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        if self.seen >= self.period {
            self.value += self.k * (x - self.value);
            return [self.value];
        }
        self.seen += 1;
        self.value += x;
        if self.seen < self.period {
            return [f64::NAN];
        }
        self.value /= self.period as f64;
        [self.value]
    }
    fn reset(&mut self) {
        self.seen = 0;
        self.value = 0.0;
    }
    fn warm_up(&self) -> usize {
        self.period - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "ema",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["ema"],
    summary: "Exponential moving average, seeded by the simple mean of its first window.",
    rule: None,
    build: |p| erase(Ema::new(p[0] as usize)),
};
