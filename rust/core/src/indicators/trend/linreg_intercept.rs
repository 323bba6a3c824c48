//! Intercept of the linear regression.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::trend::fit::LineFit;
use crate::indicators::{Indicator, erase};

/// Value at the oldest bar of the least-squares line through the window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinRegIntercept {
    fit: LineFit,
}

impl LinRegIntercept {
    /// A line through `period ≥ 2` values.
    pub fn new(period: usize) -> Self {
        Self { fit: LineFit::new(period) }
    }
}

impl Indicator<1, 1> for LinRegIntercept {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let line = self.fit.push(x);
        [line.mean - line.slope * self.fit.middle()]
    }
    fn reset(&mut self) {
        self.fit.reset();
    }
    fn warm_up(&self) -> usize {
        self.fit.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "linreg_intercept",
    family: Family::Trend,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["linreg_intercept"],
    summary: "Linear regression intercept: the least-squares line at the oldest bar of the window.",
    rule: None,
    build: |p| erase(LinRegIntercept::new(p[0] as usize)),
};
