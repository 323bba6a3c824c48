//! Commodity channel index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, TILE, erase};
use crate::window::RollingSum;

/// `(tp − mean) / (0.015 · mean |tp − mean|)` of the typical price over the window (Lambert, 1980); 0 where the window is flat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cci {
    sum: RollingSum,
    values: Recent,
    inverse: f64,
}

/// The values of a window, one behind the other: each is written twice, `size` apart, so that the window never wraps.
///
/// Every bar reads the whole window in vectors right after it wrote one value. A processor cannot forward a fresh store to a wider
/// load and would wait for it: so the newest values are kept apart, and only those that have long reached the cache are read
/// from the buffer.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Recent {
    buffer: Vec<f64>,
    at: usize,
    size: usize,
    newest: [f64; LANES],
}

/// Interleaved sums of a window: they fill vector registers and shorten the chain of additions.
const LANES: usize = 4;

impl Recent {
    fn new(size: usize) -> Self {
        Self { buffer: vec![0.0; 2 * size], at: 0, size, newest: [0.0; LANES] }
    }

    #[inline(always)]
    fn push(&mut self, x: f64) {
        self.buffer[self.at] = x;
        self.buffer[self.at + self.size] = x;
        self.at = if self.at + 1 < self.size { self.at + 1 } else { 0 };
        let [_, b, c, d] = self.newest;
        self.newest = [b, c, d, x];
    }

    /// Adds several values.
    fn extend(&mut self, xs: &[f64]) {
        let skipped = xs.len().saturating_sub(self.size.max(LANES));
        self.at = (self.at + skipped) % self.size;
        for &x in &xs[skipped..] {
            self.push(x);
        }
    }

    /// Oldest first.
    #[inline(always)]
    fn window(&self) -> &[f64] {
        &self.buffer[self.at..self.at + self.size]
    }

    /// `Σ |v − mean|`: the odd ones at the old end first, then lane by lane.
    #[inline(always)]
    fn deviation(&self, mean: f64) -> f64 {
        let (odd, rest) = self.window().split_at(self.size % LANES);
        let mut sums = [0.0; LANES];
        for (sum, v) in sums[LANES - odd.len()..].iter_mut().zip(odd) {
            *sum += (v - mean).abs();
        }
        if let Some((_, older)) = rest.as_chunks::<LANES>().0.split_last() {
            for chunk in older {
                for (sum, v) in sums.iter_mut().zip(chunk) {
                    *sum += (v - mean).abs();
                }
            }
            for (sum, v) in sums.iter_mut().zip(self.newest) {
                *sum += (v - mean).abs();
            }
        }
        joined(sums)
    }

    fn reset(&mut self) {
        self.at = 0;
    }
}

/// The lanes of a sum, in the order in which registers hold them.
#[inline(always)]
fn joined(sums: [f64; LANES]) -> f64 {
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// Rows whose deviations are summed together.
const ROWS: usize = 8;

/// [`Recent::deviation`] of every window of `n` values, for [`ROWS`] neighbouring rows at a time: one lane after the other, so that
/// the sums of all these rows stay in registers.
#[inline(always)]
fn deviations(values: &[f64], n: usize, means: &[f64], out: &mut [f64]) {
    let odd = n % LANES;
    for (start, (means, out)) in (0..).step_by(ROWS).zip(means.chunks(ROWS).zip(out.chunks_mut(ROWS))) {
        let mut mean = [0.0; ROWS];
        mean[..means.len()].copy_from_slice(means);
        let window = &values[start..start + n + ROWS];
        let mut sums = [[0.0; ROWS]; LANES];
        for (lane, sum) in sums.iter_mut().enumerate() {
            // The odd values at the old end are in the last lanes.
            let first = if lane + odd >= LANES { lane + odd - LANES } else { lane + odd };
            let mut total = [0.0; ROWS];
            for values in window[first..n + ROWS - 1].windows(ROWS).step_by(LANES) {
                for r in 0..ROWS {
                    total[r] += (values[r] - mean[r]).abs();
                }
            }
            *sum = total;
        }
        let [a, b, c, d] = sums;
        for (r, y) in out.iter_mut().enumerate() {
            *y = joined([a[r], b[r], c[r], d[r]]);
        }
    }
}

impl Cci {
    /// A window of `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self { sum: RollingSum::new(period), values: Recent::new(period), inverse: 1.0 / period as f64 }
    }
}

#[inline(always)]
#[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the loop over rows from vectors")]
fn index(total: f64, mean: f64, spread: f64) -> f64 {
    let distance = total - mean;
    // What the rounding of the mean leaves of a flat window must not be divided by itself.
    let noise = 1e-14 * mean.abs();
    let scale = 0.015 * spread;
    let flat = (distance.abs() <= noise) | (spread <= noise) | (scale == 0.0);
    let index = distance / scale;
    if flat { 0.0 } else { index }
}

impl Indicator<3, 1> for Cci {
    const WIDE: bool = true;

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
        [index(total, mean, self.values.deviation(mean) * self.inverse)]
    }
    #[inline(always)]
    fn fill(&mut self, [high, low, close]: [&[f64]; 3], [out]: [&mut [f64]; 1]) {
        let (n, rows) = (self.values.size, out.len());
        // The totals of the window before these rows, these rows, and room for the last group of rows.
        let mut totals = Vec::with_capacity(n + rows + ROWS);
        totals.extend_from_slice(&self.values.window()[1..]);
        totals.extend(high.iter().zip(low).zip(close).map(|((high, low), close)| high + low + close));
        let fresh = n - 1..n - 1 + rows;
        self.values.extend(&totals[fresh.clone()]);
        self.sum.extend(&totals[fresh.clone()], out);
        totals.resize(n + rows + ROWS, 0.0);
        for y in &mut *out {
            *y *= self.inverse;
        }
        let mut spread = [0.0; TILE];
        deviations(&totals, n, out, &mut spread);
        for ((y, total), spread) in out.iter_mut().zip(&totals[fresh]).zip(&spread) {
            *y = index(*total, *y, spread * self.inverse);
        }
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
