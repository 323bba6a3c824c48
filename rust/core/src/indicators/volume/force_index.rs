//! Elder's force index.

use serde::{Deserialize, Serialize};

use crate::indicators::overlap::Ema;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// Exponential average of `(close − previous close) · volume`, as TA-Lib's `EFI`.
///
/// Elder, *Trading for a Living* (1993).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForceIndex {
    period: usize,
    previous: Option<f64>,
    average: Ema,
}

impl ForceIndex {
    /// Smoothed over `period ≥ 1` changes (1: the raw force).
    pub fn new(period: usize) -> Self {
        Self { period, previous: None, average: Ema::new(period) }
    }
}

impl Indicator<2, 1> for ForceIndex {
    #[inline(always)]
    fn update(&mut self, [close, volume]: [f64; 2]) -> [f64; 1] {
        let Some(previous) = self.previous.replace(close) else { return [f64::NAN] };
        self.average.update([(close - previous) * volume])
    }
    fn reset(&mut self) {
        self.previous = None;
        self.average.reset();
    }
    fn warm_up(&self) -> usize {
        self.period
    }
}

pub(super) const ROW: Row = Row {
    name: "force_index",
    family: Family::Volume,
    inputs: &[Input::Close, Input::Volume],
    params: &[Param::int("period", 13, 1, MAX_PERIOD)],
    outputs: &["force_index"],
    summary: "Elder's force index: exponential average of price change times volume.",
    rule: None,
    build: |p| erase(ForceIndex::new(p[0] as usize)),
};
