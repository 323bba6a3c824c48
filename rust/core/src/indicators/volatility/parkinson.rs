//! Parkinson volatility.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `√(mean(ln(high / low)²) / (4 ln 2) · periods_per_year)`.
///
/// Parkinson, *The Extreme Value Method for Estimating the Variance of the Rate of Return* (1980). A bar with a price ≤ 0 gives NaN
/// for its row and leaves the state untouched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Parkinson {
    sum: RollingSum,
    scale: f64,
}

impl Parkinson {
    /// A window of `period ≥ 1` bars.
    pub fn new(period: usize, periods_per_year: f64) -> Self {
        let scale = periods_per_year / (4.0 * std::f64::consts::LN_2 * period as f64);
        Self { sum: RollingSum::new(period), scale }
    }
}

impl Indicator<2, 1> for Parkinson {
    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 1] {
        if high <= 0.0 || low <= 0.0 {
            return [f64::NAN];
        }
        let range = (high / low).ln();
        [(self.sum.push(range * range) * self.scale).sqrt()]
    }
    fn reset(&mut self) {
        self.sum.reset();
    }
    fn warm_up(&self) -> usize {
        self.sum.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "parkinson",
    family: Family::Volatility,
    inputs: &[Input::High, Input::Low],
    params: &[Param::int("period", 20, 1, MAX_PERIOD), Param::float("periods_per_year", 1.0, 1e-6, 1e9)],
    outputs: &["parkinson"],
    summary: "Parkinson volatility: from the high–low ranges of the last `period` bars.",
    rule: None,
    build: |p| erase(Parkinson::new(p[0] as usize, p[1])),
};
