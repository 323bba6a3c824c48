//! What a user may set of the ensemble, checked, and the combiner it stands for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ensemble::bayesian::{Bayesian, BayesianConfig};
use crate::ensemble::calibration::Calibration;
use crate::ensemble::correlation::{CorrelationConfig, CorrelationFilter};
use crate::ensemble::dynamic::{Dynamic, DynamicConfig};
use crate::ensemble::majority::Majority;
use crate::ensemble::prepare::{Gates, Prepare};
use crate::ensemble::regime::{Regime, default_factor};
use crate::ensemble::similarity::Similarity;
use crate::ensemble::stacked::{Link, Stacked};
use crate::ensemble::weighted::Weighted;
use crate::ensemble::{Combiner, Ensemble};
use crate::error::{CoreError, Result};
use crate::signals::{Label, MarketRegime};
use crate::strategies::{Style, registry};

/// How votes become a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// [`Weighted`]
    #[default]
    Weighted,
    /// [`Majority`]
    Majority,
    /// [`Stacked`]
    Stacked,
    /// [`Dynamic`]
    Dynamic,
    /// [`Bayesian`]
    Bayesian,
    /// [`Regime`]
    Regime,
    /// [`CorrelationFilter`]
    Correlation,
}

impl MethodKind {
    /// Every method.
    pub const ALL: [Self; 7] =
        [Self::Weighted, Self::Majority, Self::Stacked, Self::Dynamic, Self::Bayesian, Self::Regime, Self::Correlation];

    /// The name that configuration and ledger use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Weighted => "weighted",
            Self::Majority => "majority",
            Self::Stacked => "stacked",
            Self::Dynamic => "dynamic",
            Self::Bayesian => "bayesian",
            Self::Regime => "regime",
            Self::Correlation => "correlation",
        }
    }
}

/// A fitted linear meta-model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StackedConfig {
    /// What the score means.
    pub link: Link,
    /// Score with every strategy flat.
    pub intercept: f64,
    /// Coefficient by strategy; a strategy without one takes no part.
    pub coefficients: BTreeMap<String, f64>,
}

/// Configuration of an ensemble. Maps and lists name strategies as the run does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnsembleConfig {
    /// How votes become a position.
    pub method: MethodKind,
    /// Consensus above which the direction reads Buy.
    pub buy_threshold: f64,
    /// Consensus below which the direction reads Sell.
    pub sell_threshold: f64,
    /// Strategies that must share the direction, else hold.
    pub min_agree: u32,
    /// Strategies each of which must share the direction, else hold.
    pub required: Vec<String>,
    /// Factor on a strategy's weight; 1 where none is named.
    pub weights: BTreeMap<String, f64>,
    /// Bars after which an unchanged signal counts half; none: signals do not age.
    pub signal_half_life: Option<f64>,
    /// Weight gained by a strategy whose signal has nothing in common with the others', as a fraction.
    pub diversity_bonus: f64,
    /// Bars of the correlation that the diversity bonus looks at.
    pub similarity_window: usize,
    /// Map of confidence by strategy: knots [claimed, calibrated], see [`Calibration`].
    pub calibration: BTreeMap<String, Vec<[f64; 2]>>,
    /// Majority: who decides a tie, the most trusted first.
    pub priority: Vec<String>,
    /// Numbers of the stacked method.
    pub stacked: StackedConfig,
    /// Numbers of the dynamic method.
    pub dynamic: DynamicConfig,
    /// Numbers of the Bayesian method.
    pub bayesian: BayesianConfig,
    /// Regime method: regime → strategy → factor, over the defaults by style.
    pub regime: BTreeMap<String, BTreeMap<String, f64>>,
    /// Numbers of the correlation filter.
    pub correlation: CorrelationConfig,
}

