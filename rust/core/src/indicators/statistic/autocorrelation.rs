//! Autocorrelation.

use serde::{Deserialize, Serialize};

use super::correlation::pearson;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::statistic::support::RollingProducts;
use crate::indicators::{Indicator, erase};
use crate::window::Ring;

/// Pearson's correlation of the last `period` values with the values `lag` rows before them, over the `period − lag` pairs that lie
/// in the window (pandas' `Series.autocorr`); 0 where nothing moves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Autocorrelation {
    past: Ring,
    products: RollingProducts,
}

impl Autocorrelation {
    /// A window of `period` values with `1 ≤ lag ≤ period − 2`.
    pub fn new(period: usize, lag: usize) -> Self {
        Self { past: Ring::new(lag), products: RollingProducts::new(period.saturating_sub(lag)) }
    }
}

impl Indicator<1, 1> for Autocorrelation {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let past = self.past.push(x);
        if past.is_nan() {
            return [f64::NAN];
        }
        [pearson(self.products.push(x, past))]
    }
    fn reset(&mut self) {
        self.past.reset();
        self.products.reset();
    }
    fn warm_up(&self) -> usize {
        self.past.capacity() + self.products.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "autocorrelation",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 30, 3, MAX_PERIOD), Param::int("lag", 1, 1, MAX_PERIOD)],
    outputs: &["autocorrelation"],
    summary: "Correlation of the last `period` values with those `lag` rows earlier.",
    rule: Some(|p| (p[1] > p[0] - 2.0).then_some(("lag", "at most period - 2"))),
    build: |p| erase(Autocorrelation::new(p[0] as usize, p[1] as usize)),
};
