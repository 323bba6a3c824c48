//! Rate of change.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::Delay;

/// `100 · (x / xₙ − 1)` against the value `period` rows ago; 0 where that was 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Roc {
    past: Delay,
}

impl Roc {
    /// Looks back `period ≥ 1` rows.
    pub fn new(period: usize) -> Self {
        Self { past: Delay::new(period, 1) }
    }
}

#[inline(always)]
fn change(x: f64, past: f64) -> f64 {
    let change = (x / past - 1.0) * 100.0;
    if past == 0.0 { 0.0 } else { change }
}

impl Indicator<1, 1> for Roc {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let [past] = self.past.push([x]);
        [change(x, past)]
    }
    #[inline(always)]
    fn fill(&mut self, [xs]: [&[f64]; 1], [out]: [&mut [f64]; 1]) {
        self.past.extend([xs], [&mut *out]);
        for (y, x) in out.iter_mut().zip(xs) {
            *y = change(*x, *y);
        }
    }
    fn reset(&mut self) {
        self.past.reset();
    }
    fn warm_up(&self) -> usize {
        self.past.capacity()
    }
}

pub(super) const ROW: Row = Row {
    name: "roc",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[Param::int("period", 10, 1, MAX_PERIOD)],
    outputs: &["roc"],
    summary: "Rate of change in percent over `period` rows.",
    rule: None,
    build: |p| erase(Roc::new(p[0] as usize)),
};
