//! Belt hold.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A long body that opened at the low (white) or the high (black).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BeltHold;

impl Shape for BeltHold {
    const LOOKBACK: usize = 10;

    #[inline(always)]
    fn score(&self, [c, ..]: &Candles) -> f64 {
        let opening = if c.is_white() { c.lower_shadow() } else { c.upper_shadow() };
        if c.is_long() && c.is_very_short(opening) { 100.0 * c.sign() } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_belt_hold",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_belt_hold"],
    summary: "Belt hold: a long body that opened at its end (100 white, -100 black).",
    rule: None,
    build: |_| erase(Pattern::new(BeltHold)),
};
