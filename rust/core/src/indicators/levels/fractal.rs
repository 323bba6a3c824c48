//! Fractals: confirmed swing highs and lows.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{Ring, RollingExtreme};

/// Most bars on a side.
const MAX_SIDE: u32 = 10_000;
pub(super) const LEFT: Param = Param::int("left", 2, 1, MAX_SIDE);
pub(super) const RIGHT: Param = Param::int("right", 2, 1, MAX_SIDE);

/// Finds values above (`MAX`) or below all of the `left` values before and the `right` values after them.
///
/// A value is reported `right` rows later, when the last of those has come: nothing looks ahead.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Extremes<const MAX: bool> {
    before: RollingExtreme<MAX>,
    after: RollingExtreme<MAX>,
    /// The candidate and the `right` values after it.
    recent: Ring,
    /// Extreme of the `left` values before the candidate.
    left_extreme: f64,
}

impl<const MAX: bool> Extremes<MAX> {
    /// Sides of at least one value.
    pub fn new(left: usize, right: usize) -> Self {
        Self {
            before: RollingExtreme::new(left),
            after: RollingExtreme::new(right),
            recent: Ring::new(right + 1),
            left_extreme: f64::NAN,
        }
    }

    /// Takes a value; returns the one `right` rows ago if it is now confirmed.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> Option<f64> {
        let leaving = self.recent.push(x);
        if !leaving.is_nan() {
            self.left_extreme = self.before.push(leaving);
        }
        let right_extreme = self.after.push(x);
        let candidate = self.recent.get(0);
        // NaN while a side fills: no comparison holds.
        let beyond = |other: f64| if MAX { candidate > other } else { candidate < other };
        (self.recent.is_full() && beyond(self.left_extreme) && beyond(right_extreme)).then_some(candidate)
    }

    /// Rows before the first that can confirm anything.
    pub fn warm_up(&self) -> usize {
        self.before.period() + self.after.period()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.before.reset();
        self.after.reset();
        self.recent.reset();
        self.left_extreme = f64::NAN;
    }
}

/// 100 on the bar that confirms a swing high (low) `right` bars earlier, else 0, as TA-Lib's `FRACTAL`.
///
/// Bill Williams, *Trading Chaos* (1995): a high above the two highs on either side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fractal {
    highs: Extremes<true>,
    lows: Extremes<false>,
    seen: usize,
}

impl Fractal {
    /// Sides of at least one bar.
    pub fn new(left: usize, right: usize) -> Self {
        Self { highs: Extremes::new(left, right), lows: Extremes::new(left, right), seen: 0 }
    }
}

impl Indicator<2, 2> for Fractal {
    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 2] {
        let (up, down) = (self.highs.push(high), self.lows.push(low));
        if self.seen < self.highs.warm_up() {
            self.seen += 1;
            return [f64::NAN; 2];
        }
        let score = |found: Option<f64>| if found.is_some() { 100.0 } else { 0.0 };
        [score(up), score(down)]
    }
    fn reset(&mut self) {
        self.highs.reset();
        self.lows.reset();
        self.seen = 0;
    }
    fn warm_up(&self) -> usize {
        self.highs.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "fractal",
    family: Family::Levels,
    inputs: &[Input::High, Input::Low],
    params: &[LEFT, RIGHT],
    outputs: &["fractal_high", "fractal_low"],
    summary: "100 on the bar that confirms a swing high or low `right` bars earlier, else 0.",
    rule: None,
    build: |p| erase(Fractal::new(p[0] as usize, p[1] as usize)),
};
