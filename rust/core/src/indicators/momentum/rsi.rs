//! Relative strength index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::WilderSum;
use crate::indicators::{Indicator, erase};
use crate::window::larger;

/// `100 · gains / (gains + losses)`, both Wilder sums of the changes (Wilder, 1978); 50 where nothing has changed yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rsi {
    period: usize,
    seen: usize,
    last: f64,
    gains: WilderSum,
    losses: WilderSum,
}

impl Rsi {
    /// Averages over `period ≥ 1` changes.
    pub fn new(period: usize) -> Self {
        let sum = WilderSum::new(period, period);
        Self { period, seen: 0, last: f64::NAN, gains: sum.clone(), losses: sum }
    }
}

impl Indicator<1, 1> for Rsi {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let change = x - self.last;
        self.last = x;
        if self.seen == 0 {
            self.seen = 1;
            return [f64::NAN];
        }
        let gain = larger(change, 0.0);
        let (gains, losses) = (self.gains.push(gain), self.losses.push(gain - change));
        if self.seen < self.period {
            self.seen += 1;
            return [f64::NAN];
        }
        let total = gains + losses;
        [if total > 0.0 { 100.0 * (gains / total) } else { 50.0 }]
    }
    fn reset(&mut self) {
        *self = Self::new(self.period);
    }
    fn warm_up(&self) -> usize {
        self.period
    }
}

pub(super) const ROW: Row = Row {
    name: "rsi",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["rsi"],
    summary: "Relative strength index: share of gains in all movement, 0 to 100; 50 for a flat series.",
    rule: None,
    build: |p| erase(Rsi::new(p[0] as usize)),
};
