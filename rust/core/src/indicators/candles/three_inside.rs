//! Three inside up or down.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A short body inside the long one before, then a candle of the other colour that closes beyond the open of the first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ThreeInside;

impl Shape for ThreeInside {
    const LOOKBACK: usize = 12;

    #[inline(always)]
    fn score(&self, [c, p, pp, ..]: &Candles) -> f64 {
        let inside = p.top() < pp.top() && p.bottom() > pp.bottom();
        let out = if pp.is_white() { c.is_black() && c.close < pp.open } else { c.is_white() && c.close > pp.open };
        let is = inside && out && pp.is_long() && p.body() <= p.mean_body();
        if is { -100.0 * pp.sign() } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_three_inside",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_three_inside"],
    summary: "Three inside up or down: a harami confirmed by a close beyond its first open (100 up, -100 down).",
    rule: None,
    build: |_| erase(Pattern::new(ThreeInside)),
};
