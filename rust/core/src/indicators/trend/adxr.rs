//! Average directional index rating.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::trend::Adx;
use crate::indicators::{Indicator, erase};
use crate::window::Ring;

/// `(ADX + ADXₙ₋₁) / 2`, the mean of the index now and `period − 1` bars ago.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adxr {
    adx: Adx,
    past: Ring,
}

impl Adxr {
    /// Over `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self { adx: Adx::new(period), past: Ring::new(period - 1) }
    }
}

impl Indicator<3, 1> for Adxr {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let [adx] = self.adx.update(bar);
        if adx.is_nan() {
            return [adx];
        }
        [0.5 * (adx + self.past.push(adx))]
    }
    fn reset(&mut self) {
        self.adx.reset();
        self.past.reset();
    }
    fn warm_up(&self) -> usize {
        self.adx.warm_up() + self.past.capacity()
    }
}

pub(super) const ROW: Row = Row {
    name: "adxr",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["adxr"],
    summary: "ADX rating: mean of ADX now and one period ago.",
    rule: None,
    build: |p| erase(Adxr::new(p[0] as usize)),
};
