//! What a run is made of: symbols, strategies, ensemble, risk and costs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ensemble::{EnsembleConfig, MethodKind};
use crate::error::{CoreError, Result};
use crate::exchange::FundingRate;
use crate::fill::{CostConfig, MarginMode};
use crate::instrument::{Instrument, InstrumentKind};
use crate::meta::{MetaConfig, MetaMode};
use crate::risk::RiskConfig;
use crate::types::{Market, interval_ms};

/// One symbol of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SymbolConfig {
    /// Precision and limits.
    pub instrument: Instrument,
    /// Market, which sets periods and thresholds.
    pub market: Market,
    /// It is traded; otherwise its bars only tell the rate of a currency.
    pub trade: bool,
    /// Funding rates of the past, of a perpetual, in place of the constant one; no part of a snapshot's configuration.
    #[serde(skip_serializing)]
    pub funding: Vec<FundingRate>,
}

impl Default for SymbolConfig {
    fn default() -> Self {
        Self { instrument: Instrument::default(), market: Market::default(), trade: true, funding: Vec::new() }
    }
}

/// A symbol of the run whose close is the rate of a currency.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateSymbol {
    /// The symbol.
    pub symbol: String,
    /// The pair counts the currency in its quote, `USD/JPY` for JPY: the rate is one over the close.
    pub inverse: bool,
    /// The pair's other currency; none: the account's.
    pub through: Option<String>,
}

/// One strategy of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StrategyConfig {
    /// Name in votes, weights and ledger; in the strategy registry too where there is no `kind`.
    pub name: String,
    /// Name in the strategy registry, where `name` is a label of the user's own.
    pub kind: Option<String>,
    /// Interval of the bars that it looks at, longer than the run's; none: the run's.
    pub timeframe: Option<String>,
    /// A model fitted beforehand, as JSON, for a strategy that takes one.
    pub model: Option<String>,
    /// Parameters that differ from the registry's defaults.
    pub params: BTreeMap<String, f64>,
    /// Weight at the start, 0.1 to 1.
    pub weight: f64,
}

impl StrategyConfig {
    /// Name in the strategy registry.
    pub fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or(&self.name)
    }

    /// The parameters as a registry takes them.
    pub(super) fn given(&self) -> Vec<(&str, f64)> {
        self.params.iter().map(|(name, &v)| (name.as_str(), v)).collect()
    }
}

impl Default for StrategyConfig {
    fn default() -> Self {
        Self { name: String::new(), kind: None, timeframe: None, model: None, params: BTreeMap::new(), weight: 0.5 }
    }
}

/// Everything a [`super::DecisionEngine`] is built from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineConfig {
    /// Bar interval or timeframe key.
    pub timeframe: String,
    /// Equity at the start, account currency.
    pub capital: f64,
    /// The account's currency; none: the quote currency that all instruments share.
    pub currency: Option<String>,
    /// Account currency per unit of other quote currencies; for one of `rate_symbols` until that symbol's first close.
    pub rates: BTreeMap<String, f64>,
    /// Currencies whose rate follows the closes of a symbol of the run.
    pub rate_symbols: BTreeMap<String, RateSymbol>,
    /// Symbols; their order gives each its id.
    pub symbols: Vec<SymbolConfig>,
    /// Strategies computed by the engine.
    pub strategies: Vec<StrategyConfig>,
    /// Strategies whose votes come from outside with every batch (a user's Python class), after the engine's own.
    pub external: Vec<StrategyConfig>,
    /// Open time, ms, of the first bar whose close may be acted on; before it the position is flat, whatever strategies and policy
    /// say. None: the first of all.
    pub trade_from: Option<i64>,
    /// How votes become one position.
    pub ensemble: EnsembleConfig,
    /// How the rule position and the policy's are blended.
    pub meta: MetaConfig,
    /// Risk rules.
    pub risk: RiskConfig,
    /// Fees, slippage, spread, latency.
    pub costs: CostConfig,
    /// Strategy weights follow their trades (SPEC §7); otherwise they stay as configured.
    pub adapt_weights: bool,
    /// Features are computed for the labels of every decision, even where nothing else reads them; a run that keeps no decisions goes
    /// without.
    pub classify: bool,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            timeframe: "1h".to_owned(),
            capital: 10_000.0,
            currency: None,
            rates: BTreeMap::new(),
            rate_symbols: BTreeMap::new(),
            symbols: Vec::new(),
            strategies: Vec::new(),
            external: Vec::new(),
            trade_from: None,
            ensemble: EnsembleConfig::default(),
            meta: MetaConfig::default(),
            risk: RiskConfig::default(),
            costs: CostConfig::default(),
            adapt_weights: true,
            classify: true,
        }
    }
}

impl EngineConfig {
    /// Checks everything that does not need the strategies themselves.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the field.
    pub fn validate(&self) -> Result<()> {
        interval_ms(&self.timeframe)?;
        if !(self.capital.is_finite() && self.capital > 0.0) {
            return Err(CoreError::parameter("capital", self.capital, "an amount > 0"));
        }
        if self.symbols.is_empty() {
            return Err(CoreError::parameter("symbols", "[]", "at least one symbol"));
        }
        for (k, s) in self.symbols.iter().enumerate() {
            s.instrument.validate()?;
            if self.symbols[..k].iter().any(|other| other.instrument.symbol == s.instrument.symbol) {
                return Err(CoreError::parameter(
                    "symbols",
                    format!("{:?} twice", s.instrument.symbol),
                    "each symbol once",
                ));
            }
        }
        if self.symbols.iter().all(|s| !s.trade) {
            return Err(CoreError::parameter(
                "symbols",
                "none to trade",
                "at least one symbol that does more than tell a rate",
            ));
        }
        if let Some(s) =
            self.symbols.iter().find(|s| s.instrument.kind == InstrumentKind::Spot && !s.funding.is_empty())
        {
            let field = format!("funding of {}", s.instrument.symbol);
            return Err(CoreError::parameter(field, s.funding.len(), "none, as it is no perpetual"));
        }
        if self.costs.margin.mode != MarginMode::Unlimited && !self.rate_symbols.is_empty() {
            let names: Vec<&String> = self.rate_symbols.keys().collect();
            let expected = "constant rates alone where margin is checked: the venue does not follow rates that move";
            return Err(CoreError::parameter("rate_symbols", format!("{names:?}"), expected));
        }
        let names: Vec<&str> = self.strategy_names().collect();
        if names.is_empty() {
            return Err(CoreError::parameter("strategies", "[]", "at least one strategy"));
        }
        for (k, name) in names.iter().enumerate() {
            if names[..k].contains(name) {
                return Err(CoreError::parameter("strategies", format!("{name:?} twice"), "each strategy once"));
            }
        }
        for s in self.strategies.iter().chain(&self.external) {
            if !(s.weight.is_finite() && (0.0..=1.0).contains(&s.weight)) {
                return Err(CoreError::parameter(
                    format!("strategies.{}.weight", s.name),
                    s.weight,
                    "a number from 0 to 1",
                ));
            }
        }
        self.risk.validate()?;
        self.costs.validate()
    }

    /// Something else than a strategy decides by the market regime, a feature.
    pub(super) fn reads_regime(&self) -> bool {
        self.ensemble.method == MethodKind::Regime || self.meta.mode == MetaMode::RegimeAdaptive
    }

    /// Names of all strategies, the engine's own first.
    pub fn strategy_names(&self) -> impl Iterator<Item = &str> {
        self.strategies.iter().chain(&self.external).map(|s| s.name.as_str())
    }
}
