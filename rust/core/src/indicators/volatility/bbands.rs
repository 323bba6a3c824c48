//! Bollinger bands.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{RollingMoments, Spread};

/// Upper, middle, lower, width and %b: mean ± `multiplier` population standard deviations, as TA-Lib's `BBANDS`.
///
/// Width is `(upper − lower) / middle`, a fraction (TA-Lib's `BBW` is 100 times that); %b is `(x − lower) / (upper − lower)`, 0.5
/// where the band has no width. Bollinger, *Bollinger on Bollinger Bands* (2001).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bbands {
    moments: RollingMoments,
    multiplier: f64,
}

impl Bbands {
    /// A window of `period ≥ 1` values.
    pub fn new(period: usize, multiplier: f64) -> Self {
        Self { moments: RollingMoments::new(period), multiplier }
    }
}

#[inline(always)]
fn bands(x: f64, spread: Spread, multiplier: f64) -> [f64; 5] {
    let middle = spread.mean;
    let reach = multiplier * spread.deviation();
    let width = 2.0 * reach;
    let relative = if width == 0.0 { 0.0 } else { width / middle };
    // From the middle, not from the rounded band: a narrow band far from zero keeps its digits.
    let position = if width == 0.0 { 0.5 } else { 0.5 + (x - middle) / width };
    [middle + reach, middle, middle - reach, relative, position]
}

impl Indicator<1, 5> for Bbands {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 5] {
        bands(x, self.moments.push(x), self.multiplier)
    }
    #[inline(always)]
    fn fill(&mut self, [xs]: [&[f64]; 1], [upper, middle, lower, width, position]: [&mut [f64]; 5]) {
        self.moments.extend(xs, middle, lower);
        for (i, &x) in xs.iter().enumerate() {
            let spread = Spread { mean: middle[i], variance: lower[i] };
            [upper[i], middle[i], lower[i], width[i], position[i]] = bands(x, spread, self.multiplier);
        }
    }
    fn reset(&mut self) {
        self.moments.reset();
    }
    fn warm_up(&self) -> usize {
        self.moments.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "bbands",
    family: Family::Volatility,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD), Param::float("multiplier", 2.0, 0.0, 1e6)],
    outputs: &["bb_upper", "bb_middle", "bb_lower", "bb_width", "bb_position"],
    summary: "Bollinger bands around the mean, their relative width and the position between them (%b).",
    rule: None,
    build: |p| erase(Bbands::new(p[0] as usize, p[1])),
};
