//! Kaufman's adaptive moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{Ring, RollingSum, smaller};

/// `k ← k + s²·(x − k)` with `s = e·(fast − slow) + slow`, both as EMA factors, and the efficiency ratio
/// `e = |x − xₙ| / Σ |Δx|` over the window, 1 where nothing moved (Kaufman, 1995).
///
/// The recursion starts from the value before the first output, as in TA-Lib.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kama {
    past: Ring,
    path: RollingSum,
    last: f64,
    value: f64,
    slow: f64,
    span: f64,
}

impl Kama {
    /// Efficiency over `period ≥ 1` changes, smoothing between the factors of two EMA periods.
    pub fn new(period: usize, fast_period: usize, slow_period: usize) -> Self {
        let factor = |n: usize| 2.0 / (n as f64 + 1.0);
        let slow = factor(slow_period);
        Self {
            past: Ring::new(period),
            path: RollingSum::new(period),
            last: f64::NAN,
            value: f64::NAN,
            slow,
            span: factor(fast_period) - slow,
        }
    }
}

impl Indicator<1, 1> for Kama {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let start = self.past.push(x);
        let change = (x - self.last).abs();
        if change.is_nan() {
            self.last = x;
            return [f64::NAN];
        }
        let path = self.path.push(change);
        if path.is_nan() {
            self.last = x;
            return [f64::NAN];
        }
        if self.value.is_nan() {
            self.value = self.last;
        }
        self.last = x;
        let efficiency = if path > 0.0 { smaller((x - start).abs() / path, 1.0) } else { 1.0 };
        let s = efficiency * self.span + self.slow;
        self.value += s * s * (x - self.value);
        [self.value]
    }
    fn reset(&mut self) {
        self.past.reset();
        self.path.reset();
        self.last = f64::NAN;
        self.value = f64::NAN;
    }
    fn warm_up(&self) -> usize {
        self.path.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "kama",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[
        Param::int("period", 10, 2, MAX_PERIOD),
        Param::int("fast_period", 2, 1, MAX_PERIOD),
        Param::int("slow_period", 30, 1, MAX_PERIOD),
    ],
    outputs: &["kama"],
    summary: "Kaufman's adaptive moving average: fast in a trend, slow in noise.",
    rule: Some(|p| (p[1] >= p[2]).then_some(("fast_period", "a period shorter than slow_period"))),
    build: |p| erase(Kama::new(p[0] as usize, p[1] as usize, p[2] as usize)),
};
