//! True strength index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// `100 · EMA(EMA(Δx)) / EMA(EMA(|Δx|))`, −100 to 100 (Blau, 1991); 0 where nothing moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tsi {
    last: f64,
    change: [Smoother; 2],
    path: [Smoother; 2],
}

impl Tsi {
    /// Two stages, the first over `first` changes, the second over `second` of its values.
    pub fn new(first: usize, second: usize) -> Self {
        let stages = [Smoother::exponential(first), Smoother::exponential(second)];
        Self { last: f64::NAN, change: stages.clone(), path: stages }
    }
}

impl Indicator<1, 1> for Tsi {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let change = x - self.last;
        self.last = x;
        if change.is_nan() {
            return [f64::NAN];
        }
        let [slow, fast] = &mut self.change;
        let [path_slow, path_fast] = &mut self.path;
        let (first, first_path) = (slow.push(change), path_slow.push(change.abs()));
        if first.is_nan() {
            return [f64::NAN];
        }
        let (value, path) = (fast.push(first), path_fast.push(first_path));
        if value.is_nan() {
            return [f64::NAN];
        }
        [if path > 0.0 { 100.0 * value / path } else { 0.0 }]
    }
    fn reset(&mut self) {
        self.last = f64::NAN;
        self.change.iter_mut().chain(&mut self.path).for_each(Smoother::reset);
    }
    fn warm_up(&self) -> usize {
        self.change[0].period() + self.change[1].period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "tsi",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[Param::int("first_period", 25, 1, MAX_PERIOD), Param::int("second_period", 13, 1, MAX_PERIOD)],
    outputs: &["tsi"],
    summary: "True strength index: double-smoothed change against double-smoothed movement, -100 to 100.",
    rule: None,
    build: |p| erase(Tsi::new(p[0] as usize, p[1] as usize)),
};
