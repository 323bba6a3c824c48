//! Exponential smoothing: the one recursion behind EMA, Wilder's average and everything built on them.

use serde::{Deserialize, Serialize};

/// Rows that are told from one base, see [`Smoother`].
const STRIDE: usize = 4;

/// `keep`, `keep²` …: what is left of the base after one row, two rows …
fn powers(keep: f64) -> [f64; STRIDE] {
    let mut power = 1.0;
    [(); STRIDE].map(|()| {
        power *= keep;
        power
    })
}

/// `s ← s + k·(x − s)`, seeded by the mean of the first `period` values.
///
/// The state is the gap `x − s` instead of `s`: `gap ← (1 − k)·(gap + Δx)`. On equal values it decays to zero, so that every average
/// of a flat series is that value itself.
///
/// A row would wait for the one before it, as one operation waits for another. So four rows are told from one base: with
/// `part ← (1 − k)·(part + Δx)` from zero at the base, the gap `j` rows after it is `(1 − k)ʲ · base + part`. Only the base is handed on
/// from four rows to the next four, and the parts of different fours are computed side by side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Smoother {
    period: usize,
    keep: f64,
    powers: [f64; STRIDE],
    seen: usize,
    last: f64,
    /// Sum of the values while seeding, `last − average` afterwards.
    gap: f64,
    base: f64,
    part: Part,
    place: usize,
}

/// What the rows since a base add up to, `Σ keepʲ · x` of up to four rows, in the order in which vectors add it: neighbours first, then
/// pairs of neighbours.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Part {
    last: f64,
    /// Sums of two neighbours, of this row's predecessors: two rows ago, one row ago.
    pairs: [f64; 2],
}

impl Part {
    const NONE: Self = Self { last: NOTHING, pairs: [NOTHING; 2] };

    #[inline(always)]
    fn push(&mut self, x: f64, keep: f64, square: f64) -> f64 {
        let pair = x + keep * self.last;
        let part = pair + square * self.pairs[0];
        *self = Self { last: x, pairs: [self.pairs[1], pair] };
        part
    }
}

/// The next four sums after `base`: what [`Part::push`] adds row by row, bit for bit.
#[inline(always)]
fn four(x: [f64; STRIDE], base: f64, powers: [f64; STRIDE]) -> [f64; STRIDE] {
    let [keep, square, ..] = powers;
    let before = [NOTHING, x[0], x[1], x[2]];
    let mut pairs = [0.0; STRIDE];
    for j in 0..STRIDE {
        pairs[j] = x[j] + keep * before[j];
    }
    let before = [NOTHING, NOTHING, pairs[0], pairs[1]];
    let mut sums = [0.0; STRIDE];
    for j in 0..STRIDE {
        sums[j] = powers[j] * base + (pairs[j] + square * before[j]);
    }
    sums
}

/// Whole fours of some columns, each value giving way to its sum.
#[inline(always)]
fn fours<const K: usize>(columns: [&mut [f64]; K], base: &mut [f64; K], powers: &[[f64; STRIDE]; K]) {
    let columns = columns.map(|c| c.as_chunks_mut::<STRIDE>().0);
    let count = columns.first().map_or(0, |c| c.len());
    let columns = columns.map(|c| &mut c[..count]);
    let mut last = *base;
    for i in 0..count {
        for k in 0..K {
            let sums = four(columns[k][i], last[k], powers[k]);
            columns[k][i] = sums;
            last[k] = sums[STRIDE - 1];
        }
    }
    *base = last;
}

/// A sum of nothing: adding to it changes no bit, not even the sign of a zero.
const NOTHING: f64 = -0.0;

impl Smoother {
    /// Factor `k` in (0, 1] after a seed of `period ≥ 1` values.
    pub fn with_factor(period: usize, k: f64) -> Self {
        let keep = 1.0 - k;
        Self {
            period: period.max(1),
            keep,
            powers: powers(keep),
            seen: 0,
            last: 0.0,
            gap: 0.0,
            base: 0.0,
            part: Part::NONE,
            place: 0,
        }
    }

    /// An exponential average: `k = 2 / (period + 1)`.
    pub fn exponential(period: usize) -> Self {
        Self::with_factor(period, 2.0 / (period as f64 + 1.0))
    }

    /// Wilder's average: `k = 1 / period`.
    pub fn wilder(period: usize) -> Self {
        Self::with_factor(period, 1.0 / period as f64)
    }

