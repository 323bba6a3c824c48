//! Simple moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingMean;

/// Mean of the last `period` values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sma {
    mean: RollingMean,
}

impl Sma {
    /// An average over `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { mean: RollingMean::new(period) }
    }
}

impl Indicator<1, 1> for Sma {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        [self.mean.push(x)]
    }
    #[inline(always)]
    fn fill(&mut self, [xs]: [&[f64]; 1], [out]: [&mut [f64]; 1]) {
        self.mean.extend(xs, out);
    }
    fn reset(&mut self) {
        self.mean.reset();
    }
    fn warm_up(&self) -> usize {
        self.mean.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "sma",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["sma"],
    summary: "Simple moving average: mean of the last `period` values.",
    rule: None,
    build: |p| erase(Sma::new(p[0] as usize)),
};
