//! Wilder's directional movement: what ±DI, DX, ADX and ADXR share.

use serde::{Deserialize, Serialize};

use crate::indicators::smooth::WilderSum;
use crate::window::{keep_if, larger, smaller};

/// Decayed sums of upward movement, downward movement and true range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Movement {
    pub(super) plus: f64,
    pub(super) minus: f64,
    pub(super) range: f64,
}

impl Movement {
    /// +DI: upward movement as a share of the true range, in percent.
    #[inline(always)]
    pub(super) fn plus_di(self) -> f64 {
        if self.range > 0.0 { 100.0 * (self.plus / self.range) } else { 0.0 }
    }

    /// −DI: downward movement as a share of the true range, in percent.
    #[inline(always)]
    pub(super) fn minus_di(self) -> f64 {
        if self.range > 0.0 { 100.0 * (self.minus / self.range) } else { 0.0 }
    }

    /// `100 · |+DI − −DI| / (+DI + −DI)`; none where there was no movement.
    #[inline(always)]
    pub(super) fn index(self) -> Option<f64> {
        let total = self.plus + self.minus;
        // The true range cancels. Below 1e-14 of it, what is left of long past movement is rounding noise.
        (total * 100.0 > 1e-14 * self.range).then(|| 100.0 * ((self.plus - self.minus).abs() / total))
    }
}

/// The three sums over bars: `period − 1` of them as seed, decay by Wilder's rule from then on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Directional {
    period: usize,
    /// Moves that differ by no more than this part of the price are equal.
    tie: f64,
    high: f64,
    low: f64,
    close: f64,
    seen: usize,
    plus: WilderSum,
    minus: WilderSum,
    range: WilderSum,
}

impl Directional {
    pub(super) fn new(period: usize) -> Self {
        Self::with_tie(period, 0.0)
    }

    pub(super) fn with_tie(period: usize, tie: f64) -> Self {
        let sum = WilderSum::new(period, period - 1);
        Self {
            period,
            tie,
            high: f64::NAN,
            low: f64::NAN,
            close: f64::NAN,
            seen: 0,
            plus: sum.clone(),
            minus: sum.clone(),
            range: sum,
        }
    }

    /// Takes a bar; none for the first `period` of them.
    #[inline(always)]
    pub(super) fn push(&mut self, [high, low, close]: [f64; 3]) -> Option<Movement> {
        let (up, down) = (high - self.high, self.low - low);
        let range = larger(high, self.close) - smaller(low, self.close);
        self.high = high;
        self.low = low;
        self.close = close;
        if self.seen == 0 {
            self.seen = 1;
            return None;
        }
        // The larger of the two moves counts, if it is a move outwards at all.
        let tie = self.tie * high;
        let plus = keep_if(up - down > tie, larger(up, 0.0));
        let minus = keep_if(down - up > tie, larger(down, 0.0));
        let movement =
            Movement { plus: self.plus.push(plus), minus: self.minus.push(minus), range: self.range.push(range) };
        if self.seen < self.period {
            self.seen += 1;
            return None;
        }
        Some(movement)
    }

    pub(super) fn period(&self) -> usize {
        self.period
    }

    pub(super) fn reset(&mut self) {
        *self = Self::with_tie(self.period, self.tie);
    }
}
