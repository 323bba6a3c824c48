//! Supertrend.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::Atr;
use crate::indicators::{Indicator, erase};
use crate::window::{larger, smaller};

/// A stop line `multiplier` ATRs from the middle of the bar that only moves with the trend and flips when the close crosses it
/// (Seban). Direction is +1 above the line and −1 below it; the first row is taken as an uptrend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Supertrend {
    atr: Atr,
    multiplier: f64,
    upper: f64,
    lower: f64,
    close: f64,
    direction: f64,
}

impl Supertrend {
    /// An ATR of `period ≥ 1` bars, at `multiplier` of which the line runs.
    pub fn new(period: usize, multiplier: f64) -> Self {
        Self {
            atr: Atr::new(period),
            multiplier,
            upper: f64::INFINITY,
            lower: f64::NEG_INFINITY,
            close: f64::NAN,
            direction: 1.0,
        }
    }
}

impl Indicator<3, 2> for Supertrend {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        let [atr] = self.atr.update([high, low, close]);
        if atr.is_nan() {
            return [f64::NAN; 2];
        }
        let middle = 0.5 * (high + low);
        let band = self.multiplier * atr;
        let (upper, lower) = (middle + band, middle - band);
        let before = std::mem::replace(&mut self.close, close);
        // The infinite bands before the first row give way to it here, and its uptrend is not tested.
        self.upper = if before > self.upper { upper } else { smaller(upper, self.upper) };
        self.lower = if before < self.lower { lower } else { larger(lower, self.lower) };
        if before.is_nan() {
            return [self.lower, self.direction];
        }
        if self.direction > 0.0 {
            if close < self.lower {
                self.direction = -1.0;
            }
        } else if close > self.upper {
            self.direction = 1.0;
        }
        [if self.direction > 0.0 { self.lower } else { self.upper }, self.direction]
    }
    fn reset(&mut self) {
        self.atr.reset();
        self.upper = f64::INFINITY;
        self.lower = f64::NEG_INFINITY;
        self.close = f64::NAN;
        self.direction = 1.0;
    }
    fn warm_up(&self) -> usize {
        self.atr.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "supertrend",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 10, 1, MAX_PERIOD), Param::float("multiplier", 3.0, 0.0, 1e6)],
    outputs: &["supertrend", "supertrend_direction"],
    summary: "Supertrend: a trailing line at a multiple of ATR, and +1 or -1 for the side the price is on.",
    rule: None,
    build: |p| erase(Supertrend::new(p[0] as usize, p[1])),
};
