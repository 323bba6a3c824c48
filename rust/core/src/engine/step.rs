//! What the engine says: decisions, intents and the state of the account after each batch.

use serde::{Deserialize, Serialize};

use crate::ensemble::Direction;
use crate::meta::MetaMode;
use crate::order::{Intent, Purpose};
use crate::portfolio::Trade;
use crate::risk::{RiskEvent, Steps, Verdict};
use crate::signals::{MarketRegime, Signal};
use crate::strategies::Vote;
use crate::types::SymbolId;

/// One decision: what one closed bar of one symbol led to, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Number within the run, from 1.
    pub id: u64,
    /// Open time of the bar decided on, ms.
    pub ts: i64,
    /// Symbol.
    pub symbol: SymbolId,
    /// Close of the bar.
    pub price: f64,
    /// The ensemble's position, NaN while no strategy is warm.
    pub rule: f64,
    /// The policy's position, NaN without one.
    pub rl: f64,
    /// The blended position asked of the risk engine.
    pub target: f64,
    /// How it was blended.
    pub method: MetaMode,
    /// Confidence of the ensemble.
    pub confidence: f64,
    /// Label of the consensus for people.
    pub direction: Direction,
    /// Signal label of SPEC §4, where features are computed and its inputs exist.
    pub signal: Option<Signal>,
    /// Market regime, likewise.
    pub regime: Option<MarketRegime>,
    /// What the risk engine said.
    pub verdict: Verdict,
    /// Its steps, in order.
    pub steps: Steps,
    /// Position held before, signed base units.
    pub held: f64,
    /// Signed quantity ordered, 0 for none.
    pub quantity: f64,
    /// Protective stop planned, NaN for none.
    pub stop_price: f64,
    /// Order that was sent, 0 for none.
    pub order: u64,
    /// Why that order exists.
    pub purpose: Option<Purpose>,
}

/// The account after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EquityPoint {
    /// Open time of the batch, ms.
    pub ts: i64,
    /// Cash plus the value of all positions.
    pub equity: f64,
    /// Cash.
    pub cash: f64,
    /// Σ |quantity · price| / equity.
    pub exposure: f64,
    /// Loss from the highest equity so far, as a fraction ≥ 0.
    pub drawdown: f64,
}

/// New strategy weights, after a trade closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightChange {
    /// Time of the fill that closed the trade, ms.
    pub ts: i64,
    /// Strategy.
    pub strategy: u32,
    /// Its new weight.
    pub weight: f64,
    /// Its grade, A to F, or N/A.
    pub grade: crate::ensemble::Grade,
}

/// Buffers that the engine writes into; the caller clears and reuses them.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Nobody will read the decisions: neither they nor their votes and reasons are made. What is decided is the same.
    pub lean: bool,
    /// Orders to send or withdraw, in order.
    pub intents: Vec<Intent>,
    /// Decisions, one per bar of the batch.
    pub decisions: Vec<Decision>,
    /// Votes of decision `k` are `votes[k · n .. (k + 1) · n]` for `n` strategies.
    pub votes: Vec<Vote>,
    /// Contributions to the consensus, laid out as [`Step::votes`].
    pub contributions: Vec<f64>,
    /// Round trips that a fill closed.
    pub trades: Vec<Trade>,
    /// Weight changes that followed.
    pub weights: Vec<WeightChange>,
    /// What the risk engine noticed.
    pub events: Vec<RiskEvent>,
}

impl Step {
    /// Nothing was said: no order, no decision, no outcome, no event.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.intents.is_empty()
            && self.decisions.is_empty()
            && self.trades.is_empty()
            && self.weights.is_empty()
            && self.events.is_empty()
    }

    /// Empties every buffer, keeping its room and [`Step::lean`].
    pub fn clear(&mut self) {
        self.intents.clear();
        self.decisions.clear();
        self.votes.clear();
        self.contributions.clear();
        self.trades.clear();
        self.weights.clear();
        self.events.clear();
    }
}
