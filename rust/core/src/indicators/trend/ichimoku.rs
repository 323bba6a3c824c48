//! Ichimoku Kinko Hyo.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, LONG_TILE, each_row, erase};
use crate::window::{Delay, RollingRange, sliding};

/// Midprices of three windows; the cloud is what was computed `displacement` bars ago, drawn forward to this bar (Hosoda, 1969).
///
/// The lagging span would show the future: in its place stands `close / close` of `displacement` bars ago, the same comparison
/// made when it can be made. Every line starts as soon as its own window is full.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ichimoku {
    tenkan: RollingRange,
    kijun: RollingRange,
    senkou: RollingRange,
    /// Both spans and the close of `displacement` bars ago.
    past: Delay,
    displacement: usize,
}

impl Ichimoku {
    /// Three windows and a displacement, each ≥ 1 bar.
    pub fn new(tenkan: usize, kijun: usize, senkou: usize, displacement: usize) -> Self {
        Self {
            tenkan: RollingRange::new(tenkan),
            kijun: RollingRange::new(kijun),
            senkou: RollingRange::new(senkou),
            past: Delay::new(displacement, 3),
            displacement,
        }
    }
}

#[inline(always)]
fn middle((highest, lowest): (f64, f64)) -> f64 {
    0.5 * (highest + lowest)
}

impl Indicator<3, 5> for Ichimoku {
    const WIDE: bool = true;
    const ROWS: usize = LONG_TILE;

    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 5] {
        let tenkan = middle(self.tenkan.push(high, low));
        let kijun = middle(self.kijun.push(high, low));
        let senkou = middle(self.senkou.push(high, low));
        let [span_a, span_b, past] = self.past.push([0.5 * (tenkan + kijun), senkou, close]);
        [tenkan, kijun, span_a, span_b, close / past]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 3], outputs: [&mut [f64]; 5]) {
        let [high, low, close] = inputs;
        let [tenkan, kijun, span_a, span_b, ratio] = outputs;
        let sizes = [self.tenkan.period(), self.kijun.period(), self.senkou.period()];
        let (longest, n) = (sizes[2], close.len());
        // The three windows share their passes if each is at most as long as the next, and if there are rows enough to pay for it.
        if !sizes.is_sorted() || n < 4 * longest {
            each_row(self, inputs, [tenkan, kijun, span_a, span_b, ratio]);
            return;
        }
        let ranges = [&mut self.tenkan, &mut self.kijun, &mut self.senkou];
        let places = ranges.each_ref().map(|range| range.at());
        let head = longest - 1;
        let mut senkou = [0.0; LONG_TILE];
        for i in 0..head {
            tenkan[i] = middle(ranges[0].push(high[i], low[i]));
            kijun[i] = middle(ranges[1].push(high[i], low[i]));
            senkou[i] = middle(ranges[2].push(high[i], low[i]));
        }
        let mut lines = [&mut tenkan[head..n], &mut kijun[head..n], &mut senkou[head..n]];
        sliding::<true, 3>(high, sizes, &mut lines);
        let (mut l0, mut l1, mut l2) = ([0.0; LONG_TILE], [0.0; LONG_TILE], [0.0; LONG_TILE]);
        sliding::<false, 3>(low, sizes, &mut [&mut l0[head..n], &mut l1[head..n], &mut l2[head..n]]);
        for i in head..n {
            tenkan[i] = middle((tenkan[i], l0[i]));
            kijun[i] = middle((kijun[i], l1[i]));
            senkou[i] = middle((senkou[i], l2[i]));
        }
        for (range, at) in ranges.into_iter().zip(places) {
            range.skip_to(at, high, low);
        }
        let span = &mut l0;
        for ((y, tenkan), kijun) in span[..n].iter_mut().zip(&*tenkan).zip(&*kijun) {
            *y = 0.5 * (tenkan + kijun);
        }
        self.past.extend([&span[..n], &senkou[..n], close], [span_a, span_b, &mut *ratio]);
        for (y, close) in ratio.iter_mut().zip(close) {
            *y = close / *y;
        }
    }
    fn reset(&mut self) {
        self.tenkan.reset();
        self.kijun.reset();
        self.senkou.reset();
        self.past.reset();
    }
    fn warm_up(&self) -> usize {
        self.tenkan.period().max(self.kijun.period()).max(self.senkou.period()) - 1 + self.displacement
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
