//! Classic pivot points of the session before.

use serde::{Deserialize, Serialize};

use super::pivots::{OUTPUTS, classic};
use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{larger, smaller};

const DAY_MS: f64 = 86_400_000.0;
const HOUR_MS: f64 = 3_600_000.0;

/// [`classic`] pivots of the session before the present one: a day of 24 hours from `start_hour` UTC. NaN through the first session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PivotsSession {
    start_ms: f64,
    day: Option<f64>,
    /// High, low and close of the present session so far.
    session: [f64; 3],
    levels: [f64; 7],
}

impl PivotsSession {
    /// Sessions that begin at `start_hour` (0 to 23) UTC.
    pub fn new(start_hour: u32) -> Self {
        Self { start_ms: f64::from(start_hour) * HOUR_MS, day: None, session: [0.0; 3], levels: [f64::NAN; 7] }
    }
}

impl Indicator<4, 7> for PivotsSession {
    #[inline(always)]
    fn update(&mut self, [high, low, close, ts]: [f64; 4]) -> [f64; 7] {
        let day = ((ts - self.start_ms) / DAY_MS).floor();
        let before = self.day.replace(day);
        if before == Some(day) {
            self.session = [larger(self.session[0], high), smaller(self.session[1], low), close];
            return self.levels;
        }
        if before.is_some() {
            let [high, low, close] = self.session;
            self.levels = classic(high, low, close);
        }
        self.session = [high, low, close];
        self.levels
    }
    fn reset(&mut self) {
        self.day = None;
        self.levels = [f64::NAN; 7];
    }
    fn warm_up(&self) -> usize {
        1
    }
}

pub(super) const ROW: Row = Row {
    name: "pivots_session",
    family: Family::Levels,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Timestamp],
    params: &[Param::int("start_hour", 0, 0, 23)],
    outputs: OUTPUTS,
    summary: "Classic pivot points of the session before (a UTC day from `start_hour`); missing through the first one.",
    rule: None,
    build: |p| erase(PivotsSession::new(p[0] as u32)),
};
