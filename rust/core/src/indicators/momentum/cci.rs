//! Commodity channel index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `(tp − mean) / (0.015 · mean |tp − mean|)` of the typical price over the window (Lambert, 1980); 0 where the window is flat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cci {
    sum: RollingSum,
    values: Vec<f64>,
    at: usize,
    size: f64,
}

impl Cci {
    /// A window of `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self { sum: RollingSum::new(period), values: vec![0.0; period], at: 0, size: period as f64 }
    }
}

/// `Σ |v − mean|` in four interleaved sums, which fill vector registers and shorten the chain of additions.
#[inline(always)]
fn deviation(values: &[f64], mean: f64) -> f64 {
    let mut sums = [0.0; 4];
    let chunks = values.chunks_exact(4);
    let rest: f64 = chunks.remainder().iter().map(|v| (v - mean).abs()).sum();
    for chunk in chunks {
        for (sum, v) in sums.iter_mut().zip(chunk) {
            *sum += (v - mean).abs();
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

impl Indicator<3, 1> for Cci {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 1] {
        let typical = (high + low + close) / 3.0;
        let sum = self.sum.push(typical);
        self.values[self.at] = typical;
        self.at = if self.at + 1 == self.values.len() { 0 } else { self.at + 1 };
        if sum.is_nan() {
            return [f64::NAN];
        }
        let mean = sum / self.size;
        let spread = deviation(&self.values, mean) / self.size;
        let distance = typical - mean;
        // What the rounding of the mean leaves of a flat window must not be divided by itself.
        let noise = 1e-14 * mean.abs();
        let scale = 0.015 * spread;
        [if distance.abs() <= noise || spread <= noise || scale == 0.0 { 0.0 } else { distance / scale }]
    }
    fn reset(&mut self) {
        self.sum.reset();
        self.at = 0;
    }
    fn warm_up(&self) -> usize {
        self.values.len() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "cci",
    family: Family::Momentum,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 20, 2, MAX_PERIOD)],
    outputs: &["cci"],
    summary: "Commodity channel index: distance of the typical price from its mean in mean deviations; 0 where flat.",
    rule: None,
    build: |p| erase(Cci::new(p[0] as usize)),
};
