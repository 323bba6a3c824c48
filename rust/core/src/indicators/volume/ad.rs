//! Accumulation/distribution line.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::statistic::CompensatedSum;
use crate::indicators::{Indicator, erase};

/// Share of the bar's volume that counts as bought less sold: `((close − low) − (high − close)) / (high − low)`, 0 for a bar
/// without a range.
#[inline(always)]
pub fn close_location(high: f64, low: f64, close: f64) -> f64 {
    let range = high - low;
    if range > 0.0 { ((close - low) - (high - close)) / range } else { 0.0 }
}

/// `Σ close_location · volume` from the first bar (Chaikin), as TA-Lib's `AD`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ad {
    sum: CompensatedSum,
}

impl Ad {
    /// A line that has seen no bar.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator<4, 1> for Ad {
    #[inline(always)]
    fn update(&mut self, [high, low, close, volume]: [f64; 4]) -> [f64; 1] {
        self.sum.add(close_location(high, low, close) * volume);
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
    name: "ad",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[],
    outputs: &["ad"],
    summary: "Accumulation/distribution line: volume weighted by where the bar closed in its range, summed.",
    rule: None,
    build: |_| erase(Ad::new()),
};
