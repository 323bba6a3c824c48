//! Volume profile around the last price.

use serde::{Deserialize, Serialize};

use super::profile::{FIXED_RANGE, fixed_range_profile};
use super::volume_profile::{AREA, BINS, Held, LOOKBACK};
use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::{Indicator, erase};

/// [`fixed_range_profile`] of the last `lookback` bars.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FixedRangeProfile {
    held: Held,
    share: f64,
    value_area: f64,
}

impl FixedRangeProfile {
    /// A profile of `bins ≥ 1` price bins within `share` of the range of `lookback ≥ 1` bars on either side of the close.
    pub fn new(lookback: usize, bins: usize, share: f64, value_area: f64) -> Self {
        Self { held: Held::new(lookback, bins), share, value_area }
    }
}

impl Indicator<4, 3> for FixedRangeProfile {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 4]) -> [f64; 3] {
        let (share, area) = (self.share, self.value_area);
        let p = self.held.push(bar, |window, bins| fixed_range_profile(window, share, area, bins));
        p.map_or([f64::NAN; 3], |p| [p.poc, p.value_area_low, p.value_area_high])
    }
    fn reset(&mut self) {
        self.held.reset();
    }
    fn warm_up(&self) -> usize {
        self.held.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "fixed_range_profile",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[LOOKBACK, BINS, Param::float("range_share", FIXED_RANGE, 1e-6, 1.0), AREA],
    outputs: &["fixed_poc", "fixed_value_area_low", "fixed_value_area_high"],
    summary: "Volume by price within a share of the look-back's range on either side of the last close.",
    rule: None,
    build: |p| erase(FixedRangeProfile::new(p[0] as usize, p[1] as usize, p[2], p[3])),
};
