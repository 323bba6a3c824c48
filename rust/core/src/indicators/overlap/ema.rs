//! Exponential moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// `e ← e + k·(x − e)` with `k = 2 / (period + 1)`, seeded by the mean of the first `period` values as TA-Lib does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ema {
    smooth: Smoother,
}

impl Ema {
    /// An average over `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { smooth: Smoother::exponential(period) }
    }
}

impl Indicator<1, 1> for Ema {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        [self.smooth.push(x)]
    }
    #[inline(always)]
    fn fill(&mut self, [xs]: [&[f64]; 1], [out]: [&mut [f64]; 1]) {
        self.smooth.extend(xs, out);
    }
    fn reset(&mut self) {
        self.smooth.reset();
    }
    fn warm_up(&self) -> usize {
        self.smooth.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "ema",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["ema"],
    summary: "Exponential moving average, seeded by the simple mean of its first window.",
    rule: None,
    build: |p| erase(Ema::new(p[0] as usize)),
};