impl Default for EnsembleConfig {
    fn default() -> Self {
        Self {
            method: MethodKind::Weighted,
            buy_threshold: 0.5,
            sell_threshold: -0.5,
            min_agree: 1,
            required: Vec::new(),
            weights: BTreeMap::new(),
            signal_half_life: None,
            diversity_bonus: 0.0,
            similarity_window: 100,
            calibration: BTreeMap::new(),
            priority: Vec::new(),
            stacked: StackedConfig::default(),
            dynamic: DynamicConfig::default(),
            bayesian: BayesianConfig::default(),
            regime: BTreeMap::new(),
            correlation: CorrelationConfig::default(),
        }
    }
}

/// A combiner for the strategies of these names, in this order.
///
/// # Errors
/// [`CoreError::Parameter`] naming the field that is out of range or names an unknown strategy.
pub fn build<S: AsRef<str>>(config: &EnsembleConfig, names: &[S]) -> Result<Box<dyn Combiner>> {
    let styles: Vec<Style> =
        names.iter().map(|name| registry::style(name.as_ref()).unwrap_or(Style::Adaptive)).collect();
    build_styled(config, names, &styles)
}

/// [`build`] for strategies whose names are labels: `styles` says what each lives on.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_styled<S: AsRef<str>>(
    config: &EnsembleConfig,
    names: &[S],
    styles: &[Style],
) -> Result<Box<dyn Combiner>> {
    let names: &[&str] = &names.iter().map(AsRef::as_ref).collect::<Vec<_>>();
    check(config, names)?;
    let n = names.len();
    let base = per_strategy("weights", &config.weights, names, 1.0)?;
    let mut calibration = vec![None; n];
    for (name, knots) in &config.calibration {
        let at = position("calibration", name, names)?;
        calibration[at] = Some(Calibration::new(&format!("ensemble.calibration.{name}"), knots.clone())?);
    }
    let similarity = (config.diversity_bonus > 0.0).then(|| Similarity::new(n, config.similarity_window));
    let prepare = Prepare::new(base, calibration, config.signal_half_life, config.diversity_bonus, similarity);
    let gates = Gates {
        buy_threshold: config.buy_threshold,
        sell_threshold: config.sell_threshold,
        min_agree: config.min_agree,
        required: positions("required", &config.required, names)?,
    };
    Ok(match config.method {
        MethodKind::Weighted => Ensemble::boxed(prepare, gates, Weighted),
        MethodKind::Majority => {
            Ensemble::boxed(prepare, gates, Majority::new(positions("priority", &config.priority, names)?))
        }
        MethodKind::Stacked => {
            let c = &config.stacked;
            let coefficients = coefficients(c, names)?;
            Ensemble::boxed(prepare, gates, Stacked::new(c.link, c.intercept, coefficients))
        }
        MethodKind::Dynamic => Ensemble::boxed(prepare, gates, Dynamic::new(n, config.dynamic.clone())),
        MethodKind::Bayesian => Ensemble::boxed(prepare, gates, Bayesian::new(n, config.bayesian.clone())),
        MethodKind::Regime => Ensemble::boxed(prepare, gates, Regime::new(factors(&config.regime, names, styles)?)),
        MethodKind::Correlation => Ensemble::boxed(prepare, gates, CorrelationFilter::new(n, &config.correlation)),
    })
}

