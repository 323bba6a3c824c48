//! Three outside up or down.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A body that engulfs the opposite one before, then a close further on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ThreeOutside;

impl Shape for ThreeOutside {
    const LOOKBACK: usize = 3;

    #[inline(always)]
    fn score(&self, [c, p, pp, ..]: &Candles) -> f64 {
        let engulfs = p.top() > pp.top() && p.bottom() < pp.bottom();
        let on = if p.is_white() { c.close > p.close } else { c.close < p.close };
        if engulfs && on && p.is_white() != pp.is_white() { 100.0 * p.sign() } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_three_outside",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_three_outside"],
    summary: "Three outside up or down: an engulfing confirmed by a close further on (100 up, -100 down).",
    rule: None,
    build: |_| erase(Pattern::new(ThreeOutside)),
};
