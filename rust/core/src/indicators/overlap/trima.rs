//! Triangular moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::overlap::Sma;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// A simple average of a simple average, so that weights rise to the middle of the window and fall again.
///
/// Both have `(n + 1) / 2` values for an odd `n`; for an even one, `n / 2` and `n / 2 + 1`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trima {
    inner: Sma,
    outer: Sma,
}

impl Trima {
    /// An average over `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { inner: Sma::new(period.div_ceil(2)), outer: Sma::new(period / 2 + 1) }
    }
}

impl Indicator<1, 1> for Trima {
    #[inline(always)]
    fn update(&mut self, x: [f64; 1]) -> [f64; 1] {
        let inner = self.inner.update(x);
        if inner[0].is_nan() {
            return inner;
        }
        self.outer.update(inner)
    }
    fn reset(&mut self) {
        self.inner.reset();
        self.outer.reset();
    }
    fn warm_up(&self) -> usize {
        self.inner.warm_up() + self.outer.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "trima",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["trima"],
    summary: "Triangular moving average: the middle of the window weighs most.",
    rule: None,
    build: |p| erase(Trima::new(p[0] as usize)),
};
