//! Strategies: one state machine a symbol, bars in, the wanted position out.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::features::FeatureRow;
use crate::types::Bar;

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
}
