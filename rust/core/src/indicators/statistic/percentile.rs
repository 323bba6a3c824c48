//! Rolling percentile.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::statistic::support::SortedWindow;
use crate::indicators::{Indicator, erase};

/// The value of nearest rank `⌈percent · period / 100⌉` among the last `period` values, as TA-Lib's `PERCENTILE`: always one of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Percentile {
    window: SortedWindow,
    at: usize,
}

impl Percentile {
    /// Percentile `percent` (0 to 100) of `period ≥ 1` values.
    pub fn new(period: usize, percent: f64) -> Self {
        // The product first: 29 % of 100 is 29 exactly, 0.29 · 100 is not.
        let rank = (percent * period as f64 / 100.0).ceil() as usize;
        Self { window: SortedWindow::new(period), at: rank.clamp(1, period) - 1 }
    }
}

impl Indicator<1, 1> for Percentile {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        self.window.push(x);
        [if self.window.is_full() { self.window.sorted()[self.at] } else { f64::NAN }]
    }
    fn reset(&mut self) {
        self.window.reset();
    }
    fn warm_up(&self) -> usize {
        self.window.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "percentile",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 100, 1, MAX_PERIOD), Param::float("percent", 50.0, 0.0, 100.0)],
    outputs: &["percentile"],
    summary: "Percentile of the last `period` values by nearest rank (50: the median of an odd number).",
    rule: None,
    build: |p| erase(Percentile::new(p[0] as usize, p[1])),
};
