//! Moving average convergence divergence.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{FAST_BELOW_SLOW, Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase, warm};

/// `EMA(fast) − EMA(slow)`, the EMA of that as signal, and their difference (Appel, 1979).
///
/// As in TA-Lib, the fast average takes its seed from the last `fast` values of the slow one's seed, so that both start on the same
/// row, and all three outputs start together.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Macd {
    fast: Smoother,
    slow: Smoother,
    signal: Smoother,
    skip: usize,
}

impl Macd {
    /// Periods with `fast < slow`.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Self {
        Self {
            fast: Smoother::exponential(fast),
            slow: Smoother::exponential(slow),
            signal: Smoother::exponential(signal),
            skip: slow.saturating_sub(fast),
        }
    }
}

impl Indicator<1, 3> for Macd {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 3] {
        let slow = self.slow.push_gap(x);
        if self.skip > 0 {
            self.skip -= 1;
            return [f64::NAN; 3];
        }
        let fast = self.fast.push_gap(x);
        let macd = slow - fast;
        if macd.is_nan() {
            return [f64::NAN; 3];
        }
        let histogram = self.signal.push_gap(macd);
        if histogram.is_nan() {
            return [f64::NAN; 3];
        }
        [macd, macd - histogram, histogram]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 1], outputs: [&mut [f64]; 3]) {
        let ([xs], [macd, signal, histogram]) = warm(self, inputs, outputs, |k| k.signal.is_warm());
        Smoother::extend_all(&mut [&mut self.slow, &mut self.fast], xs, [&mut *macd, &mut *signal]);
        for (slow, fast) in macd.iter_mut().zip(&*signal) {
            *slow -= fast;
        }
        self.signal.extend_gaps(macd, histogram);
        for ((signal, macd), histogram) in signal.iter_mut().zip(&*macd).zip(&*histogram) {
            *signal = macd - histogram;
        }
    }
    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.signal.reset();
        self.skip = self.slow.period() - self.fast.period();
    }
    fn warm_up(&self) -> usize {
        self.slow.period() + self.signal.period() - 2
    }
}

pub(super) const ROW: Row = Row {
    name: "macd",
    family: Family::Trend,
    inputs: &[Input::Real],
    params: &[
        Param::int("fast_period", 12, 1, MAX_PERIOD),
        Param::int("slow_period", 26, 2, MAX_PERIOD),
        Param::int("signal_period", 9, 1, MAX_PERIOD),
    ],
    outputs: &["macd", "macd_signal", "macd_hist"],
    summary: "Moving average convergence divergence: two EMAs' difference, its signal line and histogram.",
    rule: FAST_BELOW_SLOW,
    build: |p| erase(Macd::new(p[0] as usize, p[1] as usize, p[2] as usize)),
};
