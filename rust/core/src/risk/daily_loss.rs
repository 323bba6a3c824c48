//! Daily loss limit.

use serde::{Deserialize, Serialize};

use super::decision::Rule;
use super::draft::{Draft, NOISE};

const DAY_MS: i64 = 86_400_000;

/// The UTC day of an instant; midnight itself closes the day before, as the last bar of a day does.
fn day(ts: i64) -> i64 {
    (ts - 1).div_euclid(DAY_MS)
}

/// Loss since the start of the UTC day.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct DailyLoss {
    day: i64,
    /// Last equity of the day before.
    start: f64,
    last: f64,
    pub(super) loss: f64,
    pub(super) reached: bool,
}

impl DailyLoss {
    pub(super) const NEW: Self = Self { day: i64::MIN, start: f64::NAN, last: f64::NAN, loss: 0.0, reached: false };

    /// Takes the equity after a bar; true when the limit is reached by it.
    #[inline]
    pub(super) fn update(&mut self, limit: f64, ts: i64, equity: f64) -> bool {
        let today = day(ts);
        if today != self.day {
            self.start = if self.last.is_nan() { equity } else { self.last };
            self.day = today;
            self.reached = false;
        }
        self.last = equity;
        self.loss = if self.start > 0.0 { (1.0 - equity / self.start).max(0.0) } else { 0.0 };
        let news = !self.reached && self.loss + NOISE >= limit;
        // Once reached it holds for the day, whatever equity does after: a rebound is no reason to bet again.
        self.reached |= news;
        news
    }

    /// Whether the limit stands in the way of new risk at `ts`.
    pub(super) fn blocks(&self, ts: i64) -> bool {
        self.reached && day(ts) == self.day
    }

    /// Stops growth on a day that lost too much.
    pub(super) fn apply(&self, draft: &mut Draft, ts: i64, limit: f64) {
        let room = if self.blocks(ts) { 0.0 } else { f64::INFINITY };
        draft.cap_growth(Rule::DailyLoss, room, limit);
    }
}
