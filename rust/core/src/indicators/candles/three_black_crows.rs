//! Three black crows.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candle, Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// After a white candle three black ones without lower shadows, each opening in the body before and closing lower.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ThreeBlackCrows;

impl Shape for ThreeBlackCrows {
    const LOOKBACK: usize = 13;

    #[inline(always)]
    fn score(&self, [c, p, pp, ppp]: &Candles) -> f64 {
        let no_shadows = [c, p, pp].iter().all(|c| c.is_black() && c.is_very_short(c.lower_shadow()));
        let follows = |c: &Candle, p: &Candle| c.open < p.open && c.open > p.close && c.close < p.close;
        let is = ppp.is_white() && no_shadows && follows(c, p) && follows(p, pp) && ppp.high > pp.close;
        if is { -100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_three_black_crows",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_three_black_crows"],
    summary: "Three black crows: after a white candle three falling black ones without lower shadows (-100).",
    rule: None,
    build: |_| erase(Pattern::new(ThreeBlackCrows)),
};
