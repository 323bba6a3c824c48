//! Fast stochastic.

use serde::{Deserialize, Serialize};

use crate::indicators::momentum::place::percent;
use crate::indicators::overlap::Sma;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingRange;

/// `%K = 100 · (close − lowest low) / (highest high − lowest low)` and its simple average %D (Lane); %K is 0 in a flat window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StochF {
    range: RollingRange,
    d: Sma,
}

impl StochF {
    /// A window of `fastk` bars and an average of `fastd`, both ≥ 1.
    pub fn new(fastk: usize, fastd: usize) -> Self {
        Self { range: RollingRange::new(fastk), d: Sma::new(fastd) }
    }
}

impl Indicator<3, 2> for StochF {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        let (highest, lowest) = self.range.push(high, low);
        if highest.is_nan() {
            return [f64::NAN; 2];
        }
        let k = percent(close, highest, lowest);
        let [d] = self.d.update([k]);
        [if d.is_nan() { d } else { k }, d]
    }
    fn reset(&mut self) {
        self.range.reset();
        self.d.reset();
    }
    fn warm_up(&self) -> usize {
        self.range.period() - 1 + self.d.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "stochf",
    family: Family::Momentum,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("fastk_period", 14, 1, MAX_PERIOD), Param::int("fastd_period", 3, 1, MAX_PERIOD)],
    outputs: &["stochf_k", "stochf_d"],
    summary: "Fast stochastic: place of the close in the window's range, and its average; 0 in a flat window.",
    rule: None,
    build: |p| erase(StochF::new(p[0] as usize, p[1] as usize)),
};
