//! Doji.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// Open and close hardly differ.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Doji;

impl Shape for Doji {
    const LOOKBACK: usize = 10;

    #[inline(always)]
    fn score(&self, [c, ..]: &Candles) -> f64 {
        if c.is_doji() { 100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_doji",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_doji"],
    summary: "Doji: open and close hardly differ (100).",
    rule: None,
    build: |_| erase(Pattern::new(Doji)),
};
