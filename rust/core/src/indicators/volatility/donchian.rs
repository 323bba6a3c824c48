//! Donchian channel.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, LONG_TILE, erase};
use crate::window::RollingRange;

/// Upper, middle and lower: highest high, their midpoint and lowest low of the last `period` bars, this one included, as
/// TA-Lib's `DONCHIAN`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Donchian {
    range: RollingRange,
}

impl Donchian {
    /// A window of `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        Self { range: RollingRange::new(period) }
    }
}

impl Indicator<2, 3> for Donchian {
    const WIDE: bool = true;
    const ROWS: usize = LONG_TILE;

    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 3] {
        let (upper, lower) = self.range.push(high, low);
        [upper, 0.5 * (upper + lower), lower]
    }
    #[inline(always)]
    fn fill(&mut self, [high, low]: [&[f64]; 2], [upper, middle, lower]: [&mut [f64]; 3]) {
        self.range.extend(high, low, upper, lower);
        for ((y, upper), lower) in middle.iter_mut().zip(upper).zip(lower) {
            *y = 0.5 * (*upper + *lower);
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
    name: "donchian",
    family: Family::Volatility,
    inputs: &[Input::High, Input::Low],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["donchian_upper", "donchian_middle", "donchian_lower"],
    summary: "Donchian channel: highest high and lowest low of the last `period` bars.",
    rule: None,
    build: |p| erase(Donchian::new(p[0] as usize)),
};
