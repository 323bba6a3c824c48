//! Average true range.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::volatility::TrueRange;
use crate::indicators::{Indicator, TILE, erase, warm};

/// Wilder's average of the true range, seeded by the mean of its first `period` values (the first bar has none).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Atr {
    range: TrueRange,
    smooth: Smoother,
}

impl Atr {
    /// An average over `period ≥ 1` true ranges.
    pub fn new(period: usize) -> Self {
        Self { range: TrueRange::new(), smooth: Smoother::wilder(period) }
    }

    /// The seed is complete.
    #[inline(always)]
    pub(crate) fn is_warm(&self) -> bool {
        self.smooth.is_warm()
    }
}

impl Indicator<3, 1> for Atr {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let [range] = self.range.update(bar);
        if range.is_nan() {
            return [f64::NAN];
        }
        [self.smooth.push(range)]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 3], outputs: [&mut [f64]; 1]) {
        let (bars, [out]) = warm(self, inputs, outputs, |k| k.smooth.is_warm());
        let mut range = [0.0; TILE];
        let range = &mut range[..out.len()];
        self.range.fill(bars, [&mut *range]);
        self.smooth.extend(range, out);
    }
    fn reset(&mut self) {
        self.range.reset();
        self.smooth.reset();
    }
    fn warm_up(&self) -> usize {
        self.smooth.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "atr",
    family: Family::Volatility,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["atr"],
    summary: "Average true range with Wilder's smoothing.",
    rule: None,
    build: |p| erase(Atr::new(p[0] as usize)),
};
