//! Aroon.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, LONG_TILE, erase};
use crate::window::RangeAge;

/// `up = 100·(n − bars since the highest high)/n`, `down` the same for the lowest low, both over `n + 1` bars, and `up − down`
/// (Chande, 1995).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Aroon {
    age: RangeAge,
    period: f64,
    factor: f64,
}

impl Aroon {
    /// Looks back `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        let n = period as f64;
        Self { age: RangeAge::new(period + 1), period: n, factor: 100.0 / n }
    }

    #[inline(always)]
    fn lines(&self, since_high: f64, since_low: f64) -> [f64; 3] {
        [
            self.factor * (self.period - since_high),
            self.factor * (self.period - since_low),
            self.factor * (since_low - since_high),
        ]
    }
}

impl Indicator<2, 3> for Aroon {
    const WIDE: bool = true;
    const ROWS: usize = LONG_TILE;

    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 3] {
        let (since_high, since_low) = self.age.push(high, low);
        self.lines(since_high, since_low)
    }
    #[inline(always)]
    fn fill(&mut self, [high, low]: [&[f64]; 2], [up, down, oscillator]: [&mut [f64]; 3]) {
        self.age.extend(high, low, up, down);
        for ((up, down), oscillator) in up.iter_mut().zip(down).zip(oscillator) {
            [*up, *down, *oscillator] = self.lines(*up, *down);
        }
    }
    fn reset(&mut self) {
        self.age.reset();
    }
    fn warm_up(&self) -> usize {
        self.age.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "aroon",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["aroon_up", "aroon_down", "aroon_osc"],
    summary: "Aroon: how recent the highest high and the lowest low are, and their difference.",
    rule: None,
    build: |p| erase(Aroon::new(p[0] as usize)),
};
