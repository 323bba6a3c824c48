//! Building blocks of these families that are not windows of one series.

use serde::{Deserialize, Serialize};

use crate::window::Ring;

/// A sum over the whole history that keeps what each addition rounded away (Knuth's two-sum), so that a line such as OBV is as
/// exact after ten million bars as after ten.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct CompensatedSum {
    sum: f64,
    lost: f64,
}

impl CompensatedSum {
    /// Adds a value.
    #[inline(always)]
    pub fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        let added = sum - self.sum;
        self.lost += (self.sum - (sum - added)) + (x - added);
        self.sum = sum;
    }

    /// The sum so far.
    #[inline(always)]
    pub fn value(self) -> f64 {
        self.sum + self.lost
    }
}

/// The last `n` values as one slice, oldest first.
///
/// Every value is written twice, `n` apart, so that the window never wraps: a function over slices can read it in place.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tail {
    values: Vec<f64>,
    period: usize,
    at: usize,
    seen: usize,
}

impl Tail {
    /// Room for `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        let period = n.max(1);
        Self { values: vec![0.0; 2 * period], period, at: 0, seen: 0 }
    }

    /// Adds a value; the oldest leaves once there are `n`.
    #[inline(always)]
    pub fn push(&mut self, x: f64) {
        let n = self.period;
        self.values[self.at] = x;
        self.values[self.at + n] = x;
        self.at += 1;
        if self.at == n {
            self.at = 0;
        }
        self.seen += usize::from(self.seen < n);
    }

    /// The values held, oldest first.
    #[inline(always)]
    pub fn window(&self) -> &[f64] {
        if self.is_full() { &self.values[self.at..self.at + self.period] } else { &self.values[..self.seen] }
    }

    /// All `n` places are taken.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.seen == self.period
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.period
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.at = 0;
        self.seen = 0;
    }
}

/// The last `n` values in order of size.
///
/// A new value moves into the place of the one that leaves: two binary searches and one move of the values between them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SortedWindow {
    ring: Ring,
    sorted: Vec<f64>,
    held: usize,
}

impl SortedWindow {
    /// Room for `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        let ring = Ring::new(n);
        let sorted = vec![0.0; ring.capacity()];
        Self { ring, sorted, held: 0 }
    }

    /// Adds a value; the oldest leaves once there are `n`.
    #[inline(always)]
    pub fn push(&mut self, x: f64) {
        let full = self.ring.is_full();
        let old = self.ring.push(x);
        let at = self.below(x);
        if !full {
            self.sorted.copy_within(at..self.held, at + 1);
            self.sorted[at] = x;
            self.held += 1;
            return;
        }
        let from = self.below(old);
        if from < at {
            self.sorted.copy_within(from + 1..at, from);
            self.sorted[at - 1] = x;
        } else {
            self.sorted.copy_within(at..from, at + 1);
            self.sorted[at] = x;
        }
    }

    /// How many of the values held are smaller than `x`.
    #[inline(always)]
    pub fn below(&self, x: f64) -> usize {
        self.sorted[..self.held].partition_point(|&v| v < x)
    }

    /// The values held, in rising order.
    pub fn sorted(&self) -> &[f64] {
        &self.sorted[..self.held]
    }

    /// All `n` places are taken.
    pub fn is_full(&self) -> bool {
        self.ring.is_full()
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.ring.capacity()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.ring.reset();
        self.held = 0;
    }
}

/// Sums of squares and products of a window of pairs, about their means.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Products {
    pub xx: f64,
    pub yy: f64,
    pub xy: f64,
}

/// [`Products`] of the last `n` pairs; NaN until there are `n`.
///
/// The two-block scheme of [`crate::window::RollingMoments`] in two dimensions: nothing is ever subtracted from a running sum, and
/// both series are measured from a pair inside the window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingProducts {
    /// (x, y, –) of the present block, then suffix (Σx, Σy, Σx², Σy², Σxy) of the one before.
    block: Vec<[f64; 5]>,
    at: usize,
    shift: (f64, f64),
    prefix: [f64; 5],
    inverse: f64,
}

impl RollingProducts {
    /// A window of `n ≥ 1` pairs.
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { block: vec![[f64::NAN; 5]; n], at: 0, shift: (0.0, 0.0), prefix: [0.0; 5], inverse: 1.0 / n as f64 }
    }

    /// Adds a pair and returns the products of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64, y: f64) -> Products {
        let n = self.block.len();
        add_pair(&mut self.prefix, x - self.shift.0, y - self.shift.1);
        self.block[self.at][0] = x;
        self.block[self.at][1] = y;
        self.at += 1;
        if self.at < n {
            let tail = &self.block[self.at];
            return self.about_means(std::array::from_fn(|k| tail[k] + self.prefix[k]));
        }
        self.shift = (x, y);
        let mut suffix = [0.0; 5];
        for slot in self.block.iter_mut().rev() {
            add_pair(&mut suffix, slot[0] - x, slot[1] - y);
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = [0.0; 5];
        self.about_means(suffix)
    }

    #[inline(always)]
    fn about_means(&self, [x, y, xx, yy, xy]: [f64; 5]) -> Products {
        let k = self.inverse;
        let positive = |full: f64, part: f64| if part > ROUNDING * full || part.is_nan() { part } else { 0.0 };
        Products { xx: positive(xx, xx - x * x * k), yy: positive(yy, yy - y * y * k), xy: xy - x * y * k }
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new(self.block.len());
    }
}

/// A difference below this share of what it was taken from is rounding.
const ROUNDING: f64 = 1e-14;

