//! Volume-weighted average price of a window.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `Σ typical · volume / Σ volume` over `period` bars; the mean typical price where nothing was traded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VwapRolling {
    flow: RollingSum,
    volume: RollingSum,
    price: RollingSum,
}

impl VwapRolling {
    /// A window of `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        Self { flow: RollingSum::new(period), volume: RollingSum::new(period), price: RollingSum::new(period) }
    }
}

impl Indicator<4, 1> for VwapRolling {
    #[inline(always)]
    fn update(&mut self, [high, low, close, volume]: [f64; 4]) -> [f64; 1] {
        let price = (high + low + close) / 3.0;
        let flow = self.flow.push(price * volume);
        let total = self.volume.push(volume);
        let plain = self.price.push(price);
        [if total == 0.0 { plain / self.price.period() as f64 } else { flow / total }]
    }
    fn reset(&mut self) {
        self.flow.reset();
        self.volume.reset();
        self.price.reset();
    }
    fn warm_up(&self) -> usize {
        self.flow.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "vwap_rolling",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["vwap_rolling"],
    summary: "Volume-weighted average price of the last `period` bars.",
    rule: None,
    build: |p| erase(VwapRolling::new(p[0] as usize)),
};
