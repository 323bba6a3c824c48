//! Levels of the look-back window, computed only for rows that are asked for.

use serde::{Deserialize, Serialize};

use super::config::FeatureConfig;
use crate::bars::Series;
use crate::indicators::levels::fibonacci::{Fibonacci, fibonacci};
use crate::indicators::statistic::Tail;
use crate::indicators::volume::profile::{Areas, Window, areas};
use crate::types::Bar;

/// The bars of the look-back and room for a histogram.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Levels {
    high: Tail,
    low: Tail,
    close: Tail,
    volume: Tail,
    bins: Vec<f64>,
    value_area: f64,
    fixed_range: f64,
    tolerance: f64,
}

/// What the look-back says at a bar.
#[derive(Debug, Clone, Copy)]
pub(super) struct LevelValues {
    pub(super) profiles: Areas,
    pub(super) fibonacci: Fibonacci,
    pub(super) confluence: f64,
}

impl LevelValues {
    const MISSING: Self = Self {
        profiles: Areas { whole: None, anchored_poc: f64::NAN, fixed_poc: f64::NAN },
        fibonacci: Fibonacci::EMPTY,
        confluence: f64::NAN,
    };
}

impl Levels {
    pub(super) fn new(config: &FeatureConfig) -> Self {
        let tail = || Tail::new(config.lookback_window);
        Self {
            high: tail(),
            low: tail(),
            close: tail(),
            volume: tail(),
            bins: vec![0.0; config.profile_bins],
            value_area: config.value_area,
            fixed_range: config.fixed_range,
            tolerance: config.fib_tolerance,
        }
    }

    #[inline(always)]
    pub(super) fn push(&mut self, bar: &Bar) {
        self.high.push(bar.high);
        self.low.push(bar.low);
        self.close.push(bar.close);
        self.volume.push(bar.volume);
    }

    /// The state after all bars of `s`: the last ones decide it.
    pub(super) fn run_last(&mut self, s: &Series<'_>) {
        for i in s.len().saturating_sub(self.warm_up() + 1)..s.len() {
            self.push(&s.bar(i));
        }
    }

    /// Profiles and Fibonacci levels of the window; missing until it is full.
    pub(super) fn values(&mut self, vwap: f64) -> LevelValues {
        if !self.close.is_full() {
            return LevelValues::MISSING;
        }
        let window = Window {
            high: self.high.window(),
            low: self.low.window(),
            close: self.close.window(),
            volume: self.volume.window(),
        };
        let profiles = areas(window, self.value_area, self.fixed_range, &mut self.bins);
        let poc = profiles.whole.map_or(f64::NAN, |area| area.poc);
        let fibonacci = fibonacci(window.high, window.low, window.close);
        LevelValues { profiles, fibonacci, confluence: fibonacci.confluence(&[poc, vwap], self.tolerance) }
    }

    /// Bars before the first values.
    pub(super) fn warm_up(&self) -> usize {
        self.close.period() - 1
    }
}
