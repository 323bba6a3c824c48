//! Average directional index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::trend::directional::Directional;
use crate::indicators::{Indicator, erase};

/// Wilder's average of DX, seeded by the mean of its first `period` values (Wilder, 1978).
///
/// A bar without any movement to judge counts as 0 in the seed and leaves the average as it is later, as in TA-Lib.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adx {
    movement: Directional,
    average: Smoother,
}

impl Adx {
    /// Sums and average over `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self { movement: Directional::new(period), average: Smoother::wilder(period) }
    }
}

impl Indicator<3, 1> for Adx {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let Some(m) = self.movement.push(bar) else { return [f64::NAN] };
        match m.index() {
            Some(index) => [self.average.push(index)],
            None if self.average.is_warm() => [self.average.value()],
            None => [self.average.push(0.0)],
        }
    }
    fn reset(&mut self) {
        self.movement.reset();
        self.average.reset();
    }
    fn warm_up(&self) -> usize {
        2 * self.movement.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "adx",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["adx"],
    summary: "Average directional index: strength of the trend whichever its direction, 0 to 100.",
    rule: None,
    build: |p| erase(Adx::new(p[0] as usize)),
};
