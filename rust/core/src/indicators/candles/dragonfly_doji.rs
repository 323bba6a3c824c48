//! Dragonfly doji.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A doji with a lower shadow only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DragonflyDoji;

impl Shape for DragonflyDoji {
    const LOOKBACK: usize = 10;

    #[inline(always)]
    fn score(&self, [c, ..]: &Candles) -> f64 {
        let is = c.is_doji() && c.is_very_short(c.upper_shadow()) && c.shows(c.lower_shadow());
        if is { 100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_dragonfly_doji",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_dragonfly_doji"],
    summary: "Dragonfly doji: a doji with a lower shadow only (100).",
    rule: None,
    build: |_| erase(Pattern::new(DragonflyDoji)),
};
