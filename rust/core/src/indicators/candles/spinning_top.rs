//! Spinning top.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A short body between two longer shadows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SpinningTop;

impl Shape for SpinningTop {
    const LOOKBACK: usize = 10;

    #[inline(always)]
    fn score(&self, [c, ..]: &Candles) -> f64 {
        let is = c.is_short() && c.upper_shadow() > c.body() && c.lower_shadow() > c.body();
        if is { 100.0 * c.sign() } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_spinning_top",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_spinning_top"],
    summary: "Spinning top: a short body between two longer shadows (100 white, -100 black).",
    rule: None,
    build: |_| erase(Pattern::new(SpinningTop)),
};
