//! Volume-weighted average price from the first bar.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Row};
use crate::indicators::statistic::CompensatedSum;
use crate::indicators::{Indicator, TILE, erase};

/// `Σ typical · volume / Σ volume` since an anchor; while nothing was traded every bar weighs the same.
///
/// The sums are compensated once in [`PART`] bars: between those, the few bars since are added up on their own, so that their rounding
/// stays that of a short sum and does not build up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Anchored {
    flow: CompensatedSum,
    volume: CompensatedSum,
    /// Flow and volume of the bars since.
    part: (f64, f64),
    place: usize,
    prices: CompensatedSum,
    bars: f64,
}

/// Bars from one compensated sum to the next.
const PART: usize = 64;

impl Anchored {
    #[inline(always)]
    pub(super) fn push(&mut self, high: f64, low: f64, close: f64, volume: f64) -> f64 {
        // Three typical prices a bar; one division at the end makes good for it.
        let price = high + low + close;
        let (flow, total) = self.add(price * volume, volume);
        if total > 0.0 {
            return flow / (3.0 * total);
        }
        self.prices.add(price);
        self.bars += 1.0;
        self.prices.value() / (3.0 * self.bars)
    }

    /// Adds to both sums and returns them.
    #[inline(always)]
    fn add(&mut self, flow: f64, volume: f64) -> (f64, f64) {
        self.part = (self.part.0 + flow, self.part.1 + volume);
        let sums = (self.flow.value() + self.part.0, self.volume.value() + self.part.1);
        self.place += 1;
        if self.place == PART {
            self.flow.add(self.part.0);
            self.volume.add(self.part.1);
            (self.part, self.place) = ((0.0, 0.0), 0);
        }
        sums
    }

    /// [`Self::push`] of several bars, at most [`TILE`].
    #[inline(always)]
    fn extend(&mut self, [high, low, close, volume]: [&[f64]; 4], out: &mut [f64]) {
        let n = out.len();
        let mut next = self.clone();
        let mut total = [0.0; TILE];
        let total = &mut total[..n];
        for ((y, (high, low)), (close, volume)) in
            out.iter_mut().zip(high.iter().zip(low)).zip(close.iter().zip(volume))
        {
            *y = (high + low + close) * volume;
        }
        let mut at = 0;
        while at < n {
            let end = n.min(at + PART - next.place);
            let base = (next.flow.value(), next.volume.value());
            let mut part = next.part;
            for i in at..end {
                part = (part.0 + out[i], part.1 + volume[i]);
                (out[i], total[i]) = (base.0 + part.0, base.1 + part.1);
            }
            next.part = part;
            next.place += end - at;
            if next.place == PART {
                next.flow.add(part.0);
                next.volume.add(part.1);
                (next.part, next.place) = ((0.0, 0.0), 0);
            }
            at = end;
        }
        if total.iter().map(|&total| usize::from(total > 0.0)).sum::<usize>() == n {
            for (y, total) in out.iter_mut().zip(total) {
                *y /= 3.0 * *total;
            }
            *self = next;
        } else {
            for i in 0..n {
                out[i] = self.push(high[i], low[i], close[i], volume[i]);
            }
        }
    }
}

/// `Σ typical · volume / Σ volume` from the first bar, as TA-Lib's `VWAP`.
///
/// Before anything was traded it is the mean of the typical prices, where TA-Lib gives 0: a deliberate difference, as 0 is no
/// price.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Vwap {
    sums: Anchored,
}

impl Vwap {
    /// An average anchored at the next bar.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Indicator<4, 1> for Vwap {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [high, low, close, volume]: [f64; 4]) -> [f64; 1] {
        [self.sums.push(high, low, close, volume)]
    }
    #[inline(always)]
    fn fill(&mut self, bars: [&[f64]; 4], [out]: [&mut [f64]; 1]) {
        self.sums.extend(bars, out);
    }
    fn reset(&mut self) {
        *self = Self::new();
    }
    fn warm_up(&self) -> usize {
        0
    }
}

pub(super) const ROW: Row = Row {
    name: "vwap",
    family: Family::Volume,
    inputs: &[Input::High, Input::Low, Input::Close, Input::Volume],
    params: &[],
    outputs: &["vwap"],
    summary: "Volume-weighted average price from the first bar; the plain mean price before any volume (TA-Lib: 0).",
    rule: None,
    build: |_| erase(Vwap::new()),
};
