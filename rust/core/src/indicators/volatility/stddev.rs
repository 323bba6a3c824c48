//! Standard deviation.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::Variance;
use crate::indicators::{Indicator, erase};

/// Root of [`Variance`]: TA-Lib's `STDDEV` with `ddof` 0, the sample deviation with 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stddev {
    variance: Variance,
}

impl Stddev {
    /// A window of `period > ddof` values.
    pub fn new(period: usize, ddof: usize) -> Self {
        Self { variance: Variance::new(period, ddof) }
    }
}

impl Indicator<1, 1> for Stddev {
    #[inline(always)]
    fn update(&mut self, x: [f64; 1]) -> [f64; 1] {
        let [variance] = self.variance.update(x);
        [variance.sqrt()]
    }
    fn reset(&mut self) {
        self.variance.reset();
    }
    fn warm_up(&self) -> usize {
        self.variance.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "stddev",
    family: Family::Volatility,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD), Param::int("ddof", 0, 0, 1)],
    outputs: &["stddev"],
    summary: "Standard deviation of the last `period` values (`ddof` 0: population, 1: sample).",
    rule: Some(super::variance::period_above_ddof),
    build: |p| erase(Stddev::new(p[0] as usize, p[1] as usize)),
};
