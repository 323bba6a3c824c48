//! Volume profile from the highest high.

use serde::{Deserialize, Serialize};

use super::profile::{Window, anchor, profile};
use super::volume_profile::{AREA, BINS, Held, LOOKBACK};
use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::{Indicator, erase};

/// [`super::profile::anchored_profile`] of the last `lookback` bars, with the number of bars since the anchor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnchoredProfile {
    held: Held,
    value_area: f64,
}

impl AnchoredProfile {
    /// A profile of `bins ≥ 1` price bins, anchored within `lookback ≥ 1` bars.
    pub fn new(lookback: usize, bins: usize, value_area: f64) -> Self {
        Self { held: Held::new(lookback, bins), value_area }
    }
}

impl Indicator<4, 4> for AnchoredProfile {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 4]) -> [f64; 4] {
        let area = self.value_area;
        self.held
            .push(bar, |window: Window<'_>, bins| {
                let start = anchor(window.high);
                let p = profile(window.from(start), area, bins);
                [p.poc, p.value_area_low, p.value_area_high, (window.close.len() - 1 - start) as f64]
            })
            .unwrap_or([f64::NAN; 4])
    }
    fn reset(&mut self) {
        self.held.reset();
    }
    fn warm_up(&self) -> usize {
        self.held.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "anchored_profile",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[LOOKBACK, BINS, AREA],
    outputs: &["anchored_poc", "anchored_value_area_low", "anchored_value_area_high", "bars_since_anchor"],
    summary: "Volume by price since the highest high of the last `lookback` bars.",
    rule: None,
    build: |p| erase(AnchoredProfile::new(p[0] as usize, p[1] as usize, p[2])),
};
