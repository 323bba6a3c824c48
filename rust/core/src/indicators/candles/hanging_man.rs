//! Hanging man.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A short body on a long lower shadow, without an upper one, near or above the high before.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HangingMan;

impl Shape for HangingMan {
    const LOOKBACK: usize = 11;

    #[inline(always)]
    fn score(&self, [c, p, ..]: &Candles) -> f64 {
        let is = c.is_short()
            && c.lower_shadow() > c.body()
            && c.is_very_short(c.upper_shadow())
            && c.bottom() >= p.high - p.near();
        if is { -100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_hanging_man",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_hanging_man"],
    summary: "Hanging man: a short body on a long lower shadow, near the high before (-100).",
    rule: None,
    build: |_| erase(Pattern::new(HangingMan)),
};
