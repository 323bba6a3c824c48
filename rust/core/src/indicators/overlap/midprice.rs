//! Midpoint of high and low.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, LONG_TILE, erase};
use crate::window::RollingRange;

/// `(highest high + lowest low) / 2` of the window: each line of the Ichimoku cloud.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Midprice {
    range: RollingRange,
}

impl Midprice {
    /// A window of `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        Self { range: RollingRange::new(period) }
    }
}

impl Indicator<2, 1> for Midprice {
    const WIDE: bool = true;
    const ROWS: usize = LONG_TILE;

    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 1] {
        let (highest, lowest) = self.range.push(high, low);
        [0.5 * (highest + lowest)]
    }
    #[inline(always)]
    fn fill(&mut self, [high, low]: [&[f64]; 2], [out]: [&mut [f64]; 1]) {
        let mut lowest = [0.0; LONG_TILE];
        self.range.extend(high, low, out, &mut lowest);
        for (y, lowest) in out.iter_mut().zip(&lowest) {
            *y = 0.5 * (*y + lowest);
        }
    }
    fn reset(&mut self) {
        self.range.reset();
    }
    fn warm_up(&self) -> usize {
        self.range.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "midprice",
    family: Family::Overlap,
    inputs: &[Input::High, Input::Low],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["midprice"],
    summary: "Middle between the highest high and the lowest low of the window.",
    rule: None,
    build: |p| erase(Midprice::new(p[0] as usize)),
};
