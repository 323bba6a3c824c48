//! Normalised average true range.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::Atr;
use crate::indicators::{Indicator, erase};

/// `100 · ATR / close`, as TA-Lib's `NATR`; 0 at a close of 0.
///
/// For a period of 1 TA-Lib leaves the division out and gives the true range in price units. Here it stays a percentage: a
/// deliberate difference, as the output must not change its unit with a parameter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Natr {
    atr: Atr,
}

impl Natr {
    /// An average over `period ≥ 1` true ranges.
    pub fn new(period: usize) -> Self {
        Self { atr: Atr::new(period) }
    }
}

impl Indicator<3, 1> for Natr {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let [atr] = self.atr.update(bar);
        [if bar[2] == 0.0 { atr * 0.0 } else { atr / bar[2] * 100.0 }]
    }
    fn reset(&mut self) {
        self.atr.reset();
    }
    fn warm_up(&self) -> usize {
        self.atr.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "natr",
    family: Family::Volatility,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["natr"],
    summary: "Average true range as a percentage of the close, for a period of 1 too (TA-Lib: in price units).",
    rule: None,
    build: |p| erase(Natr::new(p[0] as usize)),
};
