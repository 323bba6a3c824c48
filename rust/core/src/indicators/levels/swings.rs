//! Last swing high and low.

use serde::{Deserialize, Serialize};

use super::fractal::{Extremes, LEFT, RIGHT};
use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::{Indicator, erase};

/// Prices of the last confirmed swing high and swing low (see [`super::Fractal`]), from the bar that confirms them on; NaN until
/// there was one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Swings {
    highs: Extremes<true>,
    lows: Extremes<false>,
    last: [f64; 2],
}

impl Swings {
    /// Sides of at least one bar.
    pub fn new(left: usize, right: usize) -> Self {
        Self { highs: Extremes::new(left, right), lows: Extremes::new(left, right), last: [f64::NAN; 2] }
    }
}

impl Indicator<2, 2> for Swings {
    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 2] {
        if let Some(price) = self.highs.push(high) {
            self.last[0] = price;
        }
        if let Some(price) = self.lows.push(low) {
            self.last[1] = price;
        }
        self.last
    }
    fn reset(&mut self) {
        self.highs.reset();
        self.lows.reset();
        self.last = [f64::NAN; 2];
    }
    fn warm_up(&self) -> usize {
        self.highs.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "swings",
    family: Family::Levels,
    inputs: &[Input::High, Input::Low],
    params: &[LEFT, RIGHT],
    outputs: &["swing_high", "swing_low"],
    summary: "Prices of the last confirmed swing high and low; missing until there was one.",
    rule: None,
    build: |p| erase(Swings::new(p[0] as usize, p[1] as usize)),
};
