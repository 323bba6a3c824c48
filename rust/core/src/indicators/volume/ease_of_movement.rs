//! Ease of movement.

use serde::{Deserialize, Serialize};

use crate::indicators::overlap::Sma;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};

/// Mean of `Δ((high + low) / 2) / (volume / divisor / (high − low))` over `period` bars, as TA-Lib's `EMV`; a bar without range
/// or volume counts as 0.
///
/// Arms, *Volume Cycles in the Stock Market* (1983).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EaseOfMovement {
    period: usize,
    divisor: f64,
    previous: Option<f64>,
    average: Sma,
}

impl EaseOfMovement {
    /// Averaged over `period ≥ 1` changes; `divisor` brings the volume to a handy unit.
    pub fn new(period: usize, divisor: f64) -> Self {
        Self { period, divisor, previous: None, average: Sma::new(period) }
    }
}

impl Indicator<3, 1> for EaseOfMovement {
    #[inline(always)]
    fn update(&mut self, [high, low, volume]: [f64; 3]) -> [f64; 1] {
        let middle = 0.5 * (high + low);
        let Some(previous) = self.previous.replace(middle) else { return [f64::NAN] };
        let range = high - low;
        let box_ratio = if range == 0.0 { 0.0 } else { volume / self.divisor / range };
        self.average.update([if box_ratio == 0.0 { 0.0 } else { (middle - previous) / box_ratio }])
    }
    fn reset(&mut self) {
        self.previous = None;
        self.average.reset();
    }
    fn warm_up(&self) -> usize {
        self.period
    }
}

pub(super) const ROW: Row = Row {
    name: "ease_of_movement",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Volume],
    params: &[Param::int("period", 14, 1, MAX_PERIOD), Param::float("volume_divisor", 1e4, 1.0, 1e15)],
    outputs: &["ease_of_movement"],
    summary: "Ease of movement: how far the middle of the range moved for the volume that it took.",
    rule: None,
    build: |p| erase(EaseOfMovement::new(p[0] as usize, p[1])),
};
