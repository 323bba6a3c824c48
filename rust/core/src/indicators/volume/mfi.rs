//! Money flow index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{RollingSums, keep_if};

/// Changes of the typical price up to this share of the two prices count as none (TA-Lib's dead zone).
const UNCHANGED: f64 = 1e-14;

/// `100 · Σ up / (Σ up + Σ down)`, the flow of a bar being typical price × volume, up or down by the change of the typical price.
///
/// Quong and Soudack, *Volume-Weighted RSI: Money Flow* (1989). A window without any flow gives 50, neutral, where TA-Lib gives 0
/// (which reads as oversold): the same deliberate difference as in the RSI.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mfi {
    previous: Option<f64>,
    flows: RollingSums,
}

impl Mfi {
    /// A window of `period ≥ 1` changes.
    pub fn new(period: usize) -> Self {
        Self { previous: None, flows: RollingSums::new(period) }
    }
}

impl Indicator<4, 1> for Mfi {
    #[inline(always)]
    fn update(&mut self, [high, low, close, volume]: [f64; 4]) -> [f64; 1] {
        // Three typical prices: neither the direction nor the ratio of the flows needs the third.
        let price = high + low + close;
        let Some(previous) = self.previous.replace(price) else { return [f64::NAN] };
        let change = price - previous;
        let flow = if change.abs() <= UNCHANGED * (price.abs() + previous.abs()) { 0.0 } else { price * volume };
        let [up, down] = self.flows.push([keep_if(change > 0.0, flow), keep_if(change < 0.0, flow)]);
        let total = up + down;
        [if total == 0.0 { 50.0 } else { 100.0 * (up / total) }]
    }
    fn reset(&mut self) {
        self.previous = None;
        self.flows.reset();
    }
    fn warm_up(&self) -> usize {
        self.flows.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "mfi",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["mfi"],
    summary: "Money flow index: volume-weighted RSI of the typical price; 50 without any flow (TA-Lib: 0).",
    rule: None,
    build: |p| erase(Mfi::new(p[0] as usize)),
};
