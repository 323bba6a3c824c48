//! UT Bot trailing stop.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::Atr;
use crate::indicators::{Indicator, erase};
use crate::window::{larger, smaller};

/// A stop `sensitivity` ATRs from the close that trails while the close stays on its side and is set anew beyond the close when
/// it was crossed. Direction is the side taken at the last crossing, 0 before the first.
///
/// The rule of the "UT Bot" study of `TradingView`, after the ATR trailing stop of its author `HPotter`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UtBot {
    atr: Atr,
    sensitivity: f64,
    stop: f64,
    close: f64,
    direction: f64,
}

impl UtBot {
    /// An ATR of `period ≥ 1` bars, `sensitivity` of which the stop is away.
    pub fn new(period: usize, sensitivity: f64) -> Self {
        Self { atr: Atr::new(period), sensitivity, stop: f64::NAN, close: f64::NAN, direction: 0.0 }
    }
}

impl Indicator<3, 2> for UtBot {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        let [atr] = self.atr.update([high, low, close]);
        let before = std::mem::replace(&mut self.close, close);
        if atr.is_nan() {
            return [f64::NAN; 2];
        }
        let distance = self.sensitivity * atr;
        let stop = self.stop;
        if stop.is_nan() {
            self.stop = close - distance;
            return [self.stop, self.direction];
        }
        if before < stop && close > stop {
            self.direction = 1.0;
        } else if before > stop && close < stop {
            self.direction = -1.0;
        }
        self.stop = if close > stop {
            if before > stop { larger(stop, close - distance) } else { close - distance }
        } else if close < stop && before < stop {
            smaller(stop, close + distance)
        } else {
            close + distance
        };
        [self.stop, self.direction]
    }
    fn reset(&mut self) {
        self.atr.reset();
        self.stop = f64::NAN;
        self.close = f64::NAN;
        self.direction = 0.0;
    }
    fn warm_up(&self) -> usize {
        self.atr.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "ut_bot",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 10, 1, MAX_PERIOD), Param::float("sensitivity", 1.0, 0.0, 1e6)],
    outputs: &["ut_stop", "ut_direction"],
    summary: "UT Bot: an ATR trailing stop, and the side (+1, -1, 0 before the first) of its last crossing.",
    rule: None,
    build: |p| erase(UtBot::new(p[0] as usize, p[1])),
};
