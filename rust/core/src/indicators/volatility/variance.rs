//! Variance.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingMoments;

/// `Σ (x − mean)² / (period − ddof)`: TA-Lib's `VAR` with `ddof` 0, the sample variance with 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Variance {
    moments: RollingMoments,
    correction: f64,
}

impl Variance {
    /// A window of `period > ddof` values.
    pub fn new(period: usize, ddof: usize) -> Self {
        let n = period as f64;
        Self { moments: RollingMoments::new(period), correction: n / (n - ddof as f64) }
    }
}

impl Indicator<1, 1> for Variance {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        [self.moments.push(x).variance * self.correction]
    }
    fn reset(&mut self) {
        self.moments.reset();
    }
    fn warm_up(&self) -> usize {
        self.moments.period() - 1
    }
}

/// The rule of a window whose variance is divided by `period − ddof`.
pub(super) fn period_above_ddof(p: &[f64]) -> Option<(&'static str, &'static str)> {
    (p[0] <= p[1]).then_some(("period", "more than ddof"))
}

pub(super) const ROW: Row = Row {
    name: "variance",
    family: Family::Volatility,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD), Param::int("ddof", 0, 0, 1)],
    outputs: &["variance"],
    summary: "Variance of the last `period` values (`ddof` 0: population, 1: sample).",
    rule: Some(period_above_ddof),
    build: |p| erase(Variance::new(p[0] as usize, p[1] as usize)),
};