fn check(c: &EnsembleConfig, names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Err(CoreError::parameter("ensemble.strategies", "[]", "at least one strategy"));
    }
    if let Some(twice) = names.iter().enumerate().find(|(k, name)| names[..*k].contains(name)) {
        return Err(CoreError::parameter("ensemble.strategies", format!("{:?}", twice.1), "every name once"));
    }
    let range = |name: &str, value: f64, low: f64, high: f64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(CoreError::parameter(format!("ensemble.{name}"), value, format!("a number from {low} to {high}")))
    };
    range("buy_threshold", c.buy_threshold, 0.0, 1.0)?;
    range("sell_threshold", c.sell_threshold, -1.0, 0.0)?;
    range("diversity_bonus", c.diversity_bonus, 0.0, 10.0)?;
    range("similarity_window", c.similarity_window as f64, 2.0, 100_000.0)?;
    if let Some(half_life) = c.signal_half_life {
        range("signal_half_life", half_life, 1e-3, 1e9)?;
    }
    if c.min_agree as usize > names.len() {
        let expected = format!("at most the number of strategies, {}", names.len());
        return Err(CoreError::parameter("ensemble.min_agree", c.min_agree, expected));
    }
    range("dynamic.half_life", c.dynamic.half_life, 1e-3, 1e9)?;
    range("dynamic.learning_rate", c.dynamic.learning_rate, 0.0, 1_000.0)?;
    range("dynamic.min_share", c.dynamic.min_share, 0.0, 1.0)?;
    range("bayesian.forgetting", c.bayesian.forgetting, 0.0, 1.0)?;
    range("bayesian.edge", c.bayesian.edge, 0.0, 10.0)?;
    range("bayesian.half_life", c.bayesian.half_life, 1e-3, 1e9)?;
    range("bayesian.clip", c.bayesian.clip, 0.1, 100.0)?;
    range("correlation.threshold", c.correlation.threshold, 0.0, 1.0)?;
    range("correlation.window", c.correlation.window as f64, 2.0, 100_000.0)?;
    range("correlation.half_life", c.correlation.half_life, 1e-3, 1e9)
}

fn position(field: &str, name: &str, names: &[&str]) -> Result<usize> {
    names.iter().position(|n| *n == name).ok_or_else(|| {
        let expected = format!("a strategy of the ensemble: {}", names.join(", "));
        CoreError::parameter(format!("ensemble.{field}"), format!("{name:?}"), expected)
    })
}

fn positions(field: &str, given: &[String], names: &[&str]) -> Result<Vec<usize>> {
    given.iter().map(|name| position(field, name, names)).collect()
}

/// Values ≥ 0 in the order of the strategies.
fn per_strategy(field: &str, given: &BTreeMap<String, f64>, names: &[&str], default: f64) -> Result<Vec<f64>> {
    let mut values = vec![default; names.len()];
    for (name, &value) in given {
        if !(value >= 0.0 && value.is_finite()) {
            return Err(CoreError::parameter(format!("ensemble.{field}.{name}"), value, "a number >= 0"));
        }
        values[position(field, name, names)?] = value;
    }
    Ok(values)
}

fn coefficients(c: &StackedConfig, names: &[&str]) -> Result<Vec<f64>> {
    let field = "stacked.coefficients";
    if c.coefficients.is_empty() {
        return Err(CoreError::parameter(format!("ensemble.{field}"), "{}", "the coefficients of a fitted model"));
    }
    if !c.intercept.is_finite() {
        return Err(CoreError::parameter("ensemble.stacked.intercept", c.intercept, "a finite number"));
    }
    let mut values = vec![0.0; names.len()];
    for (name, &value) in &c.coefficients {
        if !value.is_finite() {
            return Err(CoreError::parameter(format!("ensemble.{field}.{name}"), value, "a finite number"));
        }
        values[position(field, name, names)?] = value;
    }
    Ok(values)
}

fn factors(given: &BTreeMap<String, BTreeMap<String, f64>>, names: &[&str], styles: &[Style]) -> Result<Vec<Vec<f64>>> {
    let mut table: Vec<Vec<f64>> =
        MarketRegime::ALL.iter().map(|&regime| styles.iter().map(|&s| default_factor(s, regime)).collect()).collect();
    for (regime, factors) in given {
        let row = &mut table[usize::from(MarketRegime::parse(regime)?.code())];
        for (name, &value) in factors {
            if !(value >= 0.0 && value.is_finite()) {
                let field = format!("ensemble.regime.{regime}.{name}");
                return Err(CoreError::parameter(field, value, "a number >= 0"));
            }
            row[position("regime", name, names)?] = value;
        }
    }
    Ok(table)
}
