//! Balance of power.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::{Indicator, erase};

/// `(close − open) / (high − low)`, −1 to 1 (Livshin, 2001); 0 for a bar without range.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Bop;

impl Indicator<4, 1> for Bop {
    #[inline(always)]
    fn update(&mut self, [open, high, low, close]: [f64; 4]) -> [f64; 1] {
        let range = high - low;
        [if range <= 0.0 { 0.0 } else { (close - open) / range }]
    }
    fn reset(&mut self) {}
    fn warm_up(&self) -> usize {
        0
    }
}

pub(super) const ROW: Row = Row {
    name: "bop",
    family: Family::Momentum,
    inputs: &[Input::Open, Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: &["bop"],
    summary: "Balance of power: the bar's body as a share of its range, -1 to 1; 0 without range.",
    rule: None,
    build: |_| erase(Bop),
};
