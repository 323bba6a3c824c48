//! Ichimoku Kinko Hyo.

use serde::{Deserialize, Serialize};

use crate::indicators::overlap::Midprice;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::Delay;

/// Midprices of three windows; the cloud is what was computed `displacement` bars ago, drawn forward to this bar (Hosoda, 1969).
///
/// The lagging span would show the future: in its place stands `close / close` of `displacement` bars ago, the same comparison
/// made when it can be made. Every line starts as soon as its own window is full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ichimoku {
    tenkan: Midprice,
    kijun: Midprice,
    senkou: Midprice,
    /// Both spans and the close of `displacement` bars ago.
    past: Delay,
    displacement: usize,
}

impl Ichimoku {
    /// Three windows and a displacement, each ≥ 1 bar.
    pub fn new(tenkan: usize, kijun: usize, senkou: usize, displacement: usize) -> Self {
        Self {
            tenkan: Midprice::new(tenkan),
            kijun: Midprice::new(kijun),
            senkou: Midprice::new(senkou),
            past: Delay::new(displacement, 3),
            displacement,
        }
    }
}

impl Indicator<3, 5> for Ichimoku {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 5] {
        let [tenkan] = self.tenkan.update([high, low]);
        let [kijun] = self.kijun.update([high, low]);
        let [senkou] = self.senkou.update([high, low]);
        let [span_a, span_b, past] = self.past.push([0.5 * (tenkan + kijun), senkou, close]);
        [tenkan, kijun, span_a, span_b, close / past]
    }
    fn reset(&mut self) {
        self.tenkan.reset();
        self.kijun.reset();
        self.senkou.reset();
        self.past.reset();
    }
    fn warm_up(&self) -> usize {
        self.tenkan.warm_up().max(self.kijun.warm_up()).max(self.senkou.warm_up()) + self.displacement
    }
}

pub(super) const ROW: Row = Row {
    name: "ichimoku",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::int("tenkan_period", 9, 1, MAX_PERIOD),
        Param::int("kijun_period", 26, 1, MAX_PERIOD),
        Param::int("senkou_period", 52, 1, MAX_PERIOD),
        Param::int("displacement", 26, 1, MAX_PERIOD),
    ],
    outputs: &["tenkan", "kijun", "senkou_a", "senkou_b", "chikou_ratio"],
    summary: "Ichimoku cloud as it stands over this bar, without look-ahead: close against the past replaces chikou.",
    rule: None,
    build: |p| erase(Ichimoku::new(p[0] as usize, p[1] as usize, p[2] as usize, p[3] as usize)),
};
