//! Shooting star.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A short body under a long upper shadow, without a lower one, that gaps up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShootingStar;

impl Shape for ShootingStar {
    const LOOKBACK: usize = 11;

    #[inline(always)]
    fn score(&self, [c, p, ..]: &Candles) -> f64 {
        let is = c.gaps_above(p) && c.is_short() && c.upper_shadow() > c.body() && c.is_very_short(c.lower_shadow());
        if is { -100.0 } else { 0.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_shooting_star",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_shooting_star"],
    summary: "Shooting star: a short body under a long upper shadow after a gap up (-100).",
    rule: None,
    build: |_| erase(Pattern::new(ShootingStar)),
};
