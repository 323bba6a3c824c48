//! The catalogue of strategies: name, Python class, parameters, summary and how to build one.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::indicators::registry::Param;
use crate::strategies::{
    Strategy, anomaly_detection, gradient_trend, mean_reversion, momentum_breakout, regime_change, scanner_signal,
    sentiment_momentum, sma_cross, ut_bot, vbsr, volatility_regime,
};
use crate::types::{Market, Timeframe};

/// What a strategy lives on, which is what the regime ensemble needs to know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Follows moves.
    Trend,
    /// Bets on their end.
    Reversion,
    /// Does either, as it sees fit.
    Adaptive,
}

impl Style {
    /// `trend`, `reversion` or `adaptive`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trend => "trend",
            Self::Reversion => "reversion",
            Self::Adaptive => "adaptive",
        }
    }
}

/// What a strategy is built for, besides its parameters.
#[derive(Debug, Clone, Copy, Default)]
pub struct StrategyContext {
    /// Kind of market.
    pub market: Market,
    /// Horizon.
    pub timeframe: Timeframe,
}

/// A rule over several parameters: the one that breaks it and what is expected of it.
pub type CrossRule = fn(&[f64]) -> Option<(&'static str, &'static str)>;

/// Makes a strategy from checked parameters and, for a row that takes one, a fitted model as JSON.
pub type Build = fn(&[f64], &StrategyContext, Option<&str>) -> Result<Box<dyn Strategy>>;

/// One strategy of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Row {
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
    /// Accepts a model fitted beforehand; without one it fits its own on the bars behind it.
    pub takes_model: bool,
    /// A rule over several parameters: the parameter and the text of what is expected where it is broken.
    pub rule: Option<CrossRule>,
    /// Builds the strategy from checked parameters.
    pub build: Build,
}

impl Row {
    /// Parameters in order from (name, value) pairs, defaults filled in, every range checked.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the parameter that is unknown or out of range.
    pub fn resolve(&self, given: &[(&str, f64)]) -> Result<Vec<f64>> {
        resolve(self.name, self.params, self.rule, given)
    }

    /// A new strategy with these parameters.
    ///
    /// # Errors
    /// As [`Row::resolve`].
    pub fn build_with(&self, given: &[(&str, f64)], context: &StrategyContext) -> Result<Box<dyn Strategy>> {
        self.build_fitted(given, context, None)
    }

    /// A new strategy with these parameters and a fitted model, as JSON.
    ///
    /// # Errors
    /// As [`Row::resolve`]; also when the model is not one of this strategy, or the strategy takes none.
    pub fn build_fitted(
        &self,
        given: &[(&str, f64)],
        context: &StrategyContext,
        model: Option<&str>,
    ) -> Result<Box<dyn Strategy>> {
        if model.is_some() && !self.takes_model {
            return Err(CoreError::parameter(format!("{}.model", self.name), "a model", "none: the rule is fixed"));
        }
        (self.build)(&self.resolve(given)?, context, model)
    }
}

/// [`Row::resolve`] for any table of parameters.
pub(crate) fn resolve(
    owner: &str,
    params: &[Param],
    rule: Option<CrossRule>,
    given: &[(&str, f64)],
) -> Result<Vec<f64>> {
    let mut values: Vec<f64> = params.iter().map(|p| p.default).collect();
    for &(name, value) in given {
        let Some(k) = params.iter().position(|p| p.name == name) else {
            let known: Vec<&str> = params.iter().map(|p| p.name).collect();
            let expected =
                if known.is_empty() { "no parameter".to_owned() } else { format!("one of {}", known.join(", ")) };
            return Err(CoreError::parameter(format!("{owner}.{name}"), value, expected));
        };
        let p = &params[k];
        if !(value >= p.min && value <= p.max && (!p.integer || value.fract() == 0.0)) {
            let kind = if p.integer { "a whole number" } else { "a number" };
            return Err(CoreError::parameter(
                format!("{owner}.{name}"),
                value,
                format!("{kind} from {} to {}", p.min, p.max),
            ));
        }
        values[k] = value;
    }
    if let Some((name, expected)) = rule.and_then(|rule| rule(&values)) {
        let value = params.iter().position(|p| p.name == name).map_or(f64::NAN, |k| values[k]);
        return Err(CoreError::parameter(format!("{owner}.{name}"), value, expected));
    }
    Ok(values)
}

const ROWS: &[&Row] = &[
    &ut_bot::ROW,
    &gradient_trend::ROW,
    &vbsr::ROW,
    &mean_reversion::ROW,
    &momentum_breakout::ROW,
    &volatility_regime::ROW,
    &anomaly_detection::ROW,
    &sentiment_momentum::ROW,
    &regime_change::ROW,
    &scanner_signal::ROW,
    &sma_cross::ROW,
];

/// Every strategy on one symbol.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    ROWS.iter().copied()
}

/// What a strategy of this name lives on, of one symbol or of several.
pub fn style(name: &str) -> Option<Style> {
    let single = rows().find(|r| r.name == name).map(|r| r.style);
    single.or_else(|| super::universe::find(name).map(|r| r.style))
}

/// The row of this name.
///
/// # Errors
/// [`CoreError::Parameter`] naming the closest known strategies.
pub fn find(name: &str) -> Result<&'static Row> {
    rows().find(|r| r.name == name).ok_or_else(|| {
        let near = crate::indicators::registry::nearest(name, rows().map(|r| r.name));
        CoreError::parameter("strategy", format!("{name:?}"), format!("a known name, such as {near}"))
    })
}
