//! Money flow index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, TILE, each_row, erase, warm};
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

/// The flow of a bar by the direction of its price: up, down.
#[inline(always)]
fn flows(price: f64, previous: f64, volume: f64) -> (f64, f64) {
    let change = price - previous;
    let moved = change.abs() > UNCHANGED * (price.abs() + previous.abs());
    let flow = keep_if(moved, price * volume);
    (keep_if(change > 0.0, flow), keep_if(change < 0.0, flow))
}

#[inline(always)]
fn share(up: f64, down: f64) -> f64 {
    let total = up + down;
    if total == 0.0 { 50.0 } else { 100.0 * (up / total) }
}

impl Indicator<4, 1> for Mfi {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [high, low, close, volume]: [f64; 4]) -> [f64; 1] {
        // Three typical prices: neither the direction nor the ratio of the flows needs the third.
        let price = high + low + close;
        let Some(previous) = self.previous.replace(price) else { return [f64::NAN] };
        let (up, down) = flows(price, previous, volume);
        let [up, down] = self.flows.push([up, down]);
        [share(up, down)]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 4], outputs: [&mut [f64]; 1]) {
        let ([high, low, close, volume], [out]) = warm(self, inputs, outputs, |k| k.previous.is_some());
        let Some(previous) = self.previous else { return };
        let n = out.len();
        let (mut price, mut up, mut down) = ([0.0; TILE], [0.0; TILE], [0.0; TILE]);
        let (price, up, down) = (&mut price[..n], &mut up[..n], &mut down[..n]);
        for ((y, high), (low, close)) in price.iter_mut().zip(high).zip(low.iter().zip(close)) {
            *y = high + low + close;
        }
        let [first, .., last] = *price else { return each_row(self, [high, low, close, volume], [out]) };
        (up[0], down[0]) = flows(first, previous, volume[0]);
        for i in 1..n {
            (up[i], down[i]) = flows(price[i], price[i - 1], volume[i]);
        }
        self.previous = Some(last);
        self.flows.extend([up, down], [&mut *out, &mut *price]);
        for (y, down) in out.iter_mut().zip(price) {
            *y = share(*y, *down);
        }
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
