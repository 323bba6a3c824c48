//! Rolling minimum.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingMin;

/// Smallest of the last `period` values, as TA-Lib's `MIN`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingMinimum {
    window: RollingMin,
}

impl RollingMinimum {
    /// A window of `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { window: RollingMin::new(period) }
    }
}

impl Indicator<1, 1> for RollingMinimum {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        [self.window.push(x)]
    }
    fn reset(&mut self) {
        self.window.reset();
    }
    fn warm_up(&self) -> usize {
        self.window.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "rolling_min",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["rolling_min"],
    summary: "Smallest of the last `period` values.",
    rule: None,
    build: |p| erase(RollingMinimum::new(p[0] as usize)),
};
