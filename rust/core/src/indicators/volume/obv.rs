//! On-balance volume.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::statistic::CompensatedSum;
use crate::indicators::{Indicator, erase};

/// `±volume` summed, by the sign of the change in close; starts at the first bar's volume, as TA-Lib does.
///
/// Granville, *New Key to Stock Market Profits* (1963). The sum is compensated, so that it stays exact over any history.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Obv {
    previous: Option<f64>,
    sum: CompensatedSum,
}

impl Obv {
    /// A line that has seen no bar.
    pub fn new() -> Self {
        Self::default()
    }
}

/// `volume` with the sign of the change in close.
#[inline(always)]
pub(super) fn signed_volume(close: f64, previous: f64, volume: f64) -> f64 {
    // The direction of a close is a coin flip: a branch on it would be mispredicted every other bar.
    volume * (f64::from(u8::from(close > previous)) - f64::from(u8::from(close < previous)))
}

impl Indicator<2, 1> for Obv {
    #[inline(always)]
    fn update(&mut self, [close, volume]: [f64; 2]) -> [f64; 1] {
        self.sum.add(match self.previous {
            Some(previous) => signed_volume(close, previous, volume),
            None => volume,
        });
        self.previous = Some(close);
        [self.sum.value()]
    }
    fn reset(&mut self) {
        *self = Self::new();
    }
    fn warm_up(&self) -> usize {
        0
    }
}

pub(super) const ROW: Row = Row {
    name: "obv",
    family: Family::Volume,
    inputs: &[Input::Close, Input::Volume],
    params: &[],
    outputs: &["obv"],
    summary: "On-balance volume: volume added on a higher close, subtracted on a lower one.",
    rule: None,
    build: |_| erase(Obv::new()),
};
