//! Hull moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::overlap::Wma;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// `WMA(2·WMA(x, n/2) − WMA(x, n), √n)`, both lengths rounded down (Hull, 2005).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hma {
    half: Wma,
    full: Wma,
    smooth: Wma,
}

impl Hma {
    /// An average over `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { half: Wma::new((period / 2).max(1)), full: Wma::new(period), smooth: Wma::new(period.isqrt().max(1)) }
    }
}

impl Indicator<1, 1> for Hma {
    #[inline(always)]
    fn update(&mut self, x: [f64; 1]) -> [f64; 1] {
        let [half] = self.half.update(x);
        let [full] = self.full.update(x);
        if full.is_nan() {
            return [full];
        }
        self.smooth.update([2.0 * half - full])
    }
    fn reset(&mut self) {
        self.half.reset();
        self.full.reset();
        self.smooth.reset();
    }
    fn warm_up(&self) -> usize {
        self.full.warm_up() + self.smooth.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "hma",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["hma"],
    summary: "Hull moving average: weighted averages of three lengths, smooth and with little lag.",
    rule: None,
    build: |p| erase(Hma::new(p[0] as usize)),
};
