//! Classic pivot points of the bar before.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::{Indicator, erase};

/// Outputs of [`classic`] and of every pivot row.
pub(super) const OUTPUTS: &[&str] =
    &["pivot", "resistance_1", "support_1", "resistance_2", "support_2", "resistance_3", "support_3"];

/// Pivot, R1, S1, R2, S2, R3, S3 of a finished bar or session: `P = (H + L + C) / 3`, `R1 = 2P − L`, `S1 = 2P − H`,
/// `R2 = P + (H − L)`, `S2 = P − (H − L)`, `R3 = H + 2(P − L)`, `S3 = L − 2(H − P)` (the floor traders' formula).
#[inline(always)]
pub fn classic(high: f64, low: f64, close: f64) -> [f64; 7] {
    let pivot = (high + low + close) / 3.0;
    let range = high - low;
    [
        pivot,
        2.0 * pivot - low,
        2.0 * pivot - high,
        pivot + range,
        pivot - range,
        high + 2.0 * (pivot - low),
        low - 2.0 * (high - pivot),
    ]
}

/// [`classic`] pivots of the bar before this one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Pivots {
    previous: Option<[f64; 3]>,
}

impl Pivots {
    /// Before the first bar.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator<3, 7> for Pivots {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 7] {
        match self.previous.replace(bar) {
            Some([high, low, close]) => classic(high, low, close),
            None => [f64::NAN; 7],
        }
    }
    fn reset(&mut self) {
        self.previous = None;
    }
    fn warm_up(&self) -> usize {
        1
    }
}

pub(super) const ROW: Row = Row {
    name: "pivots",
    family: Family::Levels,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[],
    outputs: OUTPUTS,
    summary: "Classic pivot points of the bar before.",
    rule: None,
    build: |_| erase(Pivots::new()),
};
