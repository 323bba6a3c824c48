//! Rolling volume profile.

use serde::{Deserialize, Serialize};

use super::profile::{Profile, VALUE_AREA, Window, profile};
use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::statistic::Tail;
use crate::indicators::{Indicator, erase};

/// Longest look-back of a profile: every bar reads the whole window again.
pub(super) const MAX_LOOKBACK: u32 = 10_000;
/// Most bins of a profile.
pub(super) const MAX_BINS: u32 = 1_000;
/// Window and bin parameters shared by the profiles.
pub(super) const LOOKBACK: Param = Param::int("lookback", 68, 1, MAX_LOOKBACK);
pub(super) const BINS: Param = Param::int("bins", 24, 1, MAX_BINS);
pub(super) const AREA: Param = Param::float("value_area", VALUE_AREA, 0.01, 1.0);

/// The last bars and room for a histogram.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Held {
    high: Tail,
    low: Tail,
    close: Tail,
    volume: Tail,
    bins: Vec<f64>,
}

impl Held {
    pub(super) fn new(lookback: usize, bins: usize) -> Self {
        let tail = || Tail::new(lookback);
        Self { high: tail(), low: tail(), close: tail(), volume: tail(), bins: vec![0.0; bins.max(1)] }
    }

    /// Takes a bar; once there are enough, gives `read` the window and the room for the histogram.
    #[inline(always)]
    pub(super) fn push<T>(
        &mut self,
        [high, low, close, volume]: [f64; 4],
        read: impl FnOnce(Window<'_>, &mut [f64]) -> T,
    ) -> Option<T> {
        self.high.push(high);
        self.low.push(low);
        self.close.push(close);
        self.volume.push(volume);
        let window = Window {
            high: self.high.window(),
            low: self.low.window(),
            close: self.close.window(),
            volume: self.volume.window(),
        };
        self.high.is_full().then(|| read(window, &mut self.bins))
    }

    pub(super) fn reset(&mut self) {
        for tail in [&mut self.high, &mut self.low, &mut self.close, &mut self.volume] {
            tail.reset();
        }
    }

    pub(super) fn warm_up(&self) -> usize {
        self.high.period() - 1
    }
}

/// [`profile`] of the last `lookback` bars, made anew for every bar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VolumeProfile {
    held: Held,
    value_area: f64,
}

impl VolumeProfile {
    /// A profile of `bins ≥ 1` price bins over `lookback ≥ 1` bars.
    pub fn new(lookback: usize, bins: usize, value_area: f64) -> Self {
        Self { held: Held::new(lookback, bins), value_area }
    }
}

impl Indicator<4, 6> for VolumeProfile {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 4]) -> [f64; 6] {
        let area = self.value_area;
        let p = self.held.push(bar, |window, bins| profile(window, area, bins));
        p.map_or([f64::NAN; 6], |p: Profile| {
            [p.poc, p.value_area_low, p.value_area_high, p.largest_share, f64::from(p.nodes), p.nearest_node]
        })
    }
    fn reset(&mut self) {
        self.held.reset();
    }
    fn warm_up(&self) -> usize {
        self.held.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "volume_profile",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[LOOKBACK, BINS, AREA],
    outputs: &["poc", "value_area_low", "value_area_high", "largest_share", "node_count", "nearest_node"],
    summary: "Volume by price of the last `lookback` bars: point of control, value area, high-volume nodes.",
    rule: None,
    build: |p| erase(VolumeProfile::new(p[0] as usize, p[1] as usize, p[2])),
};
