//! Strategies that look at several symbols at once.

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{CoreError, Result};
use crate::indicators::registry::Param;
use crate::strategies::registry::{CrossRule, Style, resolve};
use crate::strategies::{Vote, pairs_trading};
use crate::types::{Bar, SymbolId};

/// A strategy over a universe of symbols.
pub trait UniverseStrategy: Send + Sync {
    /// Takes every bar that closed at one time and writes one vote a symbol: [`Vote::COLD`] for one that the strategy has nothing to
    /// say about. Bars with a missing value are left out, as if they had not come.
    fn update(&mut self, ts: i64, bars: &[(SymbolId, Bar)], votes: &mut [Vote]);
    /// Number of symbols.
    fn symbols(&self) -> usize;
    /// Returns to the state before the first bar.
    fn reset(&mut self);
    /// Bars of each symbol before the first vote.
    fn warm_up(&self) -> usize;
    /// The state as bytes.
    ///
    /// # Errors
    /// As [`crate::snapshot::to_bytes`].
    fn snapshot(&self) -> Result<Vec<u8>>;
    /// Takes up a state.
    ///
    /// # Errors
    /// As [`crate::snapshot::from_bytes`], or when the state is that of another number of symbols.
    fn restore(&mut self, bytes: &[u8]) -> Result<()>;
    /// A copy in the present state.
    fn boxed_clone(&self) -> Box<dyn UniverseStrategy>;
}

/// The rule of such a strategy; [`erase`] makes it a [`UniverseStrategy`].
pub trait UniverseRule: Clone + Send + Sync + Serialize + DeserializeOwned + 'static {
    /// See [`UniverseStrategy::update`]; the bars are finite, the votes cold.
    fn update(&mut self, ts: i64, bars: &[(SymbolId, Bar)], votes: &mut [Vote]);
    /// Number of symbols.
    fn symbols(&self) -> usize;
    /// Returns to the state before the first bar.
    fn reset(&mut self);
    /// Bars of each symbol before the first vote.
    fn warm_up(&self) -> usize;
}

#[derive(Clone)]
struct Held<R> {
    rule: R,
    finite: Vec<(SymbolId, Bar)>,
}

/// Puts a rule behind a pointer, with the missing-value rule of SPEC.
pub fn erase<R: UniverseRule>(rule: R) -> Box<dyn UniverseStrategy> {
    let finite = Vec::with_capacity(rule.symbols());
    Box::new(Held { rule, finite })
}

impl<R: UniverseRule> UniverseStrategy for Held<R> {
    fn update(&mut self, ts: i64, bars: &[(SymbolId, Bar)], votes: &mut [Vote]) {
        votes.fill(Vote::COLD);
        let n = self.rule.symbols().min(votes.len());
        let usable = |(s, b): &(SymbolId, Bar)| {
            (*s as usize) < n && [b.open, b.high, b.low, b.close, b.volume].iter().all(|v| v.is_finite())
        };
        self.finite.clear();
        self.finite.extend(bars.iter().copied().filter(usable));
        self.rule.update(ts, &self.finite, votes);
    }
    fn symbols(&self) -> usize {
        self.rule.symbols()
    }
    fn reset(&mut self) {
        self.rule.reset();
    }
    fn warm_up(&self) -> usize {
        self.rule.warm_up()
    }
    fn snapshot(&self) -> Result<Vec<u8>> {
        crate::snapshot::to_bytes(&self.rule)
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let rule: R = crate::snapshot::from_bytes(bytes)?;
        if rule.symbols() != self.rule.symbols() {
            let (got, expected) = (rule.symbols(), self.rule.symbols());
            return Err(CoreError::Snapshot(format!("a strategy over {got} symbols, expected {expected}")));
        }
        self.rule = rule;
        Ok(())
    }
    fn boxed_clone(&self) -> Box<dyn UniverseStrategy> {
        Box::new(self.clone())
    }
}

/// One universe strategy of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct UniverseRow {
    /// Name in configuration and ledger.
    pub name: &'static str,
    /// Name of the Python class.
    pub class: &'static str,
    /// What it lives on.
    pub style: Style,
    /// Parameters, in the order in which `build` takes them.
    pub params: &'static [Param],
    /// One line for people.
    pub summary: &'static str,
    /// A rule over several parameters.
    pub rule: Option<CrossRule>,
    /// Builds the strategy from checked parameters, for this many symbols.
    pub build: fn(&[f64], usize) -> Box<dyn UniverseStrategy>,
}

impl UniverseRow {
    /// Parameters in order from (name, value) pairs, defaults filled in, every range checked.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the parameter that is unknown or out of range.
    pub fn resolve(&self, given: &[(&str, f64)]) -> Result<Vec<f64>> {
        resolve(self.name, self.params, self.rule, given)
    }

    /// A new strategy with these parameters over `symbols` symbols.
    ///
    /// # Errors
    /// As [`UniverseRow::resolve`].
    pub fn build_with(&self, given: &[(&str, f64)], symbols: usize) -> Result<Box<dyn UniverseStrategy>> {
        Ok((self.build)(&self.resolve(given)?, symbols))
    }
}

const ROWS: &[&UniverseRow] = &[&pairs_trading::ROW];

/// Every strategy over several symbols.
pub fn rows() -> impl Iterator<Item = &'static UniverseRow> {
    ROWS.iter().copied()
}

/// The row of this name, if there is one.
pub fn find(name: &str) -> Option<&'static UniverseRow> {
    rows().find(|r| r.name == name)
}
