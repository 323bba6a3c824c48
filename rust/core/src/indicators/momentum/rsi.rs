//! Relative strength index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::WilderSum;
use crate::indicators::{Indicator, TILE, erase, warm};
use crate::window::larger;

/// `100 · gains / (gains + losses)`, both Wilder sums of the changes (Wilder, 1978); 50 where nothing has changed yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rsi {
    period: usize,
    seen: usize,
    last: f64,
    gains: WilderSum,
    losses: WilderSum,
}

impl Rsi {
    /// Averages over `period ≥ 1` changes.
    pub fn new(period: usize) -> Self {
        let sum = WilderSum::new(period, period);
        Self { period, seen: 0, last: f64::NAN, gains: sum.clone(), losses: sum }
    }
}

/// The two parts of a change, both ≥ 0.
#[inline(always)]
fn split(change: f64) -> (f64, f64) {
    let gain = larger(change, 0.0);
    (gain, gain - change)
}

/// Gains in percent of all movement.
#[inline(always)]
fn share(gains: f64, losses: f64) -> f64 {
    let total = gains + losses;
    if total > 0.0 { 100.0 * (gains / total) } else { 50.0 }
}

impl Indicator<1, 1> for Rsi {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let change = x - self.last;
        self.last = x;
        if self.seen == 0 {
            self.seen = 1;
            return [f64::NAN];
        }
        let (gain, loss) = split(change);
        let (gains, losses) = (self.gains.push(gain), self.losses.push(loss));
        if self.seen < self.period {
            self.seen += 1;
            return [f64::NAN];
        }
        [share(gains, losses)]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 1], outputs: [&mut [f64]; 1]) {
        let ([xs], [out]) = warm(self, inputs, outputs, |k| k.seen == k.period);
        let n = xs.len();
        let (mut gains, mut losses) = ([0.0; TILE], [0.0; TILE]);
        let (gains, losses) = (&mut gains[..n], &mut losses[..n]);
        let [first, ..] = xs else { return };
        (gains[0], losses[0]) = split(first - self.last);
        for i in 1..n {
            (gains[i], losses[i]) = split(xs[i] - xs[i - 1]);
        }
        self.last = xs[n - 1];
        WilderSum::extend_all(&mut [&mut self.gains, &mut self.losses], [&mut *gains, &mut *losses]);
        for ((y, gains), losses) in out.iter_mut().zip(gains).zip(losses) {
            *y = share(*gains, *losses);
        }
    }
    fn reset(&mut self) {
        *self = Self::new(self.period);
    }
    fn warm_up(&self) -> usize {
        self.period
    }
}

pub(super) const ROW: Row = Row {
    name: "rsi",
    family: Family::Momentum,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["rsi"],
    summary: "Relative strength index: share of gains in all movement, 0 to 100; 50 for a flat series.",
    rule: None,
    build: |p| erase(Rsi::new(p[0] as usize)),
};
