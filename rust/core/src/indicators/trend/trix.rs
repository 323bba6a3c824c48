//! TRIX.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// Change in percent from row to row of an EMA of an EMA of an EMA (Hutson, 1983).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trix {
    stages: [Smoother; 3],
    last: f64,
}

impl Trix {
    /// Three stages of `period ≥ 1`.
    pub fn new(period: usize) -> Self {
        Self { stages: std::array::from_fn(|_| Smoother::exponential(period)), last: f64::NAN }
    }
}

impl Indicator<1, 1> for Trix {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let mut value = x;
        for stage in &mut self.stages {
            value = stage.push(value);
            if value.is_nan() {
                return [value];
            }
        }
        let last = std::mem::replace(&mut self.last, value);
        [if last == 0.0 { 0.0 } else { (value / last - 1.0) * 100.0 }]
    }
    fn reset(&mut self) {
        self.stages.iter_mut().for_each(Smoother::reset);
        self.last = f64::NAN;
    }
    fn warm_up(&self) -> usize {
        3 * (self.stages[0].period() - 1) + 1
    }
}

pub(super) const ROW: Row = Row {
    name: "trix",
    family: Family::Trend,
    inputs: &[Input::Real],
    params: &[Param::int("period", 15, 1, MAX_PERIOD)],
    outputs: &["trix"],
    summary: "TRIX: one-bar change of a triple-smoothed EMA, in percent.",
    rule: None,
    build: |p| erase(Trix::new(p[0] as usize)),
};
