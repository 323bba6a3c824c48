//! Training environments, many at a time (SPEC §8), on the engine's own portfolio and fill model.
//!
//! An action chosen on the close of bar `t` fills at the open of bar `t + 1`, slippage and fee included; equity is marked at
//! that bar's close. `reward = scaling · (ln(equity after / before) − drawdown penalty · growth of the drawdown −
//! turnover penalty · notional traded / equity)`. An episode is terminated at the drawdown limit and truncated at the end of
//! its length or of the data.

mod config;
mod lane;
mod market;
mod observation;

use std::sync::Arc;

pub use config::EnvConfig;
pub use lane::{Episode, Outcome};
pub use market::Market;
pub use observation::{ACCOUNT, ObservationWindow, account_entries};

use crate::error::{CoreError, Result};
use crate::portfolio::Portfolio;
use crate::wide::wide;
use lane::Lane;
use pulp::NullaryFnOnce;

/// Buffers of the caller that a batched step fills, one entry or observation an environment.
#[derive(Debug)]
pub struct StepBuffers<'a> {
    /// Observations after the step; after a reset where an episode ended.
    pub observations: &'a mut [f32],
    /// Rewards.
    pub rewards: &'a mut [f32],
    /// Ended by the drawdown limit.
    pub terminated: &'a mut [bool],
    /// Ended by length or data.
    pub truncated: &'a mut [bool],
    /// Last observations of the episodes that ended; the others' places are left alone.
    pub finals: &'a mut [f32],
}

/// `n` environments over shared markets.
#[derive(Debug, Clone)]
pub struct TradingBatch {
    config: EnvConfig,
    markets: Arc<[Market]>,
    lanes: Vec<Lane>,
    /// The last episode that each environment finished.
    finished: Vec<Episode>,
    symbols: usize,
    width: usize,
}

impl TradingBatch {
    /// `n` environments, seeded one by one from `seed`. All must be reset before the first step.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a bad setting or no environment; [`CoreError::Shape`] for markets of different shapes or one that is
    /// too short for an episode.
    pub fn new(markets: Arc<[Market]>, config: EnvConfig, n: usize, seed: u64) -> Result<Self> {
        config.validate()?;
        if n == 0 {
            return Err(CoreError::parameter("n_envs", n, "at least 1 environment"));
        }
        let Some(first) = markets.first() else {
            return Err(CoreError::shape("markets", 0, "at least one"));
        };
        let (symbols, features) = (first.instruments.len(), first.features);
        let width = symbols * (features + ACCOUNT);
        for market in &*markets {
            if (market.instruments.len(), market.features) != (symbols, features) {
                return Err(CoreError::shape("features of a market", market.features, features));
            }
            market.check(&config)?;
        }
        let lanes = (0..n as u64).map(|k| Lane::new(first, &config, seed, k)).collect::<Result<Vec<_>>>()?;
        Ok(Self { config, lanes, finished: vec![Episode::default(); n], symbols, width, markets })
    }

    /// Environments.
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Actions of one environment.
    pub fn symbols(&self) -> usize {
        self.symbols
    }

    /// (rows, numbers a row) of one observation.
    pub fn shape(&self) -> (usize, usize) {
        (self.config.lookback, self.width)
    }

    /// Settings.
    pub fn config(&self) -> &EnvConfig {
        &self.config
    }

    /// Markets.
    pub fn markets(&self) -> &[Market] {
        &self.markets
    }

    /// The present episode of an environment.
    pub fn episode(&self, k: usize) -> &Episode {
        &self.lanes[k].episode
    }

    /// The last episode that an environment finished.
    pub fn finished(&self, k: usize) -> &Episode {
        &self.finished[k]
    }

    /// The account of an environment.
    pub fn portfolio(&self, k: usize) -> &Portfolio {
        &self.lanes[k].portfolio
    }

    /// Bar that an environment's observation ends with.
    pub fn bar(&self, k: usize) -> usize {
        self.lanes[k].at
    }

    fn size(&self) -> usize {
        self.config.lookback * self.width
    }

    /// Seeds one environment anew.
    pub fn reseed(&mut self, k: usize, seed: u64, stream: u64) {
        self.lanes[k].reseed(seed, stream);
    }

