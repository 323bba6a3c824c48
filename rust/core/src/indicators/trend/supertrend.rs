//! Supertrend.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::Atr;
use crate::indicators::{Indicator, TILE, erase, warm};
use crate::window::{larger, smaller};

/// A stop line `multiplier` ATRs from the middle of the bar that only moves with the trend and flips when the close crosses it
/// (Seban). Direction is +1 above the line and −1 below it; the first row is taken as an uptrend.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Supertrend {
    atr: Atr,
    multiplier: f64,
    stop: Stop,
}

/// Where the line is.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Stop {
    upper: f64,
    lower: f64,
    /// The close before, NaN before the first row.
    close: f64,
    direction: f64,
}

impl Stop {
    const NONE: Self = Self { upper: f64::INFINITY, lower: f64::NEG_INFINITY, close: f64::NAN, direction: 1.0 };

    /// The next bar's bands and close; returns the line and its direction.
    #[inline(always)]
    fn follow(&mut self, upper: f64, lower: f64, close: f64) -> (f64, f64) {
        let before = std::mem::replace(&mut self.close, close);
        // The infinite bands before the first row give way to it here, and its uptrend is not tested.
        self.upper = if before > self.upper { upper } else { smaller(upper, self.upper) };
        self.lower = if before < self.lower { lower } else { larger(lower, self.lower) };
        if before.is_nan() {
            return (self.lower, self.direction);
        }
        if self.direction > 0.0 {
            if close < self.lower {
                self.direction = -1.0;
            }
        } else if close > self.upper {
            self.direction = 1.0;
        }
        (if self.direction > 0.0 { self.lower } else { self.upper }, self.direction)
    }
}

/// Upper and lower band of a bar.
#[inline(always)]
fn bands(high: f64, low: f64, reach: f64) -> (f64, f64) {
    let middle = 0.5 * (high + low);
    (middle + reach, middle - reach)
}

impl Supertrend {
    /// An ATR of `period ≥ 1` bars, at `multiplier` of which the line runs.
    pub fn new(period: usize, multiplier: f64) -> Self {
        Self { atr: Atr::new(period), multiplier, stop: Stop::NONE }
    }
}

impl Indicator<3, 2> for Supertrend {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        let [atr] = self.atr.update([high, low, close]);
        if atr.is_nan() {
            return [f64::NAN; 2];
        }
        let (upper, lower) = bands(high, low, self.multiplier * atr);
        self.stop.follow(upper, lower, close).into()
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 3], outputs: [&mut [f64]; 2]) {
        let (bars, [line, direction]) = warm(self, inputs, outputs, |k| k.atr.is_warm());
        let [high, low, close] = bars;
        let n = line.len();
        let (mut upper, mut lower) = ([0.0; TILE], [0.0; TILE]);
        let (upper, lower) = (&mut upper[..n], &mut lower[..n]);
        self.atr.fill(bars, [&mut *upper]);
        for ((upper, lower), (high, low)) in upper.iter_mut().zip(&mut *lower).zip(high.iter().zip(low)) {
            (*upper, *lower) = bands(*high, *low, self.multiplier * *upper);
        }
        let mut stop = self.stop;
        for i in 0..n {
            (line[i], direction[i]) = stop.follow(upper[i], lower[i], close[i]);
        }
        self.stop = stop;
    }
    fn reset(&mut self) {
        self.atr.reset();
        self.stop = Stop::NONE;
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
