//! Harami.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape, inside};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A short body inside the long one before; 80 where one end is the same. Bullish after a black candle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Harami;

impl Shape for Harami {
    const LOOKBACK: usize = 11;

    #[inline(always)]
    fn score(&self, [c, p, ..]: &Candles) -> f64 {
        if !p.is_long() || c.body() > c.mean_body() {
            return 0.0;
        }
        0.0 - p.sign() * inside(c, p)
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_harami",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_harami"],
    summary: "Harami: a short body inside the long one before (100 after a black candle, -100 after a white one).",
    rule: None,
    build: |_| erase(Pattern::new(Harami)),
};
