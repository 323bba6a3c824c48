//! Ulcer index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{RollingMax, RollingSum};

/// `√(mean d²)` over `period` bars with `d = 100 · (x − highest) / highest` against the highest of the last `period` values.
///
/// Peter Martin, *The Investor's Guide to Fidelity Funds* (1989). A value whose highest is ≤ 0 gives NaN for its row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UlcerIndex {
    highest: RollingMax,
    squares: RollingSum,
}

impl UlcerIndex {
    /// Windows of `period ≥ 1` values.
    pub fn new(period: usize) -> Self {
        Self { highest: RollingMax::new(period), squares: RollingSum::new(period) }
    }
}

impl Indicator<1, 1> for UlcerIndex {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let highest = self.highest.push(x);
        // NaN while the window fills.
        if !matches!(highest.partial_cmp(&0.0), Some(std::cmp::Ordering::Greater)) {
            return [f64::NAN];
        }
        let drawdown = 100.0 * (x - highest) / highest;
        [(self.squares.push(drawdown * drawdown) / self.squares.period() as f64).sqrt()]
    }
    fn reset(&mut self) {
        self.highest.reset();
        self.squares.reset();
    }
    fn warm_up(&self) -> usize {
        2 * (self.highest.period() - 1)
    }
}

pub(super) const ROW: Row = Row {
    name: "ulcer_index",
    family: Family::Volatility,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["ulcer_index"],
    summary: "Ulcer index: root mean square of the percentage drawdowns from the high of `period` bars.",
    rule: None,
    build: |p| erase(UlcerIndex::new(p[0] as usize)),
};
