//! Volume relative to its mean.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `volume / mean volume` of the last `period` bars, this one included; 1, as usual, where none of them traded.
///
/// TA-Lib's `RVOL` leaves this bar out of the mean; SPEC §3 takes it in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VolumeRatio {
    sum: RollingSum,
}

impl VolumeRatio {
    /// A mean over `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        Self { sum: RollingSum::new(period) }
    }
}

impl Indicator<1, 1> for VolumeRatio {
    #[inline(always)]
    fn update(&mut self, [volume]: [f64; 1]) -> [f64; 1] {
        let mean = self.sum.push(volume) / self.sum.period() as f64;
        [if mean == 0.0 { 1.0 } else { volume / mean }]
    }
    fn reset(&mut self) {
        self.sum.reset();
    }
    fn warm_up(&self) -> usize {
        self.sum.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "volume_ratio",
    family: Family::Volume,
    inputs: &[Input::Volume],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["volume_ratio"],
    summary: "Volume divided by its mean over the last `period` bars; 1 where none was traded.",
    rule: None,
    build: |p| erase(VolumeRatio::new(p[0] as usize)),
};
