//! Building blocks of these families that are not windows of one series.

use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
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
}
