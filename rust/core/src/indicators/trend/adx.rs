//! Average directional index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::trend::directional::{Directional, Movement};
use crate::indicators::{Indicator, TILE, erase, warm};
use crate::window::smaller;

/// Wilder's average of DX, seeded by the mean of its first `period` values (Wilder, 1978).
///
/// A bar without any movement to judge counts as 0 in the seed and leaves the average as it is later, as in TA-Lib.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Adx {
    movement: Directional,
    average: Smoother,
}

impl Adx {
    /// Sums and average over `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self { movement: Directional::new(period), average: Smoother::wilder(period) }
    }
}

/// Stands for the index of a bar without movement: no index is negative.
const NOTHING_TO_JUDGE: f64 = -1.0;

#[inline(always)]
fn averaged(average: &mut Smoother, m: Movement) -> f64 {
    match m.index() {
        Some(index) => average.push(index),
        None if average.is_warm() => average.value(),
        None => average.push(0.0),
    }
}

impl Indicator<3, 1> for Adx {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let Some(m) = self.movement.push(bar) else { return [f64::NAN] };
        [averaged(&mut self.average, m)]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 3], outputs: [&mut [f64]; 1]) {
        let ready = |k: &Self| k.movement.is_warm() && k.average.is_warm();
        let (bars, [out]) = warm(self, inputs, outputs, ready);
        let n = out.len();
        let (mut plus, mut minus, mut range) = ([0.0; TILE], [0.0; TILE], [0.0; TILE]);
        self.movement.extend(bars, [&mut plus, &mut minus, &mut range]);
        for ((plus, minus), range) in plus[..n].iter_mut().zip(&minus[..n]).zip(&range[..n]) {
            let m = Movement { plus: *plus, minus: *minus, range: *range };
            let share = m.share();
            *plus = if m.is_any() { share } else { NOTHING_TO_JUDGE };
        }
        if plus[..n].iter().fold(f64::INFINITY, |least, &share| smaller(share, least)) >= 0.0 {
            self.average.extend(&plus[..n], out);
            return;
        }
        // Somewhere nothing has moved for so long that there is nothing to judge.
        for (i, y) in out.iter_mut().enumerate() {
            *y = if plus[i] == NOTHING_TO_JUDGE { self.average.value() } else { self.average.push(plus[i]) };
        }
    }
    fn reset(&mut self) {
        self.movement.reset();
        self.average.reset();
    }
    fn warm_up(&self) -> usize {
        2 * self.movement.period() - 1
    }
}

/// ADX, +DI and −DI of one movement, for callers that need all three.
///
/// In exact arithmetic two moves of the same number of ticks are equal and neither counts. In floating point `0.3 − 0.2` and
/// `0.2 − 0.1` differ in the last bit, and which of them counts would depend on the price unit: with a `tie` of 1e-12 they are equal
/// again. [`Adx`] leaves such ties to rounding, as TA-Lib does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DirectionalIndex {
    movement: Directional,
    average: Smoother,
}

impl DirectionalIndex {
    /// Sums and average over `period ≥ 2` bars; moves that differ by no more than the part `tie ≥ 0` of the price are equal.
    pub fn new(period: usize, tie: f64) -> Self {
        Self { movement: Directional::with_tie(period, tie), average: Smoother::wilder(period) }
    }
}

impl Indicator<3, 3> for DirectionalIndex {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 3] {
        let Some(m) = self.movement.push(bar) else { return [f64::NAN; 3] };
        [averaged(&mut self.average, m), m.plus_di(), m.minus_di()]
    }
    fn reset(&mut self) {
        self.movement.reset();
        self.average.reset();
    }
    fn warm_up(&self) -> usize {
        2 * self.movement.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "adx",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["adx"],
    summary: "Average directional index: strength of the trend whichever its direction, 0 to 100.",
    rule: None,
    build: |p| erase(Adx::new(p[0] as usize)),
};
