//! Three white soldiers.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candle, Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// Three white candles without upper shadows, each opening in or near the body before, closing higher and not far smaller.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ThreeWhiteSoldiers;

impl Shape for ThreeWhiteSoldiers {
    const LOOKBACK: usize = 12;

    #[inline(always)]
    fn score(&self, [c, p, pp, ..]: &Candles) -> f64 {
        let no_shadows = [c, p, pp].iter().all(|c| c.is_white() && c.is_very_short(c.upper_shadow()));
        let follows = |c: &Candle, p: &Candle| {
            c.close > p.close && c.open > p.open && c.open <= p.close + p.near() && c.body() > p.body() - p.far()
        };
        if no_shadows && follows(c, p) && follows(p, pp) && c.is_long() { 100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_three_white_soldiers",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_three_white_soldiers"],
    summary: "Three white soldiers: three rising white candles without upper shadows (100).",
    rule: None,
    build: |_| erase(Pattern::new(ThreeWhiteSoldiers)),
};