    /// Adds a value; returns the average, NaN before the `period`-th value.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        x - self.push_gap(x)
    }

    /// Adds a value; returns `x − average`, NaN before the `period`-th value. The difference of two averages of the same series is
    /// best taken as that of their gaps: the price level has gone from it.
    #[inline(always)]
    pub fn push_gap(&mut self, x: f64) -> f64 {
        if self.seen >= self.period {
            let part = self.part.push(self.keep * (x - self.last), self.keep, self.powers[1]);
            self.gap = self.powers[self.place % STRIDE] * self.base + part;
            self.last = x;
            self.place += 1;
            if self.place == STRIDE {
                self.place = 0;
                self.base = self.gap;
                self.part = Part::NONE;
            }
            return self.gap;
        }
        self.seen += 1;
        self.gap += x;
        self.last = x;
        if self.seen < self.period {
            return f64::NAN;
        }
        self.gap = x - self.gap / self.period as f64;
        self.base = self.gap;
        self.gap
    }

    /// Adds several values: the same averages as by [`Self::push`], bit for bit.
    #[inline(always)]
    pub fn extend(&mut self, xs: &[f64], out: &mut [f64]) {
        self.extend_gaps(xs, out);
        for (y, x) in out.iter_mut().zip(xs) {
            *y = x - *y;
        }
    }

    /// Adds several values: the same gaps as by [`Self::push_gap`], bit for bit.
    #[inline(always)]
    pub fn extend_gaps(&mut self, xs: &[f64], out: &mut [f64]) {
        Self::extend_all(&mut [self], xs, [out]);
    }

    /// Adds several values to more than one average, whose chains of operations then run side by side.
    #[inline(always)]
    pub fn extend_all<const K: usize>(all: &mut [&mut Self; K], xs: &[f64], mut out: [&mut [f64]; K]) {
        let n = xs.len();
        let mut head = 0;
        while head < n && !all.iter().all(|s| s.is_warm() && s.place == 0) {
            for k in 0..K {
                out[k][head] = all[k].push_gap(xs[head]);
            }
            head += 1;
        }
        let end = head + (n - head) / STRIDE * STRIDE;
        if head < end {
            for k in 0..K {
                let keep = all[k].keep;
                out[k][head] = keep * (xs[head] - all[k].last);
                for (y, x) in out[k][head + 1..end].iter_mut().zip(xs[head..end].windows(2)) {
                    *y = keep * (x[1] - x[0]);
                }
            }
            let mut base = all.each_ref().map(|s| s.base);
            let powers = all.each_ref().map(|s| s.powers);
            fours(out.each_mut().map(|c| &mut c[head..end]), &mut base, &powers);
            for k in 0..K {
                (all[k].base, all[k].gap, all[k].last) = (base[k], base[k], xs[end - 1]);
            }
        }
        for i in end..n {
            for k in 0..K {
                out[k][i] = all[k].push_gap(xs[i]);
            }
        }
    }

    /// The present average, NaN until warm.
    #[inline(always)]
    pub fn value(&self) -> f64 {
        if self.is_warm() { self.last - self.gap } else { f64::NAN }
    }

    /// The seed is complete.
    #[inline(always)]
    pub fn is_warm(&self) -> bool {
        self.seen >= self.period
    }

    /// Length of the seed.
    pub fn period(&self) -> usize {
        self.period
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.seen = 0;
        self.last = 0.0;
        self.gap = 0.0;
        self.base = 0.0;
        self.part = Part::NONE;
        self.place = 0;
    }
}

/// Wilder's decaying sum `s ← s − s/period + x`, after a plain sum of `seed` values.
///
/// What RSI, CMO and the directional indicators divide by each other: a quotient of two such sums is that of the averages, and
/// sums of non-negative values stay non-negative. Four rows are told from one base, as in [`Smoother`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WilderSum {
    keep: f64,
    powers: [f64; STRIDE],
    seed: usize,
    seen: usize,
    sum: f64,
    base: f64,
    part: Part,
    place: usize,
}

impl WilderSum {
    /// Decay of `period ≥ 1`, starting after `seed` values.
    pub fn new(period: usize, seed: usize) -> Self {
        let keep = 1.0 - 1.0 / period.max(1) as f64;
        Self { keep, powers: powers(keep), seed, seen: 0, sum: 0.0, base: 0.0, part: Part::NONE, place: 0 }
    }

    /// Adds a value and returns the sum, whether or not the seed is complete.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        if self.seen >= self.seed {
            let part = self.part.push(x, self.keep, self.powers[1]);
            self.sum = self.powers[self.place % STRIDE] * self.base + part;
            self.place += 1;
            if self.place == STRIDE {
                self.place = 0;
                self.base = self.sum;
                self.part = Part::NONE;
            }
        } else {
            self.seen += 1;
            self.sum += x;
            self.base = self.sum;
        }
        self.sum
    }

    /// Adds several values to each of some sums, whose chains of operations then run side by side. A value gives way to the sum after
    /// it: the same as by [`Self::push`], bit for bit.
    #[inline(always)]
    pub fn extend_all<const K: usize>(all: &mut [&mut Self; K], mut columns: [&mut [f64]; K]) {
        let n = columns.first().map_or(0, |c| c.len());
        let mut head = 0;
        while head < n && !all.iter().all(|s| s.seen >= s.seed && s.place == 0) {
            for k in 0..K {
                columns[k][head] = all[k].push(columns[k][head]);
            }
            head += 1;
        }
        let end = head + (n - head) / STRIDE * STRIDE;
        let mut base = all.each_ref().map(|s| s.base);
        let powers = all.each_ref().map(|s| s.powers);
        fours(columns.each_mut().map(|c| &mut c[head..end]), &mut base, &powers);
        for k in 0..K {
            (all[k].base, all[k].sum) = (base[k], if head < end { base[k] } else { all[k].sum });
        }
        for i in end..n {
            for k in 0..K {
                columns[k][i] = all[k].push(columns[k][i]);
            }
        }
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.seen = 0;
        self.sum = 0.0;
        self.base = 0.0;
        self.part = Part::NONE;
        self.place = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_textbook_recursion() {
        let xs: Vec<f64> = (0..400).map(|i| 100.0 + 10.0 * f64::from(i).sin()).collect();
        let mut smooth = Smoother::exponential(20);
        let mut truth = xs[..20].iter().sum::<f64>() / 20.0;
        for (i, &x) in xs.iter().enumerate() {
            let got = smooth.push(x);
            if i < 19 {
                assert!(got.is_nan());
                continue;
            }
            if i > 19 {
                truth += 2.0 / 21.0 * (x - truth);
            }
            assert!((got / truth - 1.0).abs() < 1e-14);
            assert!((smooth.value() / truth - 1.0).abs() < 1e-14);
        }
    }

    #[test]
    fn a_flat_series_is_its_own_average() {
        for period in 1..40 {
            let mut smooth = Smoother::exponential(period);
            let mut got = f64::NAN;
            for _ in 0..5_000 {
                got = smooth.push(0.1);
            }
            assert_eq!(got, 0.1);
        }
    }
}
