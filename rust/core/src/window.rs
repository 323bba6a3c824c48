//! Windows over the last `n` values in constant time and without drift.
//!
//! Sums and extremes are kept as *two blocks*: the window is the tail of the block before (whose suffix results were made once,
//! when that block was full) and the head of the present one (a running prefix). Nothing is ever subtracted, so an error cannot
//! build up: it stays that of adding `n` numbers, however long the series, and a huge value leaves no trace once it has left.

mod extreme;
mod line;
mod moments;
mod pair;
mod range;
mod ring;
mod sliding;
mod sum;
#[cfg(test)]
mod tests;

pub use extreme::{RollingExtreme, RollingMax, RollingMin};
pub use line::{Line, RollingLine};
pub use moments::{RollingMoments, Spread};
pub use pair::RollingSums;
pub use range::{RangeAge, RollingRange};
pub use ring::{Delay, Ring};
pub use sliding::{sliding, sliding_age};
pub use sum::{RollingMean, RollingSum};

/// The larger of two values, the second where they cannot be compared: one instruction, and NaN passes from `b`.
#[inline(always)]
pub fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The smaller of two values, the second where they cannot be compared: one instruction, and NaN passes from `b`.
#[inline(always)]
pub fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// `x` where the condition holds, else 0, without a branch: for conditions as good as random.
#[inline(always)]
pub fn keep_if(condition: bool, x: f64) -> f64 {
    f64::from_bits(x.to_bits() & u64::from(condition).wrapping_neg())
}

/// Reduces a slice in eight independent chains, which the processor runs side by side; a sum is always added up in the same order.
#[inline(always)]
pub fn chains(values: &[f64], start: f64, reduce: impl Fn(f64, f64) -> f64) -> f64 {
    let mut lanes = [start; 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &v) in lanes.iter_mut().zip(chunk) {
            *lane = reduce(*lane, v);
        }
    }
    rest.iter().chain(&lanes).fold(start, |a, &b| reduce(a, b))
}

/// `a` where the condition holds, else `b`, without a branch.
#[inline(always)]
pub fn pick(condition: bool, a: f64, b: f64) -> f64 {
    let mask = u64::from(condition).wrapping_neg();
    f64::from_bits((a.to_bits() & mask) | (b.to_bits() & !mask))
}

/// Of `len` values from place `at` of a block of `n` on: how many reach the next boundary of blocks, and where the last of the whole
/// blocks after it ends.
#[inline(always)]
fn to_boundary(at: usize, n: usize, len: usize) -> (usize, usize) {
    let head = if at == 0 { 0 } else { (n - at).min(len) };
    (head, len - (len - head) % n)
}
