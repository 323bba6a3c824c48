//! Williams %R.

use serde::{Deserialize, Serialize};

use crate::indicators::momentum::place::is_flat;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, LONG_TILE, erase};
use crate::window::{RollingRange, larger, smaller};

/// `−100 · (highest high − close) / (highest high − lowest low)`, −100 to 0 (Williams, 1973); 0 in a flat window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WillR {
    range: RollingRange,
}

impl WillR {
    /// A window of `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        Self { range: RollingRange::new(period) }
    }
}

#[inline(always)]
fn place(highest: f64, lowest: f64, close: f64) -> f64 {
    let place = (highest - close) / (highest - lowest) * -100.0;
    if is_flat(highest, lowest) { 0.0 } else { larger(-100.0, smaller(0.0, place)) }
}

impl Indicator<3, 1> for WillR {
    const WIDE: bool = true;
    const ROWS: usize = LONG_TILE;

    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 1] {
        let (highest, lowest) = self.range.push(high, low);
        [place(highest, lowest, close)]
    }
    #[inline(always)]
    fn fill(&mut self, [high, low, close]: [&[f64]; 3], [out]: [&mut [f64]; 1]) {
        let mut lowest = [0.0; LONG_TILE];
        self.range.extend(high, low, out, &mut lowest);
        for ((y, lowest), close) in out.iter_mut().zip(&lowest).zip(close) {
            *y = place(*y, *lowest, *close);
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
    name: "willr",
    family: Family::Momentum,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["willr"],
    summary: "Williams %R: distance of the close from the window's high, -100 to 0; 0 in a flat window.",
    rule: None,
    build: |p| erase(WillR::new(p[0] as usize)),
};
