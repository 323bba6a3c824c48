//! Slow stochastic.

use serde::{Deserialize, Serialize};

use crate::indicators::momentum::place::percent;
use crate::indicators::overlap::Sma;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, LONG_TILE, erase, warm};
use crate::window::RollingRange;

/// %K of the window smoothed once (slow %K) and once more (slow %D), both by simple averages (Lane); raw %K is 0 in a flat window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stoch {
    range: RollingRange,
    k: Sma,
    d: Sma,
    /// Every row has both values from now on.
    warm: bool,
}

impl Stoch {
    /// A window of `fastk` bars, averages of `slowk` and `slowd` values, each ≥ 1.
    pub fn new(fastk: usize, slowk: usize, slowd: usize) -> Self {
        Self { range: RollingRange::new(fastk), k: Sma::new(slowk), d: Sma::new(slowd), warm: false }
    }
}

impl Indicator<3, 2> for Stoch {
    const WIDE: bool = true;
    const ROWS: usize = LONG_TILE;

    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        let (highest, lowest) = self.range.push(high, low);
        if highest.is_nan() {
            return [f64::NAN; 2];
        }
        let [k] = self.k.update([percent(close, highest, lowest)]);
        if k.is_nan() {
            return [f64::NAN; 2];
        }
        let [d] = self.d.update([k]);
        self.warm |= !d.is_nan();
        [if self.warm { k } else { d }, d]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 3], outputs: [&mut [f64]; 2]) {
        let ([high, low, close], [k, d]) = warm(self, inputs, outputs, |k| k.warm);
        let mut raw = [0.0; LONG_TILE];
        let raw = &mut raw[..k.len()];
        self.range.extend(high, low, raw, d);
        for ((raw, lowest), close) in raw.iter_mut().zip(&*d).zip(close) {
            *raw = percent(*close, *raw, *lowest);
        }
        self.k.fill([raw], [&mut *k]);
        self.d.fill([k], [d]);
    }
    fn reset(&mut self) {
        self.range.reset();
        self.k.reset();
        self.d.reset();
        self.warm = false;
    }
    fn warm_up(&self) -> usize {
        self.range.period() - 1 + self.k.warm_up() + self.d.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "stoch",
    family: Family::Momentum,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::int("fastk_period", 14, 1, MAX_PERIOD),
        Param::int("slowk_period", 3, 1, MAX_PERIOD),
        Param::int("slowd_period", 3, 1, MAX_PERIOD),
    ],
    outputs: &["stoch_k", "stoch_d"],
    summary: "Slow stochastic: smoothed place of the close in the window's range, 0 to 100; 0 in a flat window.",
    rule: None,
    build: |p| erase(Stoch::new(p[0] as usize, p[1] as usize, p[2] as usize)),
};
