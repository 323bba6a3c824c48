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
        self.is_any().then(|| self.share())
    }

    /// There was movement: below 1e-14 of the true range, what is left of long past movement is rounding noise.
    #[inline(always)]
    pub(super) fn is_any(self) -> bool {
        (self.plus + self.minus) * 100.0 > 1e-14 * self.range
    }

    /// [`Self::index`] where there was movement; the true range cancels.
    #[inline(always)]
    pub(super) fn share(self) -> f64 {
        100.0 * ((self.plus - self.minus).abs() / (self.plus + self.minus))
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

/// Upward movement, downward movement and true range of a bar after another.
#[inline(always)]
fn moves(high: f64, low: f64, high_before: f64, low_before: f64, close_before: f64, tie: f64) -> (f64, f64, f64) {
    let (up, down) = (high - high_before, low_before - low);
    let range = larger(high, close_before) - smaller(low, close_before);
    // The larger of the two moves counts, if it is a move outwards at all.
    let tie = tie * high;
    (keep_if(up - down > tie, larger(up, 0.0)), keep_if(down - up > tie, larger(down, 0.0)), range)
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
        let (plus, minus, range) = moves(high, low, self.high, self.low, self.close, self.tie);
        self.high = high;
        self.low = low;
        self.close = close;
        if self.seen == 0 {
            self.seen = 1;
            return None;
        }
        let movement =
            Movement { plus: self.plus.push(plus), minus: self.minus.push(minus), range: self.range.push(range) };
        if self.seen < self.period {
            self.seen += 1;
            return None;
        }
        Some(movement)
    }

    /// Every further bar gives a movement.
    #[inline(always)]
    pub(super) fn is_warm(&self) -> bool {
        self.seen == self.period
    }

    /// Takes at most [`TILE`] bars once warm: the sums that [`Self::push`] gives, bit for bit.
    #[inline(always)]
    pub(super) fn extend(&mut self, [high, low, close]: [&[f64]; 3], sums: [&mut [f64]; 3]) {
        let [plus, minus, range] = sums;
        let n = high.len();
        let Some(last) = n.checked_sub(1) else { return };
        let (low, close) = (&low[..n], &close[..n]);
        let (plus, minus, range) = (&mut plus[..n], &mut minus[..n], &mut range[..n]);
        let tie = self.tie;
        (plus[0], minus[0], range[0]) = moves(high[0], low[0], self.high, self.low, self.close, tie);
        for i in 1..n {
            (plus[i], minus[i], range[i]) = moves(high[i], low[i], high[i - 1], low[i - 1], close[i - 1], tie);
        }
        (self.high, self.low, self.close) = (high[last], low[last], close[last]);
        WilderSum::extend_all(&mut [&mut self.plus, &mut self.minus, &mut self.range], [plus, minus, range]);
    }

    pub(super) fn period(&self) -> usize {
        self.period
    }

    pub(super) fn reset(&mut self) {
        *self = Self::with_tie(self.period, self.tie);
    }
}
