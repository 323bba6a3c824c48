//! Z-score.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingMoments;

/// `(x − mean) / standard deviation` of the last `period` values, this one included; 0 where they are all equal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Zscore {
    moments: RollingMoments,
    correction: f64,
}

impl Zscore {
    /// A window of `period > ddof` values.
    pub fn new(period: usize, ddof: usize) -> Self {
        let n = period as f64;
        Self { moments: RollingMoments::new(period), correction: (n / (n - ddof as f64)).sqrt() }
    }
}

impl Indicator<1, 1> for Zscore {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let spread = self.moments.push(x);
        let deviation = spread.deviation() * self.correction;
        [if deviation == 0.0 { 0.0 } else { (x - spread.mean) / deviation }]
    }
    fn reset(&mut self) {
        self.moments.reset();
    }
    fn warm_up(&self) -> usize {
        self.moments.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "zscore",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD), Param::int("ddof", 0, 0, 1)],
    outputs: &["zscore"],
    summary: "Distance from the mean of the last `period` values in standard deviations; 0 where all are equal.",
    rule: Some(|p| (p[0] <= p[1]).then_some(("period", "more than ddof"))),
    build: |p| erase(Zscore::new(p[0] as usize, p[1] as usize)),
};
