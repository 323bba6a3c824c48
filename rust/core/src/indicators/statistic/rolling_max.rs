//! Rolling maximum.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingMax;

/// Largest of the last `period` values, as TA-Lib's `MAX`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingMaximum {
    window: RollingMax,
}

impl RollingMaximum {
    /// A window of `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { window: RollingMax::new(period) }
    }
}

impl Indicator<1, 1> for RollingMaximum {
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
    name: "rolling_max",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["rolling_max"],
    summary: "Largest of the last `period` values.",
    rule: None,
    build: |p| erase(RollingMaximum::new(p[0] as usize)),
};
