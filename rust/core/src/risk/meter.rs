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
///
/// Returns are made when somebody asks for them: most bars are never looked at by a rule that needs one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RiskMeter {
    atr: Atr,
    atr_value: f64,
    /// Closes of the last bars and their times, in ms: a ring that `next` goes round.
    past: Vec<(f64, f64)>,
    next: usize,
    /// Log returns up to `behind` bars ago, and the times of the bars that they end at.
    returns: Tail,
    times: Tail,
    spread: Spread,
    /// Newest closes whose return is not in `returns` yet.
    behind: u32,
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
            past: vec![(f64::NAN, f64::NAN); CORRELATION_WINDOW + 1],
            next: 0,
            returns: Tail::new(CORRELATION_WINDOW),
            times: Tail::new(CORRELATION_WINDOW),
            spread: Spread { mean: 0.0, norm: 0.0 },
            behind: 0,
            close: f64::NAN,
            ts: i64::MIN,
            step_ms: 0,
        }
    }

    /// Takes the next closed bar; one that breaks the rules of a bar, or is not newer than the last, changes nothing.
    pub fn update(&mut self, bar: &Bar) {
        if bar.fault().is_none() {
            self.take(bar);
        }
    }

    /// [`RiskMeter::update`] for a bar that is known to be sound.
    #[inline]
    pub(crate) fn take(&mut self, bar: &Bar) {
        if bar.ts <= self.ts {
            return;
        }
        [self.atr_value] = step(&mut self.atr, [bar.high, bar.low, bar.close]);
        if !self.close.is_nan() {
            self.behind = self.behind.saturating_add(1);
            let gap = bar.ts - self.ts;
            // The shortest gap is the bar interval; longer ones are weekends, halts and holes.
            self.step_ms = if self.step_ms == 0 { gap } else { self.step_ms.min(gap) };
        }
        if let Some(slot) = self.past.get_mut(self.next) {
            *slot = (bar.close, bar.ts as f64);
        }
        self.next = if self.next == CORRELATION_WINDOW { 0 } else { self.next + 1 };
        self.close = bar.close;
        self.ts = bar.ts;
    }

    /// The close `k` bars ago and its time, NaN where there was none; `k` up to [`CORRELATION_WINDOW`].
    fn back(&self, k: usize) -> (f64, f64) {
        let n = self.past.len();
        self.past[(self.next + n - 1 - k) % n]
    }

    /// Log return of the bar `k` bars ago.
    fn change(&self, k: usize) -> f64 {
        (self.back(k).0 / self.back(k + 1).0).ln()
    }

    /// Brings the returns up to the last bar, so that the rules that read them need not make them each time anew.
    pub fn refresh(&mut self) {
        if self.behind == 0 {
            return;
        }
        for k in (0..(self.behind as usize).min(CORRELATION_WINDOW)).rev() {
            self.returns.push(self.change(k));
            self.times.push(self.back(k).1);
        }
        self.spread = Spread::of(self.returns.window());
        self.behind = 0;
    }

    /// Average true range in price units, NaN until warm.
    pub fn atr(&self) -> f64 {
        self.atr_value
    }

    /// Population standard deviation of the last [`VOLATILITY_PERIOD`] log returns, per bar; NaN until there are so many.
    pub fn volatility(&self) -> f64 {
        if self.back(VOLATILITY_PERIOD).0.is_nan() {
            return f64::NAN;
        }
        let returns: Returns = (0..VOLATILITY_PERIOD).rev().map(|k| self.change(k)).collect();
        Spread::of(&returns).norm / (VOLATILITY_PERIOD as f64).sqrt()
    }

    /// Shortest time between two bars so far, ms; 0 before the second bar.
    pub fn step_ms(&self) -> i64 {
        self.step_ms
    }

    /// Pearson correlation of the returns of the bars that both symbols have; NaN where they share fewer than 20, or one stands still.
    ///
    /// Cheap between meters that were [refreshed](RiskMeter::refresh) since their last bar.
    pub fn correlation(&self, other: &Self) -> f64 {
        if self.behind > 0 || other.behind > 0 {
            let (mut ours, mut theirs) = (self.clone(), other.clone());
            ours.refresh();
            theirs.refresh();
            return ours.correlation(&theirs);
        }
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
