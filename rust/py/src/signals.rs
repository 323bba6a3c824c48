//! Classification of SPEC §4 for whole columns and for single rows.

use mirrorfast_core::CoreError;
use mirrorfast_core::panel::MISSING;
use mirrorfast_core::signals::{
    Direction, Label, LegacyInputs, LegacyLabel, LegacyThresholds, MarketRegime, MomentumStrength, Signal,
    SignalInputs, SignalState, SignalThresholds, StateInputs, StateThresholds, TrendRegime, VolatilityRegime,
    legacy_label, signal, signal_state,
};
use mirrorfast_core::types::{Market, Timeframe};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;

use crate::labels::Words;
use crate::{arrow, gateway};

/// One of the three classifiers, with the columns that it reads.
#[derive(Clone, Copy)]
enum Classifier {
    Signal(SignalThresholds),
    State(StateThresholds),
    Legacy(LegacyThresholds),
}

impl Classifier {
    const NAMES: &'static str = "signal, signal_state or legacy_label";

    fn find(name: &str, timeframe: &str, market: &str) -> Result<Self, CoreError> {
        let (market, timeframe) = (Market::parse(market)?, Timeframe::parse(timeframe)?);
        match name {
            "signal" => Ok(Self::Signal(SignalThresholds::of(market, timeframe))),
            "signal_state" => Ok(Self::State(StateThresholds::default())),
            "legacy_label" => Ok(Self::Legacy(LegacyThresholds::default())),
            _ => Err(CoreError::parameter("classifier", format!("{name:?}"), Self::NAMES)),
        }
    }

    fn inputs(name: &str) -> Result<&'static [&'static str], CoreError> {
        match name {
            "signal" => {
                Ok(&["momentum_short", "momentum_long", "rsi", "macd_pct", "ichimoku_bullish", "reversion_probability"])
            }
            "signal_state" => Ok(&["momentum_1", "momentum_short", "volume_ratio", "bb_position", "rsi"]),
            "legacy_label" => Ok(&["momentum_short", "momentum_long", "rsi", "bb_position", "macd_pct"]),
            _ => Err(CoreError::parameter("classifier", format!("{name:?}"), Self::NAMES)),
        }
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Signal(_) => Signal::NAMES,
            Self::State(_) => SignalState::NAMES,
            Self::Legacy(_) => LegacyLabel::NAMES,
        }
    }

    /// Code of a row whose values come in the order of [`Classifier::inputs`].
    #[inline]
    fn code(self, x: impl Fn(usize) -> f64) -> u8 {
        match self {
            Self::Signal(t) => {
                let row = SignalInputs {
                    momentum_short: x(0),
                    momentum_long: x(1),
                    rsi: x(2),
                    macd_pct: x(3),
                    ichimoku_bullish: (!x(4).is_nan()).then(|| x(4) != 0.0),
                    reversion_probability: x(5),
                };
                signal(&row, &t).map_or(MISSING, Label::code)
            }
            Self::State(t) => {
                let row = StateInputs {
                    momentum_1: x(0),
                    momentum_short: x(1),
                    volume_ratio: x(2),
                    bb_position: x(3),
                    rsi: x(4),
                };
                signal_state(&row, &t).map_or(MISSING, Label::code)
            }
            Self::Legacy(t) => {
                let row = LegacyInputs {
                    momentum_short: x(0),
                    momentum_long: x(1),
                    rsi: x(2),
                    bb_position: x(3),
                    macd_pct: x(4),
                };
                legacy_label(&row, &t).map_or(MISSING, Label::code)
            }
        }
    }
}

fn count(name: &str, got: usize) -> PyResult<&'static [&'static str]> {
    let inputs = Classifier::inputs(name).map_err(gateway::raise)?;
    if got != inputs.len() {
        return Err(gateway::raise(CoreError::shape(format!("columns of {name}"), got, inputs.join(", "))));
    }
    Ok(inputs)
}

/// Columns that a classifier reads, in order.
#[pyfunction]
fn classifier_inputs(name: &str) -> PyResult<Vec<&'static str>> {
    Classifier::inputs(name).map(<[_]>::to_vec).map_err(gateway::raise)
}

/// Labels of whole columns, given in the order of `classifier_inputs`; a missing label is null.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // PyO3 hands lists over by value
fn classify_columns(
    py: Python<'_>,
    name: &str,
    columns: Vec<Bound<'_, PyAny>>,
    timeframe: &str,
    market: &str,
) -> PyResult<PyArray> {
    let classifier = Classifier::find(name, timeframe, market).map_err(gateway::raise)?;
    let inputs = count(name, columns.len())?;
    let columns = inputs
        .iter()
        .zip(&columns)
        .map(|(input, column)| arrow::column(input, column, false))
        .collect::<PyResult<Vec<_>>>()?;
    let rows = columns[0].len();
    for (input, column) in inputs.iter().zip(&columns) {
        if column.len() != rows {
            return Err(gateway::raise(CoreError::shape(format!("length of {input}"), column.len(), rows)));
        }
    }
    gateway::detached(py, || {
        let codes: Vec<u8> = (0..rows).map(|i| classifier.code(|k| columns[k][i])).collect();
        Words::new(classifier.words().iter().copied()).of_codes(&codes)
    })
    .map(PyArray::from_array_ref)
}

/// Label of one row, given in the order of `classifier_inputs`; `None` for a missing one.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // PyO3 hands lists over by value
fn classify_row(name: &str, values: Vec<f64>, timeframe: &str, market: &str) -> PyResult<Option<&'static str>> {
    let classifier = Classifier::find(name, timeframe, market).map_err(gateway::raise)?;
    count(name, values.len())?;
    Ok(classifier.words().get(usize::from(classifier.code(|k| values[k]))).copied())
}

/// Buy, Sell or Neutral of a `signal` label.
#[pyfunction]
fn signal_direction(signal: &str) -> PyResult<&'static str> {
    Signal::parse(signal).map(|s| s.direction().as_str()).map_err(gateway::raise)
}

/// Every vocabulary by the name of its column.
#[pyfunction]
fn label_names() -> Vec<(&'static str, &'static [&'static str])> {
    fn of<L: Label>() -> (&'static str, &'static [&'static str]) {
        (L::SET, L::NAMES)
    }
    vec![
        of::<Signal>(),
        of::<Direction>(),
        of::<SignalState>(),
        of::<LegacyLabel>(),
        of::<MomentumStrength>(),
        of::<VolatilityRegime>(),
        of::<TrendRegime>(),
        of::<MarketRegime>(),
    ]
}

/// Adds this file's names to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(classifier_inputs, m)?)?;
    m.add_function(wrap_pyfunction!(classify_columns, m)?)?;
    m.add_function(wrap_pyfunction!(classify_row, m)?)?;
    m.add_function(wrap_pyfunction!(signal_direction, m)?)?;
    m.add_function(wrap_pyfunction!(label_names, m)?)
}