#[inline(always)]
fn add_pair(sums: &mut [f64; 5], x: f64, y: f64) {
    sums[0] += x;
    sums[1] += y;
    sums[2] += x * x;
    sums[3] += y * y;
    sums[4] += x * y;
}

/// Sums of the second, third and fourth powers of a window about its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Powers {
    pub second: f64,
    pub third: f64,
    pub fourth: f64,
}

/// [`Powers`] of the last `n` values; NaN until there are `n`. Two blocks and a shift inside the window, as everywhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollingPowers {
    /// (value, –) of the present block, then suffix (Σd, Σd², Σd³, Σd⁴) of the one before.
    block: Vec<[f64; 4]>,
    at: usize,
    shift: f64,
    prefix: [f64; 4],
    size: f64,
}

impl RollingPowers {
    /// A window of `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        let n = n.max(1);
        Self { block: vec![[f64::NAN; 4]; n], at: 0, shift: 0.0, prefix: [0.0; 4], size: n as f64 }
    }

    /// Adds a value and returns the powers of the window.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> Powers {
        let n = self.block.len();
        add_powers(&mut self.prefix, x - self.shift);
        self.block[self.at][0] = x;
        self.at += 1;
        if self.at < n {
            let tail = &self.block[self.at];
            return self.about_mean(std::array::from_fn(|k| tail[k] + self.prefix[k]));
        }
        self.shift = x;
        let mut suffix = [0.0; 4];
        for slot in self.block.iter_mut().rev() {
            add_powers(&mut suffix, slot[0] - x);
            *slot = suffix;
        }
        self.at = 0;
        self.prefix = [0.0; 4];
        self.about_mean(suffix)
    }

    #[inline(always)]
    fn about_mean(&self, [one, two, three, four]: [f64; 4]) -> Powers {
        let m = one / self.size;
        let second = two - one * m;
        Powers {
            second: if second > ROUNDING * two || second.is_nan() { second } else { 0.0 },
            third: three - m * (3.0 * two - 2.0 * one * m),
            fourth: four - m * (4.0 * three - m * (6.0 * two - 3.0 * one * m)),
        }
    }

    /// Length of the window.
    pub fn period(&self) -> usize {
        self.block.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new(self.block.len());
    }
}

#[inline(always)]
fn add_powers(sums: &mut [f64; 4], d: f64) {
    let square = d * d;
    sums[0] += d;
    sums[1] += square;
    sums[2] += square * d;
    sums[3] += square * square;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_compensated_sum_keeps_what_a_plain_one_loses() {
        let mut sum = CompensatedSum::default();
        sum.add(1e16);
        for _ in 0..1000 {
            sum.add(0.25);
        }
        sum.add(-1e16);
        assert_eq!(sum.value(), 250.0);
    }

    #[test]
    fn a_tail_is_one_slice() {
        let mut tail = Tail::new(3);
        assert_eq!(tail.window(), [0.0; 0]);
        for x in 1..=7 {
            tail.push(f64::from(x));
            let from = (x - 3).max(0);
            let expected: Vec<f64> = (from + 1..=x).map(f64::from).collect();
            assert_eq!(tail.window(), expected);
        }
        tail.reset();
        assert!(!tail.is_full() && tail.window().is_empty());
    }

    proptest! {
        #[test]
        fn a_sorted_window_is_the_window_sorted(
            xs in prop::collection::vec(-5_i8..5, 0..80),
            n in 1_usize..12,
        ) {
            let mut window = SortedWindow::new(n);
            for i in 0..xs.len() {
                window.push(f64::from(xs[i]));
                let mut expected: Vec<f64> = xs[(i + 1).saturating_sub(n)..=i].iter().map(|&x| f64::from(x)).collect();
                expected.sort_by(f64::total_cmp);
                prop_assert_eq!(window.sorted(), &expected[..]);
                prop_assert_eq!(window.below(1.5), expected.iter().filter(|&&v| v < 1.5).count());
            }
        }

        #[test]
        fn products_and_powers_are_their_definitions(
            xs in prop::collection::vec((-1e3..1e3_f64, -1.0..1.0_f64), 0..90),
            n in 1_usize..25,
        ) {
            let (mut products, mut powers) = (RollingProducts::new(n), RollingPowers::new(n));
            for i in 0..xs.len() {
                let (got, power) = (products.push(xs[i].0, xs[i].1), powers.push(xs[i].0));
                if i + 1 < n {
                    prop_assert!(got.xx.is_nan() && got.yy.is_nan() && got.xy.is_nan());
                    prop_assert!(power.second.is_nan() && power.third.is_nan() && power.fourth.is_nan());
                    continue;
                }
                let w = &xs[i + 1 - n..=i];
                let mean = |f: fn(&(f64, f64)) -> f64| w.iter().map(f).sum::<f64>() / n as f64;
                let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
                let sum = |f: &dyn Fn(f64, f64) -> f64| w.iter().map(|p| f(p.0 - mx, p.1 - my)).sum::<f64>();
                let near = |a: f64, b: f64, scale: f64| (a - b).abs() <= 1e-11 * scale.max(1e-3);
                prop_assert!(near(got.xx, sum(&|x, _| x * x), 1e8));
                prop_assert!(near(got.yy, sum(&|_, y| y * y), 1e2));
                prop_assert!(near(got.xy, sum(&|x, y| x * y), 1e5));
                prop_assert!(near(power.second, sum(&|x, _| x * x), 1e8));
                prop_assert!(near(power.third, sum(&|x, _| x.powi(3)), 1e11));
                prop_assert!(near(power.fourth, sum(&|x, _| x.powi(4)), 1e14));
            }
        }
    }
}
