//! Skewness.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::statistic::support::RollingPowers;
use crate::indicators::{Indicator, erase};

/// Adjusted sample skewness `G₁ = √(n (n − 1)) / (n − 2) · m₃ / m₂^{3/2}` of the last `period` values (what pandas gives); NaN where
/// they are all equal.
///
/// Joanes and Gill, *Comparing Measures of Sample Skewness and Kurtosis* (1998).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Skew {
    powers: RollingPowers,
    factor: f64,
}

impl Skew {
    /// A window of `period ≥ 3` values.
    pub fn new(period: usize) -> Self {
        let n = period as f64;
        Self { powers: RollingPowers::new(period), factor: n * (n - 1.0).sqrt() / (n - 2.0) }
    }
}

impl Indicator<1, 1> for Skew {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let p = self.powers.push(x);
        [if p.second == 0.0 { f64::NAN } else { self.factor * (p.third / p.second / p.second.sqrt()) }]
    }
    fn reset(&mut self) {
        self.powers.reset();
    }
    fn warm_up(&self) -> usize {
        self.powers.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "skew",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 30, 3, 10_000)],
    outputs: &["skew"],
    summary: "Sample skewness of the last `period` values; missing where all are equal.",
    rule: None,
    build: |p| erase(Skew::new(p[0] as usize)),
};
