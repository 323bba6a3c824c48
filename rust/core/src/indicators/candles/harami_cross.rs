//! Harami cross.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape, inside};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A doji inside the long body before; 80 where one end is the same. Bullish after a black candle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HaramiCross;

impl Shape for HaramiCross {
    const LOOKBACK: usize = 11;

    #[inline(always)]
    fn score(&self, [c, p, ..]: &Candles) -> f64 {
        if !p.is_long() || !c.is_doji() {
            return 0.0;
        }
        0.0 - p.sign() * inside(c, p)
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_harami_cross",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_harami_cross"],
    summary: "Harami cross: a doji inside the long body before (100 after a black candle, -100 after a white one).",
    rule: None,
    build: |_| erase(Pattern::new(HaramiCross)),
};
