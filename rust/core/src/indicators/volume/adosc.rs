//! Chaikin oscillator.

use serde::{Deserialize, Serialize};

use super::ad::Ad;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// Fast less slow exponential average of the A/D line, both started at its first value, as TA-Lib's `ADOSC`.
///
/// Both averages are kept relative to the line itself (`f = EMA − AD`), so that the difference does not lose digits as the line
/// grows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adosc {
    line: Ad,
    previous: f64,
    fast: f64,
    slow: f64,
    keep_fast: f64,
    keep_slow: f64,
    warm_up: usize,
    seen: usize,
}

impl Adosc {
    /// An oscillator of two periods ≥ 1.
    pub fn new(fast_period: usize, slow_period: usize) -> Self {
        let keep = |n: usize| (n as f64 - 1.0) / (n as f64 + 1.0);
        Self {
            line: Ad::new(),
            previous: 0.0,
            fast: 0.0,
            slow: 0.0,
            keep_fast: keep(fast_period),
            keep_slow: keep(slow_period),
            warm_up: fast_period.max(slow_period) - 1,
            seen: 0,
        }
    }
}

impl Indicator<4, 1> for Adosc {
    #[inline(always)]
    fn update(&mut self, x: [f64; 4]) -> [f64; 1] {
        let [line] = self.line.update(x);
        let step = if self.seen == 0 { 0.0 } else { line - self.previous };
        self.previous = line;
        self.fast = self.keep_fast * (self.fast - step);
        self.slow = self.keep_slow * (self.slow - step);
        if self.seen < self.warm_up {
            self.seen += 1;
            return [f64::NAN];
        }
        self.seen = self.seen.max(1);
        [self.fast - self.slow]
    }
    fn reset(&mut self) {
        self.line.reset();
        self.fast = 0.0;
        self.slow = 0.0;
        self.seen = 0;
    }
    fn warm_up(&self) -> usize {
        self.warm_up
    }
}

pub(super) const ROW: Row = Row {
    name: "adosc",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::int("fast_period", 3, 1, MAX_PERIOD), Param::int("slow_period", 10, 1, MAX_PERIOD)],
    outputs: &["adosc"],
    summary: "Chaikin oscillator: fast less slow exponential average of the accumulation/distribution line.",
    rule: None,
    build: |p| erase(Adosc::new(p[0] as usize, p[1] as usize)),
};
