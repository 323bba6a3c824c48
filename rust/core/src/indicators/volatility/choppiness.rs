//! Choppiness index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::TrueRange;
use crate::indicators::{Indicator, erase};
use crate::window::{RollingMax, RollingMin, RollingSum};

/// `100 · log₁₀(Σ true range / (highest high − lowest low)) / log₁₀ period`: 0 in a straight run, 100 where every bar fills the
/// whole box; 100 too where nothing moved, as TA-Lib's `CHOP`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Choppiness {
    range: TrueRange,
    sum: RollingSum,
    highest: RollingMax,
    lowest: RollingMin,
    log_period: f64,
}

impl Choppiness {
    /// A window of `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self {
            range: TrueRange::new(),
            sum: RollingSum::new(period),
            highest: RollingMax::new(period),
            lowest: RollingMin::new(period),
            log_period: (period as f64).log10(),
        }
    }
}

impl Indicator<3, 1> for Choppiness {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let height = self.highest.push(bar[0]) - self.lowest.push(bar[1]);
        let [range] = self.range.update(bar);
        if range.is_nan() {
            return [f64::NAN];
        }
        let travelled = self.sum.push(range);
        if travelled.is_nan() {
            return [f64::NAN];
        }
        if height <= 0.0 || travelled <= 0.0 {
            return [100.0];
        }
        [100.0 * ((travelled / height).log10() / self.log_period)]
    }
    fn reset(&mut self) {
        self.range.reset();
        self.sum.reset();
        self.highest.reset();
        self.lowest.reset();
    }
    fn warm_up(&self) -> usize {
        self.sum.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "choppiness",
    family: Family::Volatility,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["choppiness"],
    summary: "Choppiness index: true range travelled against the height of the box, on a log scale of 0 to 100.",
    rule: None,
    build: |p| erase(Choppiness::new(p[0] as usize)),
};
