//! Linearly weighted moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingLine;

/// `Σ (k + 1)·xₖ / (n·(n + 1) / 2)`, k = 0 for the oldest value of the window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wma {
    line: RollingLine,
    weight: f64,
}

impl Wma {
    /// An average over `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        let n = period as f64;
        Self { line: RollingLine::new(period), weight: n * (n + 1.0) / 2.0 }
    }
}

impl Indicator<1, 1> for Wma {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let line = self.line.push(x);
        [line.shift + (line.weighted + line.sum) / self.weight]
    }
    fn reset(&mut self) {
        self.line.reset();
    }
    fn warm_up(&self) -> usize {
        self.line.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "wma",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["wma"],
    summary: "Weighted moving average: the newest value weighs `period`, the oldest 1.",
    rule: None,
    build: |p| erase(Wma::new(p[0] as usize)),
};
