//! What the rules need to know of a symbol's prices.

use serde::{Deserialize, Serialize};

use crate::indicators::step;
use crate::indicators::volatility::Atr;
use crate::types::Bar;
use crate::window::Ring;

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
    returns: Ring,
    times: Ring,
    close: f64,
    ts: i64,
    step_ms: i64,
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
            returns: Ring::new(CORRELATION_WINDOW),
            times: Ring::new(CORRELATION_WINDOW),
            close: f64::NAN,
            ts: i64::MIN,
            step_ms: 0,
        }
    }

    /// Takes the next closed bar; one that breaks the rules of a bar changes nothing.
    pub fn update(&mut self, bar: &Bar) {
        if bar.fault().is_some() || bar.ts <= self.ts {
            return;
        }
        [self.atr_value] = step(&mut self.atr, [bar.high, bar.low, bar.close]);
        if !self.close.is_nan() {
            self.returns.push((bar.close / self.close).ln());
            self.times.push(bar.ts as f64);
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
        let Some(start) = self.returns.len().checked_sub(VOLATILITY_PERIOD) else { return f64::NAN };
        let n = VOLATILITY_PERIOD as f64;
        let mean = self.returns.iter().skip(start).sum::<f64>() / n;
        (self.returns.iter().skip(start).map(|r| (r - mean) * (r - mean)).sum::<f64>() / n).sqrt()
    }

    /// Shortest time between two bars so far, ms; 0 before the second bar.
    pub fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// Pearson correlation of the returns of the bars that both symbols have; NaN where they share fewer than 20, or one stands still.
    pub fn correlation(&self, other: &Self) -> f64 {
        let mut n = 0.0;
        let (mut sx, mut sy) = (0.0, 0.0);
        self.shared(other, |x, y| {
            n += 1.0;
            sx += x;
            sy += y;
        });
        if n < MIN_SHARED as f64 {
            return f64::NAN;
        }
        let (mx, my) = (sx / n, sy / n);
        let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
        self.shared(other, |x, y| {
            let (dx, dy) = (x - mx, y - my);
            xx += dx * dx;
            yy += dy * dy;
            xy += dx * dy;
        });
        if xx > 0.0 && yy > 0.0 { xy / (xx.sqrt() * yy.sqrt()) } else { f64::NAN }
    }

    /// Calls `f` with both returns of every shared bar, oldest first.
    fn shared(&self, other: &Self, mut f: impl FnMut(f64, f64)) {
        let mut ours = self.times.iter().zip(self.returns.iter()).peekable();
        let mut theirs = other.times.iter().zip(other.returns.iter()).peekable();
        while let (Some(&(t, x)), Some(&(u, y))) = (ours.peek(), theirs.peek()) {
            if t == u {
                f(x, y);
            }
            if t <= u {
                ours.next();
            }
            if u <= t {
                theirs.next();
            }
        }
    }
}
