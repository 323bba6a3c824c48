//! True range.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{larger, smaller};

/// `max(high, close₋₁) − min(low, close₋₁)`: the range of the bar together with the gap before it (Wilder, 1978).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrueRange {
    close: f64,
}

impl TrueRange {
    /// Before the first bar.
    pub fn new() -> Self {
        Self { close: f64::NAN }
    }
}

impl Default for TrueRange {
    fn default() -> Self {
        Self::new()
    }
}

impl Indicator<3, 1> for TrueRange {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 1] {
        // `larger` and `smaller` hand on a NaN in second place: the first bar has no close before it.
        let range = larger(high, self.close) - smaller(low, self.close);
        self.close = close;
        [range]
    }
    #[inline(always)]
    fn fill(&mut self, [high, low, close]: [&[f64]; 3], [out]: [&mut [f64]; 1]) {
        let Some((&last, _)) = close.split_last() else { return };
        [out[0]] = self.update([high[0], low[0], close[0]]);
        let n = out.len();
        let before = &close[..n - 1];
        for ((y, (high, low)), before) in out[1..].iter_mut().zip(high[1..].iter().zip(&low[1..])).zip(before) {
            *y = larger(*high, *before) - smaller(*low, *before);
        }
        self.close = last;
    }
    fn reset(&mut self) {
        self.close = f64::NAN;
    }
    fn warm_up(&self) -> usize {
        1
    }
}

pub(super) const ROW: Row = Row {
    name: "true_range",
    family: Family::Volatility,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &["true_range"],
    summary: "True range: the bar's range including the gap from the close before.",
    rule: None,
    build: |_| erase(TrueRange::new()),
};
