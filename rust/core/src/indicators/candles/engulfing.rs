//! Engulfing.

use serde::{Deserialize, Serialize};

use super::OHLC;
use super::candle::{Candles, Pattern, Shape};
use crate::indicators::erase;
use crate::indicators::registry::{Family, Row};

/// A body that engulfs the one before, of the other colour; 80 where one end is the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Engulfing;

impl Shape for Engulfing {
    const LOOKBACK: usize = 2;

    #[inline(always)]
    fn score(&self, [c, p, ..]: &Candles) -> f64 {
        let engulfs = c.top() >= p.top() && c.bottom() <= p.bottom() && (c.top() > p.top() || c.bottom() < p.bottom());
        if c.is_white() == p.is_white() || !engulfs {
            return 0.0;
        }
        c.sign() * if c.open != p.close && c.close != p.open { 100.0 } else { 80.0 }
    }
}

pub(super) const ROW: Row = Row {
    name: "cdl_engulfing",
    family: Family::Candles,
    inputs: OHLC,
    params: &[],
    outputs: &["cdl_engulfing"],
    summary: "Engulfing: a body that engulfs the opposite one before (100 up, -100 down; 80 with one end the same).",
    rule: None,
    build: |_| erase(Pattern::new(Engulfing)),
};
