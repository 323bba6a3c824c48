//! What all candlestick patterns share: candles measured against those before them.
//!
//! The words are TA-Lib's with its default settings: a body is *long* above and *short* below the mean body of the 10 candles before
//! it, a *doji* up to a tenth of their mean range; a shadow is *very short* below a tenth of their mean range; *near* is a fifth and
//! *far* three fifths of the mean range of the 5 candles before.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::indicators::Indicator;
use crate::window::{RollingSum, larger, smaller};

/// A candle with the means of the candles before it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Candle {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    means: Means,
}

/// Means of the candles before: body and range of 10, range of 5; NaN until there are as many.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Means {
    body: f64,
    range: f64,
    near_range: f64,
}

const LENGTH: usize = 10;
const NEAR_LENGTH: usize = 5;
const UNKNOWN: Means = Means { body: f64::NAN, range: f64::NAN, near_range: f64::NAN };

impl Candle {
    const NONE: Self = Self { open: f64::NAN, high: f64::NAN, low: f64::NAN, close: f64::NAN, means: UNKNOWN };

    /// Distance between open and close.
    #[inline(always)]
    pub fn body(&self) -> f64 {
        (self.close - self.open).abs()
    }

    /// Upper end of the body.
    #[inline(always)]
    pub fn top(&self) -> f64 {
        larger(self.open, self.close)
    }

    /// Lower end of the body.
    #[inline(always)]
    pub fn bottom(&self) -> f64 {
        smaller(self.open, self.close)
    }

    /// From the body up to the high.
    #[inline(always)]
    pub fn upper_shadow(&self) -> f64 {
        self.high - self.top()
    }

    /// From the low up to the body.
    #[inline(always)]
    pub fn lower_shadow(&self) -> f64 {
        self.bottom() - self.low
    }

    /// Closed at or above its open.
    #[inline(always)]
    pub fn is_white(&self) -> bool {
        self.close >= self.open
    }

    /// Closed below its open.
    #[inline(always)]
    pub fn is_black(&self) -> bool {
        self.close < self.open
    }

    /// 1 for a white candle, −1 for a black one.
    #[inline(always)]
    pub fn sign(&self) -> f64 {
        if self.is_white() { 1.0 } else { -1.0 }
    }

    /// Mean body of the 10 candles before.
    #[inline(always)]
    pub fn mean_body(&self) -> f64 {
        self.means.body
    }

    /// The body is larger than usual.
    #[inline(always)]
    pub fn is_long(&self) -> bool {
        self.body() > self.means.body
    }

    /// The body is smaller than usual.
    #[inline(always)]
    pub fn is_short(&self) -> bool {
        self.body() < self.means.body
    }

    /// The body hardly shows.
    #[inline(always)]
    pub fn is_doji(&self) -> bool {
        self.body() <= 0.1 * self.means.range
    }

    /// A shadow of this length hardly shows.
    #[inline(always)]
    pub fn is_very_short(&self, shadow: f64) -> bool {
        shadow < 0.1 * self.means.range
    }

    /// A shadow of this length is more than very short.
    #[inline(always)]
    pub fn shows(&self, shadow: f64) -> bool {
        shadow > 0.1 * self.means.range
    }

    /// What counts as near a price of this candle.
    #[inline(always)]
    pub fn near(&self) -> f64 {
        0.2 * self.means.near_range
    }

    /// What counts as far from a price of this candle.
    #[inline(always)]
    pub fn far(&self) -> f64 {
        0.6 * self.means.near_range
    }

    /// The body lies wholly above that of `other`.
    #[inline(always)]
    pub fn gaps_above(&self, other: &Self) -> bool {
        self.bottom() > other.top()
    }

    /// The body lies wholly below that of `other`.
    #[inline(always)]
    pub fn gaps_below(&self, other: &Self) -> bool {
        self.top() < other.bottom()
    }
}

/// How far a body lies inside another: 100 wholly, 80 with one end (or both) the same, 0 not.
#[inline(always)]
pub(super) fn inside(inner: &Candle, outer: &Candle) -> f64 {
    if inner.top() < outer.top() && inner.bottom() > outer.bottom() {
        100.0
    } else if inner.top() <= outer.top() && inner.bottom() >= outer.bottom() {
        80.0
    } else {
        0.0
    }
}

/// The newest candle at 0 and the three before it.
pub type Candles = [Candle; 4];

/// The last candles with their means.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    body: RollingSum,
    range: RollingSum,
    near_range: RollingSum,
    means: Means,
    candles: Candles,
}

impl History {
    /// Before the first candle.
    pub fn new() -> Self {
        Self {
            body: RollingSum::new(LENGTH),
            range: RollingSum::new(LENGTH),
            near_range: RollingSum::new(NEAR_LENGTH),
            means: UNKNOWN,
            candles: [Candle::NONE; 4],
        }
    }

    /// Takes a candle and returns it with those before it.
    #[inline(always)]
    pub fn push(&mut self, [open, high, low, close]: [f64; 4]) -> &Candles {
        let candle = Candle { open, high, low, close, means: self.means };
        let range = high - low;
        self.means = Means {
            body: self.body.push(candle.body()) / LENGTH as f64,
            range: self.range.push(range) / LENGTH as f64,
            near_range: self.near_range.push(range) / NEAR_LENGTH as f64,
        };
        let [a, b, c, _] = self.candles;
        self.candles = [candle, a, b, c];
        &self.candles
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::new();
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

/// What makes a pattern.
pub trait Shape: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// Candles before the first that can be judged, as in TA-Lib.
    const LOOKBACK: usize;
    /// 100 (bullish), −100 (bearish), 80 or −80 for a weaker form of some patterns, 0: not this pattern.
    fn score(&self, candles: &Candles) -> f64;
}

/// A pattern as an indicator over open, high, low, close.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pattern<S> {
    history: History,
    seen: usize,
    shape: S,
}

impl<S: Shape> Pattern<S> {
    /// Looks for this shape.
    pub fn new(shape: S) -> Self {
        Self { history: History::new(), seen: 0, shape }
    }
}

impl<S: Shape> Indicator<4, 1> for Pattern<S> {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 4]) -> [f64; 1] {
        let candles = self.history.push(bar);
        if self.seen < S::LOOKBACK {
            self.seen += 1;
            return [f64::NAN];
        }
        [self.shape.score(candles)]
    }
    fn reset(&mut self) {
        self.history.reset();
        self.seen = 0;
    }
    fn warm_up(&self) -> usize {
        S::LOOKBACK
    }
}
