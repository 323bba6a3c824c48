//! Correlation.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::statistic::support::{Products, RollingProducts};
use crate::indicators::{Indicator, erase};

/// Pearson's correlation of the last `period` pairs, in [−1, 1]; 0 where one side does not move, as TA-Lib's `CORREL`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Correlation {
    products: RollingProducts,
}

impl Correlation {
    /// A window of `period ≥ 1` pairs.
    pub fn new(period: usize) -> Self {
        Self { products: RollingProducts::new(period) }
    }
}

/// Pearson's r from sums of squares and products; NaN stays NaN.
#[inline(always)]
pub(super) fn pearson(p: Products) -> f64 {
    if p.xx == 0.0 || p.yy == 0.0 {
        return 0.0;
    }
    (p.xy / (p.xx.sqrt() * p.yy.sqrt())).clamp(-1.0, 1.0)
}

impl Indicator<2, 1> for Correlation {
    #[inline(always)]
    fn update(&mut self, [x, y]: [f64; 2]) -> [f64; 1] {
        [pearson(self.products.push(x, y))]
    }
    fn reset(&mut self) {
        self.products.reset();
    }
    fn warm_up(&self) -> usize {
        self.products.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "correlation",
    family: Family::Statistic,
    inputs: &[Input::Real, Input::Real2],
    params: &[Param::int("period", 30, 1, MAX_PERIOD)],
    outputs: &["correlation"],
    summary: "Pearson correlation of two series over `period` rows; 0 where one does not move.",
    rule: None,
    build: |p| erase(Correlation::new(p[0] as usize)),
};
