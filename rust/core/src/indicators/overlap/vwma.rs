//! Volume-weighted moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `Σ xᵥ·v / Σ v` over the window; the plain mean where nothing was traded in it (TA-Lib gives NaN there).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vwma {
    traded: RollingSum,
    volume: RollingSum,
    price: RollingSum,
}

impl Vwma {
    /// An average over `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        let sum = RollingSum::new(period);
        Self { traded: sum.clone(), volume: sum.clone(), price: sum }
    }
}

impl Indicator<2, 1> for Vwma {
    #[inline(always)]
    fn update(&mut self, [x, volume]: [f64; 2]) -> [f64; 1] {
        let traded = self.traded.push(x * volume);
        let total = self.volume.push(volume);
        let price = self.price.push(x);
        [if total == 0.0 { price / self.price.period() as f64 } else { traded / total }]
    }
    fn reset(&mut self) {
        self.traded.reset();
        self.volume.reset();
        self.price.reset();
    }
    fn warm_up(&self) -> usize {
        self.price.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "vwma",
    family: Family::Overlap,
    inputs: &[Input::Real, Input::Volume],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["vwma"],
    summary: "Volume-weighted moving average; the plain mean of a window without volume.",
    rule: None,
    build: |p| erase(Vwma::new(p[0] as usize)),
};
