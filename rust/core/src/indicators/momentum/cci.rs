//! Commodity channel index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `(tp − mean) / (0.015 · mean |tp − mean|)` of the typical price over the window (Lambert, 1980); 0 where the window is flat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cci {
    sum: RollingSum,
    values: Contiguous,
    inverse: f64,
}

/// The values of a window, one behind the other.
///
/// Every bar reads the whole window in vectors right after it wrote one value. A processor cannot forward a fresh store to a wider
/// load and would wait for it: so the newest values are kept apart, and only those that have long reached the cache are read
/// from the buffer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Contiguous {
    buffer: Vec<f64>,
    end: usize,
    size: usize,
    newest: [f64; Contiguous::APART],
}

impl Contiguous {
    const APART: usize = 4;

    fn new(size: usize) -> Self {
        Self { buffer: vec![0.0; 2 * size + 64], end: size - 1, size, newest: [0.0; Self::APART] }
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.end + 1 - self.size.., 0);
            self.end = self.size - 1;
        }
        self.buffer[self.end] = x;
        self.end += 1;
        let [_, b, c, d] = self.newest;
        self.newest = [b, c, d, x];
    }

    /// `Σ |v − mean|` in four interleaved sums, which fill vector registers and shorten the chain of additions.
    #[inline(always)]
    fn deviation(&self, mean: f64) -> f64 {
        let window = &self.buffer[self.end - self.size..self.end];
        let Some(older) = self.size.checked_sub(Self::APART).and_then(|n| window.get(..n)) else {
            return window.iter().map(|v| (v - mean).abs()).sum();
        };
        let mut sums = self.newest.map(|v| (v - mean).abs());
        let chunks = older.chunks_exact(4);
        let rest: f64 = chunks.remainder().iter().map(|v| (v - mean).abs()).sum();
        for chunk in chunks {
            for (sum, v) in sums.iter_mut().zip(chunk) {
                *sum += (v - mean).abs();
            }
        }
        // Lane by lane, in the order in which the registers hold them.
        (sums[0] + sums[2]) + (sums[1] + sums[3]) + rest
    }

    fn reset(&mut self) {
        self.end = self.size - 1;
    }
}

impl Cci {
    /// A window of `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self { sum: RollingSum::new(period), values: Contiguous::new(period), inverse: 1.0 / period as f64 }
    }
}

impl Indicator<3, 1> for Cci {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 1] {
        // Three typical prices: the index is a quotient of two of their differences.
        let total = high + low + close;
        let sum = self.sum.push(total);
        self.values.push(total);
        if sum.is_nan() {
            return [f64::NAN];
        }
        let mean = sum * self.inverse;
        let spread = self.values.deviation(mean) * self.inverse;
        let distance = total - mean;
        // What the rounding of the mean leaves of a flat window must not be divided by itself.
        let noise = 1e-14 * mean.abs();
        let scale = 0.015 * spread;
        [if distance.abs() <= noise || spread <= noise || scale == 0.0 { 0.0 } else { distance / scale }]
    }
    fn reset(&mut self) {
        self.sum.reset();
        self.values.reset();
    }
    fn warm_up(&self) -> usize {
        self.values.size - 1
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
