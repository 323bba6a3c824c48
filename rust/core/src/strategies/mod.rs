//! Strategies: one state machine a symbol, bars in, the wanted position out.
//!
//! A file holds one strategy: its rule as a state machine, its parameters and its [`registry::Row`]. A strategy owns the
//! indicator kernels it needs, so that it runs on bars alone; those that read feature columns say so.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::Result;
use crate::features::FeatureRow;
use crate::types::Bar;

mod anomaly_detection;
pub mod batch;
mod cointegration;
mod forest;
mod forest_onnx;
mod given;
mod gradient_trend;
mod hmm;
#[cfg(test)]
mod laws;
mod longer;
mod mean_reversion;
mod momentum_breakout;
mod pairs_trading;
mod regime_change;
pub mod registry;
mod scanner_signal;
mod sentiment_momentum;
mod sma_cross;
#[cfg(test)]
pub(crate) mod testing;
pub mod universe;
mod ut_bot;
mod vbsr;
mod volatility_regime;

pub use anomaly_detection::AnomalyDetection;
pub use gradient_trend::GradientTrend;
pub(crate) use longer::Longer;
pub use longer::Resampler;
pub use mean_reversion::MeanReversion;
pub use momentum_breakout::MomentumBreakout;
pub use pairs_trading::PairsTrading;
pub use regime_change::RegimeChange;
pub use registry::{StrategyContext, Style};
pub use scanner_signal::{ScannerSignal, scanner_position};
pub use sentiment_momentum::SentimentMomentum;
pub use sma_cross::SmaCross;
pub use universe::UniverseStrategy;
pub use ut_bot::UtBot;
pub use vbsr::Vbsr;
pub use volatility_regime::VolatilityRegime;

/// What a strategy wants to hold now, in [−1, 1], and how sure it is, in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// Wanted position; NaN while the strategy is not warm.
    pub signal: f64,
    /// Confidence.
    pub confidence: f64,
}

impl Vote {
    /// A strategy that is still warming up: takes no part in the ensemble.
    pub const COLD: Self = Self { signal: f64::NAN, confidence: 0.0 };

    /// Flat, with nothing to say.
    pub const FLAT: Self = Self { signal: 0.0, confidence: 0.0 };

    /// A vote, clipped into its ranges.
    #[inline]
    pub fn new(signal: f64, confidence: f64) -> Self {
        Self { signal: signal.clamp(-1.0, 1.0), confidence: confidence.clamp(0.0, 1.0) }
    }

    /// Takes part in the ensemble.
    #[inline]
    pub fn is_warm(&self) -> bool {
        !self.signal.is_nan()
    }
}

/// What a strategy may look at: the bar that just closed and, where it asked for them, its features.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The closed bar.
    pub bar: &'a Bar,
    /// Features of that bar; present when any strategy of the run [`Strategy::needs_features`].
    pub features: Option<&'a FeatureRow>,
}

/// A strategy on one symbol.
///
/// Law 1 and 2 of SPEC hold by construction: `update` sees closed bars in order and nothing else.
pub trait Strategy: Send + Sync {
    /// Takes the next closed bar and says what to hold now.
    fn update(&mut self, context: &Context<'_>) -> Vote;
    /// Returns to the state before the first bar.
    fn reset(&mut self);
    /// Bars before the first vote.
    fn warm_up(&self) -> usize;
    /// Reads feature columns, so that the engine must compute them.
    fn needs_features(&self) -> bool {
        false
    }
    /// The state as bytes.
    ///
    /// # Errors
    /// As [`crate::snapshot::to_bytes`].
    fn snapshot(&self) -> Result<Vec<u8>>;
    /// Takes up a state.
    ///
    /// # Errors
    /// As [`crate::snapshot::from_bytes`].
    fn restore(&mut self, bytes: &[u8]) -> Result<()>;
    /// A copy in the present state.
    fn boxed_clone(&self) -> Box<dyn Strategy>;
}

/// The rule of a strategy: what a file of this module implements; [`erase`] makes it a [`Strategy`].
pub trait Rule: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// Takes the next closed bar, whose values are finite, and says what to hold now.
    fn update(&mut self, context: &Context<'_>) -> Vote;
    /// Returns to the state before the first bar.
    fn reset(&mut self);
    /// Bars before the first vote.
    fn warm_up(&self) -> usize;
    /// See [`Strategy::needs_features`].
    fn needs_features(&self) -> bool {
        false
    }
    /// Called on a state that was read from a snapshot, with the one it replaces: takes over what a snapshot leaves out.
    fn inherit(&mut self, _before: Self) {}
}

#[derive(Clone)]
struct Held<R>(R);

/// Puts a rule behind a pointer, with the missing-value rule of SPEC: a bar with a missing value gets no vote and leaves the
/// state untouched.
pub fn erase<R: Rule>(rule: R) -> Box<dyn Strategy> {
    Box::new(Held(rule))
}

impl<R: Rule> Strategy for Held<R> {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let b = context.bar;
        if [b.open, b.high, b.low, b.close, b.volume].iter().all(|v| v.is_finite()) {
            self.0.update(context)
        } else {
            Vote::COLD
        }
    }
    fn reset(&mut self) {
        self.0.reset();
    }
    fn warm_up(&self) -> usize {
        self.0.warm_up()
    }
    fn needs_features(&self) -> bool {
        self.0.needs_features()
    }
    fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::to_bytes(&self.0)
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let state: R = crate::snapshot::from_bytes(bytes)?;
        let before = std::mem::replace(&mut self.0, state);
        self.0.inherit(before);
        Ok(())
    }
    fn boxed_clone(&self) -> Box<dyn Strategy> {
        Box::new(self.clone())
    }
}

/// A position that is held until its rule ends it, with the confidence it was taken with.
///
/// A confidence that moved with every bar would resize the position with every bar: turnover without a reason.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Holding {
    vote: Vote,
}

impl Holding {
    /// Flat.
    pub(crate) const fn new() -> Self {
        Self { vote: Vote::FLAT }
    }

    /// Takes a position; one on the side already held stays as it is.
    pub(crate) fn take(&mut self, signal: f64, confidence: f64) {
        if signal * self.vote.signal <= 0.0 {
            self.vote = Vote::new(signal, confidence);
        }
    }

    /// Goes flat.
    pub(crate) fn close(&mut self) {
        self.vote = Vote::FLAT;
    }

    /// −1, 0 or 1.
    pub(crate) fn side(&self) -> i8 {
        i8::from(self.vote.signal > 0.0) - i8::from(self.vote.signal < 0.0)
    }

    /// The vote.
    pub(crate) fn vote(&self) -> Vote {
        self.vote
    }
}

/// `x` clipped into [0, 1].
pub(crate) fn unit(x: f64) -> f64 {
    x.clamp(0.0, 1.0)
}

/// `x` rounded to 32 bits of mantissa: values that differ by rounding noise only become equal (but for one case in a million).
pub(crate) fn coarse(x: f64) -> f64 {
    const DROPPED: u32 = 20;
    f64::from_bits((x.to_bits() + (1 << (DROPPED - 1))) >> DROPPED << DROPPED)
}
