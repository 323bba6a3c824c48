//! What the engine keeps for one symbol.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::config::{EngineConfig, StrategyConfig};
use super::universe;
use crate::ensemble::{self, Combiner, Consensus, EnsembleInput};
use crate::error::{CoreError, Result};
use crate::features::{FeatureConfig, FeatureRow, FeatureState};
use crate::order::Purpose;
use crate::strategies::{Context, Longer, Resampler, Strategy, StrategyContext, Style, Vote, registry};
use crate::types::{Bar, Timeframe, interval_ms};

/// An order that the engine sent and that is not closed yet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Working {
    pub(super) id: u64,
    /// Signed quantity still open.
    pub(super) remaining: f64,
    pub(super) purpose: Purpose,
}

impl Working {
    /// Waits at a trigger or limit and counts only once it fills.
    pub(super) fn protective(&self) -> bool {
        matches!(self.purpose, Purpose::StopLoss | Purpose::TakeProfit)
    }
}

/// The protective stop at work.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct ActiveStop {
    pub(super) order: u64,
    pub(super) price: f64,
    pub(super) quantity: f64,
}

/// The part of [`SymbolState`] that is plain data.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) working: SmallVec<[Working; 4]>,
    pub(super) stop: Option<ActiveStop>,
    /// Decision that planned the next entry and contributions to it, and those to the entry of the position now held.
    pub(super) planned_decision: u64,
    pub(super) planned_contributions: Vec<f64>,
    pub(super) entry_contributions: Vec<f64>,
    pub(super) last_close: f64,
}

/// Strategies, ensemble, features and open orders of one symbol.
pub(super) struct SymbolState {
    pub(super) strategies: Vec<Box<dyn Strategy>>,
    /// Where each of them has its vote.
    slots: Vec<usize>,
    /// Where the votes from outside begin.
    external: usize,
    pub(super) combiner: Box<dyn Combiner>,
    pub(super) features: Option<FeatureState>,
    pub(super) row: FeatureRow,
    pub(super) votes: Vec<Vote>,
    pub(super) contributions: Vec<f64>,
    pub(super) book: Book,
    last: Option<Last>,
}

/// A consensus and what it was made of.
struct Last {
    votes: Vec<Vote>,
    /// State of the strategies' weights.
    revision: u64,
    consensus: Consensus,
}

#[derive(Serialize, Deserialize)]
struct Image {
    strategies: Vec<Vec<u8>>,
    combiner: Vec<u8>,
    features: Option<Vec<u8>>,
    book: Book,
}

/// A strategy on the run's bars of `base` milliseconds or, where it asks for them, on longer ones.
fn build(s: &StrategyConfig, base: i64, context: StrategyContext) -> Result<Box<dyn Strategy>> {
    let row = registry::find(s.kind())?;
    let Some(timeframe) = &s.timeframe else { return row.build_fitted(&s.given(), &context, s.model.as_deref()) };
    let named = |e| match e {
        CoreError::Parameter { name, value, expected } if name == "timeframe" => {
            CoreError::parameter(format!("strategies.{}.timeframe", s.name), value, expected)
        }
        other => other,
    };
    let length = interval_ms(timeframe).map_err(named)?;
    let context = StrategyContext { timeframe: Timeframe::parse(timeframe).map_err(named)?, ..context };
    let inner = row.build_fitted(&s.given(), &context, s.model.as_deref())?;
    if length == base {
        return Ok(inner);
    }
    Ok(Box::new(Longer::new(inner, Resampler::new(base, length).map_err(named)?, context)?))
}

