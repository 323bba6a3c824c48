//! Volume-weighted average price of the session.

use serde::{Deserialize, Serialize};

use super::vwap::Anchored;
use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::{Indicator, erase};

const DAY_MS: f64 = 86_400_000.0;
const HOUR_MS: f64 = 3_600_000.0;

/// [`super::Vwap`] anchored anew at the first bar of every session: a day of 24 hours from `start_hour` UTC.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VwapSession {
    start_ms: f64,
    day: Option<f64>,
    sums: Anchored,
}

impl VwapSession {
    /// Sessions that begin at `start_hour` (0 to 23) UTC.
    pub fn new(start_hour: u32) -> Self {
        Self { start_ms: f64::from(start_hour) * HOUR_MS, day: None, sums: Anchored::default() }
    }
}

impl Indicator<5, 1> for VwapSession {
    #[inline(always)]
    fn update(&mut self, [high, low, close, volume, ts]: [f64; 5]) -> [f64; 1] {
        let day = ((ts - self.start_ms) / DAY_MS).floor();
        if self.day.replace(day) != Some(day) {
            self.sums = Anchored::default();
        }
        [self.sums.push(high, low, close, volume)]
    }
    fn reset(&mut self) {
        self.day = None;
        self.sums = Anchored::default();
    }
    fn warm_up(&self) -> usize {
        0
    }
}

pub(super) const ROW: Row = Row {
    name: "vwap_session",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume, Input::Timestamp],
    params: &[Param::int("start_hour", 0, 0, 23)],
    outputs: &["vwap_session"],
    summary: "Volume-weighted average price since the session began (a UTC day from `start_hour`).",
    rule: None,
    build: |p| erase(VwapSession::new(p[0] as u32)),
};
