//! Awesome oscillator.

use serde::{Deserialize, Serialize};

use crate::indicators::overlap::Sma;
use crate::indicators::registry::{FAST_BELOW_SLOW, Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// `SMA(fast) − SMA(slow)` of the bar's middle `(high + low) / 2` (Williams, 1998).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ao {
    fast: Sma,
    slow: Sma,
}

impl Ao {
    /// Windows with `fast < slow`.
    pub fn new(fast: usize, slow: usize) -> Self {
        Self { fast: Sma::new(fast), slow: Sma::new(slow) }
    }
}

impl Indicator<2, 1> for Ao {
    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 1] {
        let middle = 0.5 * (high + low);
        let [fast] = self.fast.update([middle]);
        let [slow] = self.slow.update([middle]);
        [fast - slow]
    }
    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
    }
    fn warm_up(&self) -> usize {
        self.slow.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "ao",
    family: Family::Momentum,
    inputs: &[Input::High, Input::Low],
    params: &[Param::int("fast_period", 5, 1, MAX_PERIOD), Param::int("slow_period", 34, 2, MAX_PERIOD)],
    outputs: &["ao"],
    summary: "Awesome oscillator: short minus long simple average of the bar's middle.",
    rule: FAST_BELOW_SLOW,
    build: |p| erase(Ao::new(p[0] as usize, p[1] as usize)),
};
