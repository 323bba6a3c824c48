//! From the strategies' votes to one consensus: one combiner a symbol, one method a file (SPEC §6).
//!
//! Every method sees the votes after the same preparation ([`prepare`]: calibration, time decay, diversity bonus) and its result
//! passes the same gates (required strategies, `min_agree`). What a method may learn from is only what [`Combiner::observe`] told
//! it: the return of the bar that followed the previous votes.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{CoreError, Result};
use crate::signals::MarketRegime;
use crate::strategies::Vote;

pub mod bayesian;
pub mod calibration;
pub mod config;
pub mod correlation;
pub mod dynamic;
pub mod majority;
pub mod performance;
pub mod prepare;
pub mod regime;
pub mod similarity;
pub mod stacked;
pub mod trainer;
pub mod weighted;

pub(crate) use config::build_styled;
pub use config::{EnsembleConfig, MethodKind, build};
pub use trainer::{Grade, StrategyTrainer, TrainerConfig};

/// A position as a word for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Direction {
    Buy,
    Sell,
    Hold,
}

impl Direction {
    /// `Buy`, `Sell` or `Hold`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "Buy",
            Self::Sell => "Sell",
            Self::Hold => "Hold",
        }
    }
}

/// What a gate did to the consensus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Nothing: the consensus stands.
    Open,
    /// A required strategy is cold, flat or of another mind: hold.
    Required,
    /// Fewer strategies than `min_agree` share the direction: hold.
    MinAgree,
}

impl Gate {
    /// `open`, `required` or `min_agree`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Required => "required",
            Self::MinAgree => "min_agree",
        }
    }
}

/// What the strategies want together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// Wanted position in [−1, 1]: the sum of the contributions (and of the intercept, where a stacked model has one); NaN while
    /// no strategy is warm.
    pub value: f64,
    /// Share of the weight that stands behind the direction, each part times its own confidence.
    pub confidence: f64,
    /// The value as a word.
    pub direction: Direction,
    /// Strategies that took part.
    pub warm: u32,
    /// What held the consensus back, if anything.
    pub gate: Gate,
}

impl Consensus {
    /// No strategy is warm.
    pub const COLD: Self =
        Self { value: f64::NAN, confidence: 0.0, direction: Direction::Hold, warm: 0, gate: Gate::Open };
}

/// What the combiner may know besides the votes.
#[derive(Debug, Clone, Copy)]
pub struct EnsembleInput<'a> {
    /// The trainer's weights, one a strategy, ≥ 0.
    pub weights: &'a [f64],
    /// Regime of the market at this bar.
    pub regime: Option<MarketRegime>,
    /// Open time of the bar, milliseconds.
    pub ts: i64,
}

/// A strategy that the correlation filter set aside, and why.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dropped {
    /// Index of the strategy that went.
    pub strategy: usize,
    /// Index of the strategy that stayed in its place.
    pub kept: usize,
    /// Correlation of their signals.
    pub correlation: f64,
}

/// Joins the votes of several strategies on one symbol.
pub trait Combiner: Send + Sync {
    /// Takes the votes on the bar that just closed.
    ///
    /// `contributions` receives each strategy's part of the consensus, 0 for one that took no part. Votes, weights and
    /// contributions are as many as the strategies the combiner was built for; a missing weight counts as 1.
    fn combine(&mut self, votes: &[Vote], input: &EnsembleInput<'_>, contributions: &mut [f64]) -> Consensus;
    /// Takes the same votes again, under the same weights; false where the consensus may be another one all the same, with nothing
    /// done: then [`Combiner::combine`] has to say. Where it is true, the last consensus and contributions stand.
    fn again(&mut self) -> bool;
    /// Takes the return of the symbol over the bar just closed: the one that followed the previous votes.
    fn observe(&mut self, realised_return: f64);
    /// Weights that the last call of [`Combiner::combine`] used, after every stage.
    fn weights(&self) -> &[f64];
    /// Strategies that the last call set aside.
    fn dropped(&self) -> &[Dropped];
    /// Returns to the state before the first bar.
    fn reset(&mut self);
    /// The state as bytes.
    ///
    /// # Errors
    /// As [`crate::snapshot::to_bytes`].
    fn snapshot(&self) -> Result<Vec<u8>>;
    /// Takes up a state.
    ///
    /// # Errors
    /// As [`crate::snapshot::from_bytes`], or when the state is that of another number of strategies.
    fn restore(&mut self, bytes: &[u8]) -> Result<()>;
    /// A copy in the present state.
    fn boxed_clone(&self) -> Box<dyn Combiner>;
}

/// Prepared votes of one bar: what a method decides on.
#[derive(Debug, Clone, Copy)]
pub struct Ballot<'a> {
    /// Votes with calibrated confidence.
    pub votes: &'a [Vote],
    /// Regime of the market.
    pub regime: Option<MarketRegime>,
}

