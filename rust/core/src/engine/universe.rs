//! Strategies that look at every symbol at once, beside the ones that each symbol has for itself.

use super::config::{EngineConfig, StrategyConfig};
use crate::error::{CoreError, Result};
use crate::strategies::universe::{self, UniverseRow};
use crate::strategies::{UniverseStrategy, Vote};
use crate::types::{Bar, SymbolId};

/// The universe strategies of a run and what they said last.
pub(super) struct Universe {
    members: Vec<Member>,
}

struct Member {
    /// Place among the run's strategies.
    slot: usize,
    strategy: Box<dyn UniverseStrategy>,
    votes: Vec<Vote>,
}

/// The row of a strategy over several symbols, if it is one.
pub(super) fn row(strategy: &StrategyConfig) -> Option<&'static UniverseRow> {
    universe::find(strategy.kind())
}

impl Universe {
    pub(super) fn new(config: &EngineConfig) -> Result<Self> {
        let symbols = config.symbols.len();
        let mut members = Vec::new();
        for (slot, s) in config.strategies.iter().enumerate() {
            let Some(row) = row(s) else { continue };
            if symbols < 2 {
                let expected = format!("at least two: {} compares them", s.name);
                return Err(CoreError::parameter("symbols", symbols, expected));
            }
            let refused = [("timeframe", &s.timeframe), ("model", &s.model)];
            if let Some((field, Some(value))) = refused.into_iter().find(|(_, v)| v.is_some()) {
                let expected = format!("none: {} takes every bar of the run as it is", s.name);
                return Err(CoreError::parameter(format!("strategies.{}.{field}", s.name), value, expected));
            }
            let strategy = row.build_with(&s.given(), symbols)?;
            members.push(Member { slot, strategy, votes: vec![Vote::COLD; symbols] });
        }
        Ok(Self { members })
    }

    pub(super) fn warm_up(&self) -> usize {
        self.members.iter().map(|m| m.strategy.warm_up()).max().unwrap_or(0)
    }

    /// Takes every bar that closed at one time.
    #[inline]
    pub(super) fn advance(&mut self, ts: i64, bars: &[(SymbolId, Bar)]) {
        for m in &mut self.members {
            m.strategy.update(ts, bars, &mut m.votes);
        }
    }

    /// Writes what was said about a symbol into its votes.
    #[inline]
    pub(super) fn tell(&self, symbol: SymbolId, votes: &mut [Vote]) {
        for m in &self.members {
            votes[m.slot] = m.votes[symbol as usize];
        }
    }

    pub(super) fn image(&self) -> Result<Vec<Vec<u8>>> {
        self.members.iter().map(|m| m.strategy.snapshot()).collect()
    }

    pub(super) fn restore(&mut self, images: &[Vec<u8>]) -> Result<()> {
        if images.len() != self.members.len() {
            return Err(CoreError::Snapshot("made with other strategies".to_owned()));
        }
        self.members.iter_mut().zip(images).try_for_each(|(m, bytes)| m.strategy.restore(bytes))
    }
}