    /// Begins an episode of one environment: on the given market and bar, or drawn.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] for a market or bar that is not there.
    pub fn reset(&mut self, k: usize, market: Option<usize>, start: Option<usize>) -> Result<()> {
        if let Some(which) = market.filter(|&which| which >= self.markets.len()) {
            return Err(CoreError::parameter("market", which, format!("below {}", self.markets.len())));
        }
        if let Some(start) = start {
            let chosen = market.or((self.markets.len() == 1).then_some(0));
            let Some(which) = chosen else {
                return Err(CoreError::parameter("start", start, "together with a symbol, as there are several"));
            };
            let (first, end) = (self.markets[which].first(&self.config), self.markets[which].len - 2);
            if !(first..=end).contains(&start) {
                return Err(CoreError::parameter("start", start, format!("a bar from {first} to {end}")));
            }
        }
        self.lanes[k].reset(&self.markets, &self.config, market, start)
    }

    /// Writes the observation of one environment.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for a buffer of another size, [`CoreError::Parameter`] before the first reset.
    pub fn observe(&self, k: usize, out: &mut [f32]) -> Result<()> {
        if out.len() != self.size() {
            return Err(CoreError::shape("observation", out.len(), self.size()));
        }
        let lane = &self.lanes[k];
        if lane.episode.equity == 0.0 && lane.episode.steps == 0 {
            return Err(not_reset());
        }
        out.copy_from_slice(lane.rows());
        Ok(())
    }

    /// One step of one environment; its episode is not begun anew.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for another number of actions, [`CoreError::Parameter`] where the episode is over.
    pub fn step_one<A: Copy + Into<f64>>(&mut self, k: usize, actions: &[A]) -> Result<Outcome> {
        if actions.len() != self.symbols {
            return Err(CoreError::shape("action", actions.len(), self.symbols));
        }
        let lane = &mut self.lanes[k];
        if lane.done {
            return Err(not_reset());
        }
        let outcome = lane.step(&self.markets[lane.episode.market], &self.config, actions);
        if outcome.done() {
            self.finished[k] = lane.episode;
        }
        Ok(outcome)
    }

    /// One step of every environment; where an episode ends, the next begins in the same step.
    ///
    /// # Errors
    /// [`CoreError::Shape`] for a buffer of another size, [`CoreError::Parameter`] where an environment was never reset; no environment
    /// has moved then.
    pub fn step(&mut self, actions: &[f32], buffers: &mut StepBuffers<'_>) -> Result<()> {
        let (n, size) = (self.lanes.len(), self.size());
        let b = buffers;
        for (what, got, expected) in [
            ("actions", actions.len(), n * self.symbols),
            ("observations", b.observations.len(), n * size),
            ("rewards", b.rewards.len(), n),
            ("terminated", b.terminated.len(), n),
            ("truncated", b.truncated.len(), n),
            ("final observations", b.finals.len(), n * size),
        ] {
            if got != expected {
                return Err(CoreError::shape(what, got, expected));
            }
        }
        if self.lanes.iter().any(|lane| lane.done) {
            return Err(not_reset());
        }
        wide(StepAll { batch: self, actions, buffers: b })
    }
}

/// A batch's step, compiled for the processor's widest vectors: it rounds and copies a lot.
struct StepAll<'a, 'b> {
    batch: &'a mut TradingBatch,
    actions: &'a [f32],
    buffers: &'a mut StepBuffers<'b>,
}

impl NullaryFnOnce for StepAll<'_, '_> {
    type Output = Result<()>;

    #[inline(always)]
    fn call(self) -> Result<()> {
        let Self { batch, actions, buffers: b } = self;
        let (size, symbols) = (batch.size(), batch.symbols);
        for (k, lane) in batch.lanes.iter_mut().enumerate() {
            let market = &batch.markets[lane.episode.market];
            let outcome = lane.step(market, &batch.config, &actions[k * symbols..(k + 1) * symbols]);
            b.rewards[k] = outcome.reward as f32;
            b.terminated[k] = outcome.terminated;
            b.truncated[k] = outcome.truncated;
            let place = k * size..(k + 1) * size;
            if outcome.done() {
                batch.finished[k] = lane.episode;
                b.finals[place.clone()].copy_from_slice(lane.rows());
                lane.reset(&batch.markets, &batch.config, None, None)?;
            }
            b.observations[place].copy_from_slice(lane.rows());
        }
        Ok(())
    }
}

fn not_reset() -> CoreError {
    CoreError::parameter("step", "an environment without an episode", "a call of reset first")
}

#[cfg(test)]
mod tests;
