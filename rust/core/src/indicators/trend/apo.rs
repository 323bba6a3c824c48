//! Absolute price oscillator.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{FAST_BELOW_SLOW, Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// `EMA(fast) − EMA(slow)`, each seeded by its own first values.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Apo {
    fast: Smoother,
    slow: Smoother,
}

impl Apo {
    /// Periods with `fast < slow`.
    pub fn new(fast: usize, slow: usize) -> Self {
        Self { fast: Smoother::exponential(fast), slow: Smoother::exponential(slow) }
    }
}

impl Indicator<1, 1> for Apo {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let fast = self.fast.push_gap(x);
        [self.slow.push_gap(x) - fast]
    }
    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
    }
    fn warm_up(&self) -> usize {
        self.slow.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "apo",
    family: Family::Trend,
    inputs: &[Input::Real],
    params: &[Param::int("fast_period", 12, 1, MAX_PERIOD), Param::int("slow_period", 26, 2, MAX_PERIOD)],
    outputs: &["apo"],
    summary: "Absolute price oscillator: difference of two EMAs.",
    rule: FAST_BELOW_SLOW,
    build: |p| erase(Apo::new(p[0] as usize, p[1] as usize)),
};
