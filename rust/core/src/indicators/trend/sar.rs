//! Parabolic stop and reverse.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{larger, smaller};

/// `s ← s + a·(extreme − s)`, where `a` grows by `acceleration` with every new extreme up to `maximum`; the side changes when the
/// price touches `s`, which never enters the range of the last two bars (Wilder, 1978).
///
/// The first side is long unless the second bar has downward movement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sar {
    acceleration: f64,
    maximum: f64,
    seen: u8,
    long: bool,
    high: f64,
    low: f64,
    stop: f64,
    extreme: f64,
    factor: f64,
}

impl Sar {
    /// Steps of `acceleration` up to `maximum`.
    pub fn new(acceleration: f64, maximum: f64) -> Self {
        Self {
            acceleration,
            maximum,
            seen: 0,
            long: true,
            high: f64::NAN,
            low: f64::NAN,
            stop: f64::NAN,
            extreme: f64::NAN,
            factor: acceleration,
        }
    }

    /// Side, extreme and stop from the first two bars.
    fn start(&mut self, high: f64, low: f64) {
        let (up, down) = (high - self.high, self.low - low);
        self.long = !(down > 0.0 && down > up);
        self.extreme = if self.long { high } else { low };
        self.stop = if self.long { self.low } else { self.high };
        self.factor = self.acceleration;
        self.high = high;
        self.low = low;
    }
}

impl Indicator<2, 1> for Sar {
    #[inline(always)]
    fn update(&mut self, [high, low]: [f64; 2]) -> [f64; 1] {
        if self.seen < 2 {
            self.seen += 1;
            if self.seen == 1 {
                self.high = high;
                self.low = low;
                return [f64::NAN];
            }
            self.start(high, low);
        }
        let (top, bottom) = (larger(self.high, high), smaller(self.low, low));
        self.high = high;
        self.low = low;
        let touched = if self.long { low <= self.stop } else { high >= self.stop };
        if touched {
            self.long = !self.long;
            self.stop = if self.long { smaller(self.extreme, bottom) } else { larger(self.extreme, top) };
        }
        let shown = self.stop;
        let edge = if self.long { high } else { low };
        if touched {
            self.factor = self.acceleration;
            self.extreme = edge;
        } else if if self.long { edge > self.extreme } else { edge < self.extreme } {
            self.extreme = edge;
            self.factor = smaller(self.factor + self.acceleration, self.maximum);
        }
        let next = shown + self.factor * (self.extreme - shown);
        self.stop = if self.long { smaller(next, bottom) } else { larger(next, top) };
        [shown]
    }
    fn reset(&mut self) {
        *self = Self::new(self.acceleration, self.maximum);
    }
    fn warm_up(&self) -> usize {
        1
    }
}

pub(super) const ROW: Row = Row {
    name: "sar",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low],
    params: &[Param::float("acceleration", 0.02, 0.0, 10.0), Param::float("maximum", 0.2, 0.0, 10.0)],
    outputs: &["sar"],
    summary: "Parabolic stop and reverse: a stop that speeds up towards the price.",
    rule: Some(|p| (p[0] > p[1]).then_some(("acceleration", "at most maximum"))),
    build: |p| erase(Sar::new(p[0], p[1])),
};
