//! Coppock curve.

use serde::{Deserialize, Serialize};

use crate::indicators::momentum::Roc;
use crate::indicators::overlap::Wma;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// Weighted average of the sum of two rates of change (Coppock, 1962).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Coppock {
    average: Wma,
    short: Roc,
    long: Roc,
}

impl Coppock {
    /// An average of `wma` values of the changes over `first` and `second` rows.
    pub fn new(wma: usize, first: usize, second: usize) -> Self {
        Self { average: Wma::new(wma), short: Roc::new(first), long: Roc::new(second) }
    }
}

impl Indicator<1, 1> for Coppock {
    #[inline(always)]
    fn update(&mut self, x: [f64; 1]) -> [f64; 1] {
        let [short] = self.short.update(x);
        let [long] = self.long.update(x);
        let sum = short + long;
        if sum.is_nan() {
            return [sum];
        }
        self.average.update([sum])
    }
    fn reset(&mut self) {
        self.average.reset();
        self.short.reset();
        self.long.reset();
    }
    fn warm_up(&self) -> usize {
        self.average.warm_up() + self.short.warm_up().max(self.long.warm_up())
    }
}

pub(super) const ROW: Row = Row {
    name: "coppock",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[
        Param::int("wma_period", 10, 1, MAX_PERIOD),
        Param::int("roc1_period", 11, 1, MAX_PERIOD),
        Param::int("roc2_period", 14, 1, MAX_PERIOD),
    ],
    outputs: &["coppock"],
    summary: "Coppock curve: weighted average of two rates of change.",
    rule: None,
    build: |p| erase(Coppock::new(p[0] as usize, p[1] as usize, p[2] as usize)),
};
