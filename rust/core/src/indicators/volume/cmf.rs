//! Chaikin money flow.

use serde::{Deserialize, Serialize};

use super::ad::close_location;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `Σ close_location · volume / Σ volume` over `period` bars, in [−1, 1]; 0 where nothing was traded, as TA-Lib's `CMF`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cmf {
    flow: RollingSum,
    volume: RollingSum,
}

impl Cmf {
    /// A window of `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        Self { flow: RollingSum::new(period), volume: RollingSum::new(period) }
    }
}

impl Indicator<4, 1> for Cmf {
    #[inline(always)]
    fn update(&mut self, [high, low, close, volume]: [f64; 4]) -> [f64; 1] {
        let flow = self.flow.push(close_location(high, low, close) * volume);
        let total = self.volume.push(volume);
        [if total == 0.0 { 0.0 } else { flow / total }]
    }
    fn reset(&mut self) {
        self.flow.reset();
        self.volume.reset();
    }
    fn warm_up(&self) -> usize {
        self.flow.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "cmf",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["cmf"],
    summary: "Chaikin money flow: accumulation less distribution as a share of the volume of `period` bars.",
    rule: None,
    build: |p| erase(Cmf::new(p[0] as usize)),
};
