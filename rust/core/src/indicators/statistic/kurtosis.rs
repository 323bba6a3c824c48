//! Kurtosis.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::statistic::support::RollingPowers;
use crate::indicators::{Indicator, erase};

/// Sample excess kurtosis `G₂ = n (n + 1) / ((n − 1)(n − 2)(n − 3)) · Σd⁴ / s⁴ − 3 (n − 1)² / ((n − 2)(n − 3))` of the last `period`
/// values, as TA-Lib's `KURTOSIS` and pandas; NaN where they are all equal.
///
/// Joanes and Gill, *Comparing Measures of Sample Skewness and Kurtosis* (1998).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kurtosis {
    powers: RollingPowers,
    factor: f64,
    normal: f64,
}

impl Kurtosis {
    /// A window of `period ≥ 4` values.
    pub fn new(period: usize) -> Self {
        let n = period as f64;
        let rest = (n - 2.0) * (n - 3.0);
        Self {
            powers: RollingPowers::new(period),
            factor: n * (n + 1.0) * (n - 1.0) / rest,
            normal: 3.0 * (n - 1.0) * (n - 1.0) / rest,
        }
    }
}

impl Indicator<1, 1> for Kurtosis {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let p = self.powers.push(x);
        [if p.second == 0.0 { f64::NAN } else { self.factor * (p.fourth / p.second / p.second) - self.normal }]
    }
    fn reset(&mut self) {
        self.powers.reset();
    }
    fn warm_up(&self) -> usize {
        self.powers.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "kurtosis",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 30, 4, 10_000)],
    outputs: &["kurtosis"],
    summary: "Sample excess kurtosis of the last `period` values; missing where all are equal.",
    rule: None,
    build: |p| erase(Kurtosis::new(p[0] as usize)),
};
