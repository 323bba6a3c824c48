//! Momentum.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::Delay;

/// `x − xₙ`, the change over `period` rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mom {
    past: Delay,
}

impl Mom {
    /// Looks back `period ≥ 1` rows.
    pub fn new(period: usize) -> Self {
        Self { past: Delay::new(period, 1) }
    }
}

impl Indicator<1, 1> for Mom {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let [past] = self.past.push([x]);
        [x - past]
    }
    fn reset(&mut self) {
        self.past.reset();
    }
    fn warm_up(&self) -> usize {
        self.past.capacity()
    }
}

pub(super) const ROW: Row = Row {
    name: "mom",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[Param::int("period", 10, 1, MAX_PERIOD)],
    outputs: &["mom"],
    summary: "Momentum: change over `period` rows.",
    rule: None,
    build: |p| erase(Mom::new(p[0] as usize)),
};
