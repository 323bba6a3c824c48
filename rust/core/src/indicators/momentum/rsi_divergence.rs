//! Divergence of price and RSI.

use serde::{Deserialize, Serialize};

use crate::indicators::momentum::Rsi;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::Ring;

/// Two flags against `lookback` bars ago: bearish is 1 where the price is higher and the RSI lower, bullish where it is the other
/// way round, else 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RsiDivergence {
    rsi: Rsi,
    price: Ring,
    index: Ring,
}

impl RsiDivergence {
    /// An RSI of `period`, compared with `lookback` bars ago, both ≥ 1.
    pub fn new(period: usize, lookback: usize) -> Self {
        Self { rsi: Rsi::new(period), price: Ring::new(lookback), index: Ring::new(lookback) }
    }

    /// (bearish, bullish) of a price and its RSI against their values some bars before.
    #[inline(always)]
    pub fn flags(price: f64, past_price: f64, rsi: f64, past_rsi: f64) -> (bool, bool) {
        (price > past_price && rsi < past_rsi, price < past_price && rsi > past_rsi)
    }
}

impl Indicator<1, 2> for RsiDivergence {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 2] {
        let [rsi] = self.rsi.update([x]);
        if rsi.is_nan() {
            return [f64::NAN; 2];
        }
        let (past_price, past_rsi) = (self.price.push(x), self.index.push(rsi));
        if past_rsi.is_nan() {
            return [f64::NAN; 2];
        }
        let (bearish, bullish) = Self::flags(x, past_price, rsi, past_rsi);
        [f64::from(u8::from(bearish)), f64::from(u8::from(bullish))]
    }
    fn reset(&mut self) {
        self.rsi.reset();
        self.price.reset();
        self.index.reset();
    }
    fn warm_up(&self) -> usize {
        self.rsi.warm_up() + self.index.capacity()
    }
}

pub(super) const ROW: Row = Row {
    name: "rsi_divergence",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 1, MAX_PERIOD), Param::int("lookback", 10, 1, MAX_PERIOD)],
    outputs: &["rsi_bearish_div", "rsi_bullish_div"],
    summary: "RSI divergence: 1 where price and RSI have moved in opposite directions since `lookback` bars ago.",
    rule: None,
    build: |p| erase(RsiDivergence::new(p[0] as usize, p[1] as usize)),
};
