//! Volume-weighted average price from the first bar.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::statistic::CompensatedSum;
use crate::indicators::{Indicator, erase};

/// `Σ typical · volume / Σ volume` since an anchor; while nothing was traded every bar weighs the same.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Anchored {
    flow: CompensatedSum,
    volume: CompensatedSum,
    prices: CompensatedSum,
    bars: f64,
}

impl Anchored {
    #[inline(always)]
    pub(super) fn push(&mut self, high: f64, low: f64, close: f64, volume: f64) -> f64 {
        // Three typical prices a bar; one division at the end makes good for it.
        let price = high + low + close;
        self.flow.add(price * volume);
        self.volume.add(volume);
        let total = self.volume.value();
        if total > 0.0 {
            return self.flow.value() / (3.0 * total);
        }
        self.prices.add(price);
        self.bars += 1.0;
        self.prices.value() / (3.0 * self.bars)
    }
}

/// `Σ typical · volume / Σ volume` from the first bar, as TA-Lib's `VWAP`.
///
/// Before anything was traded it is the mean of the typical prices, where TA-Lib gives 0: a deliberate difference, as 0 is no
/// price.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Vwap {
    sums: Anchored,
}

impl Vwap {
    /// An average anchored at the next bar.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator<4, 1> for Vwap {
    #[inline(always)]
    fn update(&mut self, [high, low, close, volume]: [f64; 4]) -> [f64; 1] {
        [self.sums.push(high, low, close, volume)]
    }
    fn reset(&mut self) {
        *self = Self::new();
    }
    fn warm_up(&self) -> usize {
        0
    }
}

pub(super) const ROW: Row = Row {
    name: "vwap",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[],
    outputs: &["vwap"],
    summary: "Volume-weighted average price from the first bar; the plain mean price before any volume (TA-Lib: 0).",
    rule: None,
    build: |_| erase(Vwap::new()),
};
