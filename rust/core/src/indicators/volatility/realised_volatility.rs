//! Realised volatility.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::Stddev;
use crate::indicators::{Indicator, erase};

/// Sample standard deviation of the last `period` log returns, times `√periods_per_year` (1: per bar).
///
/// A change that has no logarithm (a price ≤ 0 in a series of one's own) gives NaN for its row and leaves the state untouched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RealisedVolatility {
    period: usize,
    previous: f64,
    deviation: Stddev,
    scale: f64,
}

impl RealisedVolatility {
    /// A window of `period ≥ 2` returns.
    pub fn new(period: usize, periods_per_year: f64) -> Self {
        Self { period, previous: f64::NAN, deviation: Stddev::new(period, 1), scale: periods_per_year.sqrt() }
    }
}

impl Indicator<1, 1> for RealisedVolatility {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        if x <= 0.0 {
            return [f64::NAN];
        }
        let change = (x / self.previous).ln();
        self.previous = x;
        if !change.is_finite() {
            return [f64::NAN];
        }
        let [deviation] = self.deviation.update([change]);
        [deviation * self.scale]
    }
    fn reset(&mut self) {
        self.previous = f64::NAN;
        self.deviation.reset();
    }
    fn warm_up(&self) -> usize {
        self.period
    }
}

pub(super) const ROW: Row = Row {
    name: "realised_volatility",
    family: Family::Volatility,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 2, MAX_PERIOD), Param::float("periods_per_year", 1.0, 1e-6, 1e9)],
    outputs: &["realised_volatility"],
    summary: "Sample standard deviation of the last `period` log returns, annualised by `periods_per_year`.",
    rule: None,
    build: |p| erase(RealisedVolatility::new(p[0] as usize, p[1])),
};
