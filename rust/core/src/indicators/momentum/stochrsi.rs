//! Stochastic of the RSI.

use serde::{Deserialize, Serialize};

use crate::indicators::momentum::{Rsi, StochF};
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// The fast stochastic with the RSI in place of high, low and close (Chande and Kroll, 1994); %K is 0 where the RSI is flat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StochRsi {
    rsi: Rsi,
    stoch: StochF,
}

impl StochRsi {
    /// An RSI of `period`, a window of `fastk` and an average of `fastd` values, each ≥ 1.
    pub fn new(period: usize, fastk: usize, fastd: usize) -> Self {
        Self { rsi: Rsi::new(period), stoch: StochF::new(fastk, fastd) }
    }
}

impl Indicator<1, 2> for StochRsi {
    #[inline(always)]
    fn update(&mut self, x: [f64; 1]) -> [f64; 2] {
        let [rsi] = self.rsi.update(x);
        if rsi.is_nan() {
            return [rsi; 2];
        }
        self.stoch.update([rsi; 3])
    }
    fn reset(&mut self) {
        self.rsi.reset();
        self.stoch.reset();
    }
    fn warm_up(&self) -> usize {
        self.rsi.warm_up() + self.stoch.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "stochrsi",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[
        Param::int("period", 14, 1, MAX_PERIOD),
        Param::int("fastk_period", 5, 1, MAX_PERIOD),
        Param::int("fastd_period", 3, 1, MAX_PERIOD),
    ],
    outputs: &["stochrsi_k", "stochrsi_d"],
    summary: "Stochastic RSI: place of the RSI in its own recent range; 0 where the RSI is flat.",
    rule: None,
    build: |p| erase(StochRsi::new(p[0] as usize, p[1] as usize, p[2] as usize)),
};
