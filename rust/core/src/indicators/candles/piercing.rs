//! Piercing line.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// After a long black body a long white one that opens below the low and closes above the middle, inside that body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Piercing;

impl Shape for Piercing {
    const LOOKBACK: usize = 11;

    #[inline(always)]
    fn score(&self, [c, p, ..]: &Candles) -> f64 {
        let is = p.is_black()
            && p.is_long()
            && c.is_white()
            && c.is_long()
            && c.open < p.low
            && c.close < p.open
            && c.close > p.close + 0.5 * p.body();
        if is { 100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_piercing",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_piercing"],
    summary: "Piercing line: a long white body from below the low to above the middle of a long black one (100).",
    rule: None,
    build: |_| erase(Pattern::new(Piercing)),
};
