//! Evening star.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Param, Row};

/// After a long white body a short body above it, then a black body that closes deep inside the first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EveningStar {
    /// How far into the first body the last one must close, as a share of it.
    pub penetration: f64,
}

impl Shape for EveningStar {
    const LOOKBACK: usize = 12;

    #[inline(always)]
    fn score(&self, [c, p, pp, ..]: &Candles) -> f64 {
        let is = pp.is_white()
            && c.is_black()
            && p.gaps_above(pp)
            && c.close < pp.close - pp.body() * self.penetration
            && pp.is_long()
            && p.body() <= p.mean_body()
            && c.body() > c.mean_body();
        if is { -100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_evening_star",
    family: Family::Candles,
    inputs: OHLC,
    params: &[Param::float("penetration", 0.3, 0.0, 1.0)],
    outputs: &["cdl_evening_star"],
    summary: "Evening star: a long white body, a short body above it, a black body back into the first (-100).",
    rule: None,
    build: |p| erase(Pattern::new(EveningStar { penetration: p[0] })),
};