/// The way in which a combiner turns a ballot into a position.
pub trait Method: Clone + std::fmt::Debug + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// The position depends on the ballot and its weights alone, not on the regime or on what was before.
    const STEADY: bool = false;
    /// Fills `contributions` and returns the position; `weights` (0 for a cold strategy) may be changed to what was used.
    fn combine(&mut self, ballot: &Ballot<'_>, weights: &mut [f64], contributions: &mut [f64]) -> f64;
    /// See [`Combiner::observe`]; the return is finite.
    fn observe(&mut self, _realised_return: f64) {}
    /// See [`Combiner::dropped`].
    fn dropped(&self) -> &[Dropped] {
        &[]
    }
    /// See [`Combiner::reset`].
    fn reset(&mut self) {}
}

/// A method between preparation and gates.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ensemble<M> {
    prepare: prepare::Prepare,
    gates: prepare::Gates,
    method: M,
    votes: Vec<Vote>,
    weights: Vec<f64>,
}

impl<M: Method> Ensemble<M> {
    fn boxed(prepare: prepare::Prepare, gates: prepare::Gates, method: M) -> Box<dyn Combiner> {
        let n = prepare.len();
        Box::new(Self { prepare, gates, method, votes: vec![Vote::COLD; n], weights: vec![0.0; n] })
    }
}

impl<M: Method> Combiner for Ensemble<M> {
    fn combine(&mut self, votes: &[Vote], input: &EnsembleInput<'_>, contributions: &mut [f64]) -> Consensus {
        debug_assert!(votes.len() == self.votes.len() && contributions.len() == self.votes.len());
        contributions.fill(0.0);
        let warm = self.prepare.run(votes, input.weights, &mut self.votes, &mut self.weights);
        if warm == 0 {
            // The method still has to forget the votes before: nobody holds anything now.
            self.method.combine(&Ballot { votes: &self.votes, regime: input.regime }, &mut self.weights, contributions);
            contributions.fill(0.0);
            return Consensus::COLD;
        }
        let ballot = Ballot { votes: &self.votes, regime: input.regime };
        let value = self.method.combine(&ballot, &mut self.weights, contributions).clamp(-1.0, 1.0);
        let confidence = weighted::confidence(&self.votes, &self.weights, value);
        let open = Consensus { value, confidence, direction: Direction::Hold, warm, gate: Gate::Open };
        let consensus = self.gates.pass(&self.votes, open);
        if consensus.gate != Gate::Open {
            contributions.fill(0.0);
        }
        consensus
    }
    fn again(&mut self) -> bool {
        M::STEADY && self.prepare.again(&self.votes)
    }
    fn observe(&mut self, realised_return: f64) {
        if realised_return.is_finite() {
            self.method.observe(realised_return);
        }
    }
    fn weights(&self) -> &[f64] {
        &self.weights
    }
    fn dropped(&self) -> &[Dropped] {
        self.method.dropped()
    }
    fn reset(&mut self) {
        self.prepare.reset();
        self.method.reset();
        self.votes.fill(Vote::COLD);
        self.weights.fill(0.0);
    }
    fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::to_bytes(self)
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let state: Self = crate::snapshot::from_bytes(bytes)?;
        if state.votes.len() != self.votes.len() {
            let (got, expected) = (state.votes.len(), self.votes.len());
            return Err(CoreError::Snapshot(format!("an ensemble of {got} strategies, expected {expected}")));
        }
        *self = state;
        Ok(())
    }
    fn boxed_clone(&self) -> Box<dyn Combiner> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn names(n: usize) -> Vec<String> {
        (0..n).map(|k| format!("s{k}")).collect()
    }

    pub(super) fn config(json: &str) -> EnsembleConfig {
        serde_json::from_str(json).unwrap()
    }

    pub(super) fn combine(c: &mut dyn Combiner, votes: &[Vote], weights: &[f64]) -> (Consensus, Vec<f64>) {
        let mut parts = vec![f64::NAN; votes.len()];
        let input = EnsembleInput { weights, regime: None, ts: 0 };
        let consensus = c.combine(votes, &input, &mut parts);
        (consensus, parts)
    }
}
