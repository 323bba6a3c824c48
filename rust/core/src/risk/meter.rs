//! What the rules need to know of a symbol's prices.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::indicators::statistic::Tail;
use crate::indicators::step;
use crate::indicators::volatility::Atr;
use crate::types::Bar;

/// Bars of the average true range.
pub const ATR_PERIOD: usize = 14;
/// Log returns of the volatility.
pub const VOLATILITY_PERIOD: usize = 20;
/// Log returns kept for correlation.
pub const CORRELATION_WINDOW: usize = 60;
/// Returns that two symbols must share before their correlation counts.
const MIN_SHARED: usize = 20;

/// ATR, volatility and recent returns of one symbol.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RiskMeter {
    atr: Atr,
    atr_value: f64,
    returns: Tail,
    /// Times of the bars that the returns end at, ms.
    times: Tail,
    spread: Spread,
    close: f64,
    ts: i64,
    step_ms: i64,
}

/// Mean of a window of returns, and the root of their summed squared distances from it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Spread {
    mean: f64,
    norm: f64,
}

impl Spread {
    fn of(returns: &[f64]) -> Self {
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let norm = returns.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>().sqrt();
        // Returns that differ by the noise of the logarithm alone do not vary.
        Self { mean, norm: if norm > 1e-14 * n.sqrt() { norm } else { 0.0 } }
    }
}

impl Default for RiskMeter {
    fn default() -> Self {
        Self::new()
    }
}

impl RiskMeter {
    /// Before the first bar.
    pub fn new() -> Self {
        Self {
            atr: Atr::new(ATR_PERIOD),
            atr_value: f64::NAN,
            returns: Tail::new(CORRELATION_WINDOW),
            times: Tail::new(CORRELATION_WINDOW),
            spread: Spread { mean: 0.0, norm: 0.0 },
            close: f64::NAN,
            ts: i64::MIN,
            step_ms: 0,
        }
    }

    /// Takes the next closed bar; one that breaks the rules of a bar, or is not newer than the last, changes nothing.
    pub fn update(&mut self, bar: &Bar) {
        if bar.fault().is_some() || bar.ts <= self.ts {
            return;
        }
        [self.atr_value] = step(&mut self.atr, [bar.high, bar.low, bar.close]);
        if !self.close.is_nan() {
            self.returns.push((bar.close / self.close).ln());
            self.times.push(bar.ts as f64);
            self.spread = Spread::of(self.returns.window());
            let gap = bar.ts - self.ts;
            // The shortest gap is the bar interval; longer ones are weekends, halts and holes.
            self.step_ms = if self.step_ms == 0 { gap } else { self.step_ms.min(gap) };
        }
        self.close = bar.close;
        self.ts = bar.ts;
    }

    /// Average true range in price units, NaN until warm.
    pub fn atr(&self) -> f64 {
        self.atr_value
    }

    /// Population standard deviation of the last [`VOLATILITY_PERIOD`] log returns, per bar; NaN until there are so many.
    pub fn volatility(&self) -> f64 {
        let returns = self.returns.window();
        match returns.len().checked_sub(VOLATILITY_PERIOD) {
            Some(start) => Spread::of(&returns[start..]).norm / (VOLATILITY_PERIOD as f64).sqrt(),
            None => f64::NAN,
        }
    }

    /// Shortest time between two bars so far, ms; 0 before the second bar.
    pub fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// Pearson correlation of the returns of the bars that both symbols have; NaN where they share fewer than 20, or one stands still.
    pub fn correlation(&self, other: &Self) -> f64 {
        if self.times.window() == other.times.window() {
            return pearson((self.returns.window(), self.spread), (other.returns.window(), other.spread));
        }
        let (mut ours, mut theirs) = (Returns::new(), Returns::new());
        self.shared(other, &mut ours, &mut theirs);
        pearson((&ours, Spread::of(&ours)), (&theirs, Spread::of(&theirs)))
    }

    /// Both returns of every shared bar, oldest first.
    fn shared(&self, other: &Self, ours: &mut Returns, theirs: &mut Returns) {
        let (mut i, mut j) = (0, 0);
        let (t, u) = (self.times.window(), other.times.window());
        while i < t.len() && j < u.len() {
            if t[i] == u[j] {
                ours.push(self.returns.window()[i]);
                theirs.push(other.returns.window()[j]);
            }
            let (older, newer) = (t[i] <= u[j], u[j] <= t[i]);
            i += usize::from(older);
            j += usize::from(newer);
        }
    }
}

type Returns = SmallVec<[f64; 64]>;

/// `Σ (x − x̄)(y − ȳ) / (|x − x̄|·|y − ȳ|)`, NaN below [`MIN_SHARED`] values or without variance.
fn pearson((xs, x): (&[f64], Spread), (ys, y): (&[f64], Spread)) -> f64 {
    if xs.len() < MIN_SHARED || x.norm == 0.0 || y.norm == 0.0 {
        return f64::NAN;
    }
    // Four sums at once: one alone would wait for itself at every addition.
    let mut sums = [0.0; 4];
    for (k, (a, b)) in xs.iter().zip(ys).enumerate() {
        sums[k % 4] += (a - x.mean) * (b - y.mean);
    }
    (sums[0] + sums[1] + (sums[2] + sums[3])) / (x.norm * y.norm)
}
