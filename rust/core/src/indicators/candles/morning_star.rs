//! Morning star.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Param, Row};

/// After a long black body a short body below it, then a white body that closes deep inside the first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MorningStar {
    /// How far into the first body the last one must close, as a share of it.
    pub penetration: f64,
}

impl Shape for MorningStar {
    const LOOKBACK: usize = 12;

    #[inline(always)]
    fn score(&self, [c, p, pp, ..]: &Candles) -> f64 {
        let is = pp.is_black()
            && c.is_white()
            && p.gaps_below(pp)
            && c.close > pp.close + pp.body() * self.penetration
            && pp.is_long()
            && p.body() <= p.mean_body()
            && c.body() > c.mean_body();
        if is { 100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_morning_star",
    family: Family::Candles,
    inputs: OHLC,
    params: &[Param::float("penetration", 0.3, 0.0, 1.0)],
    outputs: &["cdl_morning_star"],
    summary: "Morning star: a long black body, a short body below it, a white body back into the first (100).",
    rule: None,
    build: |p| erase(Pattern::new(MorningStar { penetration: p[0] })),
};
