//! Wilder's moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// `r ← r + (x − r) / period`, seeded by the mean of the first `period` values (Wilder, 1978).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rma {
    smooth: Smoother,
}

impl Rma {
    /// An average with factor `1 / period`, `period ≥ 1`.
    pub fn new(period: usize) -> Self {
        Self { smooth: Smoother::wilder(period) }
    }
}

impl Indicator<1, 1> for Rma {
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
    name: "rma",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["rma"],
    summary: "Wilder's moving average, the smoothing inside RSI, ATR and ADX.",
    rule: None,
    build: |p| erase(Rma::new(p[0] as usize)),
};
