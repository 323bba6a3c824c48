//! Dark cloud cover.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Param, Row};

/// After a long white body a black one that opens above the high and closes deep inside that body.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DarkCloudCover {
    /// How far into the first body the last one must close, as a share of it.
    pub penetration: f64,
}

impl Shape for DarkCloudCover {
    const LOOKBACK: usize = 11;

    #[inline(always)]
    fn score(&self, [c, p, ..]: &Candles) -> f64 {
        let is = p.is_white()
            && p.is_long()
            && c.is_black()
            && c.open > p.high
            && c.close > p.open
            && c.close < p.close - p.body() * self.penetration;
        if is { -100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_dark_cloud_cover",
    family: Family::Candles,
    inputs: OHLC,
    params: &[Param::float("penetration", 0.5, 0.0, 1.0)],
    outputs: &["cdl_dark_cloud_cover"],
    summary: "Dark cloud cover: a black body from above the high to deep inside a long white one (-100).",
    rule: None,
    build: |p| erase(Pattern::new(DarkCloudCover { penetration: p[0] })),
};
