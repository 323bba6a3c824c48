//! Marubozu.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A long body with hardly any shadow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Marubozu;

impl Shape for Marubozu {
    const LOOKBACK: usize = 10;

    #[inline(always)]
    fn score(&self, [c, ..]: &Candles) -> f64 {
        let is = c.is_long() && c.is_very_short(c.upper_shadow()) && c.is_very_short(c.lower_shadow());
        if is { 100.0 * c.sign() } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_marubozu",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_marubozu"],
    summary: "Marubozu: a long body with hardly any shadow (100 white, -100 black).",
    rule: None,
    build: |_| erase(Pattern::new(Marubozu)),
};
