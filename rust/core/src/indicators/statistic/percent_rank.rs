//! Percent rank.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::statistic::support::SortedWindow;
use crate::indicators::{Indicator, erase};

/// Share of the `period` values before this one that are smaller, in per cent, as TA-Lib's `PERCENTRANK`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PercentRank {
    window: SortedWindow,
}

impl PercentRank {
    /// Ranked against `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { window: SortedWindow::new(period) }
    }
}

impl Indicator<1, 1> for PercentRank {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let rank = if self.window.is_full() {
            self.window.below(x) as f64 / self.window.period() as f64 * 100.0
        } else {
            f64::NAN
        };
        self.window.push(x);
        [rank]
    }
    fn reset(&mut self) {
        self.window.reset();
    }
    fn warm_up(&self) -> usize {
        self.window.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "percent_rank",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 100, 1, MAX_PERIOD)],
    outputs: &["percent_rank"],
    summary: "Share of the `period` values before this one that are smaller, 0 to 100.",
    rule: None,
    build: |p| erase(PercentRank::new(p[0] as usize)),
};
