//! Percentage price oscillator.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{FAST_BELOW_SLOW, Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// `100 · (EMA(fast) − EMA(slow)) / EMA(slow)`, 0 where the slow average is 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ppo {
    fast: Smoother,
    slow: Smoother,
}

impl Ppo {
    /// Periods with `fast < slow`.
    pub fn new(fast: usize, slow: usize) -> Self {
        Self { fast: Smoother::exponential(fast), slow: Smoother::exponential(slow) }
    }
}

impl Indicator<1, 1> for Ppo {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let fast = self.fast.push_gap(x);
        let gap = self.slow.push_gap(x);
        let slow = x - gap;
        [if slow == 0.0 { 0.0 } else { (gap - fast) / slow * 100.0 }]
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
    name: "ppo",
    family: Family::Trend,
    inputs: &[Input::Real],
    params: &[Param::int("fast_period", 12, 1, MAX_PERIOD), Param::int("slow_period", 26, 2, MAX_PERIOD)],
    outputs: &["ppo"],
    summary: "Percentage price oscillator: difference of two EMAs in percent of the slow one.",
    rule: FAST_BELOW_SLOW,
    build: |p| erase(Ppo::new(p[0] as usize, p[1] as usize)),
};
