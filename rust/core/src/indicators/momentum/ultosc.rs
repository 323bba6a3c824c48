//! Ultimate oscillator.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{RollingSum, larger, smaller};

/// `100 · (4·r₁ + 2·r₂ + r₃) / 7`, where `r = Σ (close − true low) / Σ TR` over the short, medium and long window; a ratio of a
/// window without movement counts 0 (Williams, 1985).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UltOsc {
    close: f64,
    windows: [(RollingSum, RollingSum); 3],
}

impl UltOsc {
    /// Windows of three lengths ≥ 1, shortest first.
    pub fn new(short: usize, medium: usize, long: usize) -> Self {
        let windows = [short, medium, long].map(|n| (RollingSum::new(n), RollingSum::new(n)));
        Self { close: f64::NAN, windows }
    }
}

impl Indicator<3, 1> for UltOsc {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 1] {
        let true_low = smaller(low, self.close);
        let range = larger(high, self.close) - true_low;
        self.close = close;
        if range.is_nan() {
            return [f64::NAN];
        }
        let pressure = close - true_low;
        let [short, medium, long] = &mut self.windows;
        let ratio = |window: &mut (RollingSum, RollingSum)| {
            let (pressure, range) = (window.0.push(pressure), window.1.push(range));
            if range == 0.0 { 0.0 } else { pressure / range }
        };
        [100.0 * ((4.0 * ratio(short) + 2.0 * ratio(medium) + ratio(long)) / 7.0)]
    }
    fn reset(&mut self) {
        self.close = f64::NAN;
        for (pressure, range) in &mut self.windows {
            pressure.reset();
            range.reset();
        }
    }
    fn warm_up(&self) -> usize {
        self.windows[2].0.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "ultosc",
    family: Family::Momentum,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::int("short_period", 7, 1, MAX_PERIOD),
        Param::int("medium_period", 14, 1, MAX_PERIOD),
        Param::int("long_period", 28, 1, MAX_PERIOD),
    ],
    outputs: &["ultosc"],
    summary: "Ultimate oscillator: buying pressure over three windows, 0 to 100.",
    rule: Some(|p| {
        if p[0] > p[1] {
            Some(("short_period", "at most medium_period"))
        } else {
            (p[1] > p[2]).then_some(("medium_period", "at most long_period"))
        }
    }),
    build: |p| erase(UltOsc::new(p[0] as usize, p[1] as usize, p[2] as usize)),
};
