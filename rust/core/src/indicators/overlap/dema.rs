//! Double exponential moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// `2·e₁ − e₂`, where `e₂` is the EMA of the EMA `e₁` (Mulloy, 1994).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dema {
    first: Smoother,
    second: Smoother,
}

impl Dema {
    /// Two stages of `period ≥ 1`.
    pub fn new(period: usize) -> Self {
        Self { first: Smoother::exponential(period), second: Smoother::exponential(period) }
    }
}

impl Indicator<1, 1> for Dema {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let e1 = self.first.push(x);
        if e1.is_nan() {
            return [e1];
        }
        [e1 + self.second.push_gap(e1)]
    }
    fn reset(&mut self) {
        self.first.reset();
        self.second.reset();
    }
    fn warm_up(&self) -> usize {
        2 * (self.first.period() - 1)
    }
}

pub(super) const ROW: Row = Row {
    name: "dema",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["dema"],
    summary: "Double exponential moving average: an EMA with its lag taken out once.",
    rule: None,
    build: |p| erase(Dema::new(p[0] as usize)),
};
