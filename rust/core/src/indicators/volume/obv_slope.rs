//! Slope of on-balance volume.

use serde::{Deserialize, Serialize};

use super::obv::signed_volume;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `(OBVₜ − OBVₜ₋ₙ) / Σ volume` of the `n` bars between: the share of the volume that went with rising closes less that with
/// falling ones, in [−1, 1]; 0 where nothing was traded.
///
/// Dividing by the volume makes the slope comparable between markets; the difference is summed over its own window and not taken
/// from the running line, whose level would cost digits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObvSlope {
    previous: Option<f64>,
    signed: RollingSum,
    volume: RollingSum,
}

impl ObvSlope {
    /// A slope over `period ≥ 1` changes.
    pub fn new(period: usize) -> Self {
        Self { previous: None, signed: RollingSum::new(period), volume: RollingSum::new(period) }
    }
}

impl Indicator<2, 1> for ObvSlope {
    #[inline(always)]
    fn update(&mut self, [close, volume]: [f64; 2]) -> [f64; 1] {
        let Some(previous) = self.previous.replace(close) else { return [f64::NAN] };
        let signed = self.signed.push(signed_volume(close, previous, volume));
        let total = self.volume.push(volume);
        [if total == 0.0 { 0.0 } else { signed / total }]
    }
    fn reset(&mut self) {
        self.previous = None;
        self.signed.reset();
        self.volume.reset();
    }
    fn warm_up(&self) -> usize {
        self.signed.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "obv_slope",
    family: Family::Volume,
    inputs: &[Input::Close, Input::Volume],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["obv_slope"],
    summary: "Change of on-balance volume over `period` bars as a share of the volume traded in them.",
    rule: None,
    build: |p| erase(ObvSlope::new(p[0] as usize)),
};
