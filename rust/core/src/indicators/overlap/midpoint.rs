//! Midpoint of a series.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingRange;

/// `(highest + lowest) / 2` of the window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Midpoint {
    range: RollingRange,
}

impl Midpoint {
    /// A window of `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { range: RollingRange::new(period) }
    }
}

impl Indicator<1, 1> for Midpoint {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let (highest, lowest) = self.range.push(x, x);
        [0.5 * (highest + lowest)]
    }
    fn reset(&mut self) {
        self.range.reset();
    }
    fn warm_up(&self) -> usize {
        self.range.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "midpoint",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["midpoint"],
    summary: "Middle between the highest and the lowest value of the window.",
    rule: None,
    build: |p| erase(Midpoint::new(p[0] as usize)),
};