impl SymbolState {
    pub(super) fn new(config: &EngineConfig, k: usize) -> Result<Self> {
        let market = config.symbols[k].market;
        let timeframe = Timeframe::parse(&config.timeframe)?;
        let context = StrategyContext { market, timeframe };
        let base = interval_ms(&config.timeframe)?;
        let (mut built, mut slots) = (Vec::new(), Vec::new());
        for (slot, s) in config.strategies.iter().enumerate() {
            // One that compares symbols is no symbol's own.
            if universe::row(s).is_none() {
                built.push(build(s, base, context)?);
                slots.push(slot);
            }
        }
        let style = |s: &StrategyConfig| registry::style(s.kind()).unwrap_or(Style::Adaptive);
        let styles: Vec<Style> = config.strategies.iter().chain(&config.external).map(style).collect();
        let names: Vec<String> = config.strategy_names().map(str::to_owned).collect();
        let needs = config.classify || config.reads_regime() || built.iter().any(|s| s.needs_features());
        let features = if needs {
            Some(FeatureState::new(&FeatureConfig { market, timeframe, ..FeatureConfig::default() })?)
        } else {
            None
        };
        let n = names.len();
        Ok(Self {
            strategies: built,
            slots,
            external: config.strategies.len(),
            combiner: ensemble::build_styled(&config.ensemble, &names, &styles)?,
            features,
            row: FeatureRow::default(),
            votes: vec![Vote::COLD; n],
            contributions: vec![0.0; n],
            book: Book {
                working: SmallVec::new(),
                stop: None,
                planned_decision: 0,
                planned_contributions: vec![0.0; n],
                entry_contributions: vec![0.0; n],
                last_close: f64::NAN,
            },
            last: None,
        })
    }

    /// What the strategies want together. Most bars change no vote, and then there is nothing to reckon.
    #[inline]
    pub(super) fn consensus(&mut self, input: &EnsembleInput<'_>, revision: u64) -> Consensus {
        let same = |a: &Vote, b: &Vote| {
            a.signal.to_bits() == b.signal.to_bits() && a.confidence.to_bits() == b.confidence.to_bits()
        };
        if let Some(last) = &self.last
            && last.revision == revision
            && last.votes.iter().zip(&self.votes).all(|(a, b)| same(a, b))
            && self.combiner.again()
        {
            return last.consensus;
        }
        let consensus = self.combiner.combine(&self.votes, input, &mut self.contributions);
        match &mut self.last {
            Some(last) => {
                last.votes.copy_from_slice(&self.votes);
                last.revision = revision;
                last.consensus = consensus;
            }
            none => *none = Some(Last { votes: self.votes.clone(), revision, consensus }),
        }
        consensus
    }

    /// Bars before every strategy votes.
    pub(super) fn warm_up(&self) -> usize {
        self.strategies.iter().map(|s| s.warm_up()).max().unwrap_or(0)
    }

    /// Features and votes of the bar that just closed, apart from those of strategies that compare symbols.
    #[inline]
    pub(super) fn advance(&mut self, bar: &Bar, external: &[Vote]) {
        if let Some(state) = &mut self.features {
            state.push(bar);
            state.row(&mut self.row);
        }
        if self.book.last_close.is_finite() {
            self.combiner.observe(bar.close / self.book.last_close - 1.0);
        }
        self.book.last_close = bar.close;
        let context = Context { bar, features: self.features.is_some().then_some(&self.row) };
        for (strategy, &slot) in self.strategies.iter_mut().zip(&self.slots) {
            self.votes[slot] = strategy.update(&context);
        }
        self.votes[self.external..].copy_from_slice(external);
    }

    /// No order is open but, where there is one, the protective stop.
    #[inline]
    pub(super) fn only_stop(&self) -> bool {
        self.book.working.iter().all(Working::protective)
    }

    /// Signed quantity of orders that are sent and will change the position whatever the price does.
    pub(super) fn pending(&self) -> f64 {
        self.book.working.iter().filter(|w| !w.protective()).map(|w| w.remaining).sum()
    }

    pub(super) fn image(&self) -> Result<Vec<u8>> {
        let mut strategies = Vec::with_capacity(self.strategies.len());
        for s in &self.strategies {
            strategies.push(s.snapshot()?);
        }
        crate::snapshot::to_bytes(&Image {
            strategies,
            combiner: self.combiner.snapshot()?,
            features: self.features.as_ref().map(crate::snapshot::to_bytes).transpose()?,
            book: self.book.clone(),
        })
    }

    pub(super) fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let image: Image = crate::snapshot::from_bytes(bytes)?;
        if image.strategies.len() != self.strategies.len() || image.features.is_some() != self.features.is_some() {
            return Err(CoreError::Snapshot("made with other strategies".to_owned()));
        }
        for (strategy, bytes) in self.strategies.iter_mut().zip(&image.strategies) {
            strategy.restore(bytes)?;
        }
        self.combiner.restore(&image.combiner)?;
        self.features = image.features.as_deref().map(crate::snapshot::from_bytes).transpose()?;
        self.book = image.book;
        self.last = None;
        Ok(())
    }
}
