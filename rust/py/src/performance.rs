//! Performance metrics.

use arrow_buffer::ScalarBuffer;
use mirrorfast_core::CoreError;
use mirrorfast_core::performance::{
    Metrics, Outcome, PerformanceInput, PerformanceOptions, TradeMetrics, metrics, metrics_of_returns, trade_metrics,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::{arrow, gateway};

/// Columns of the trades that metrics need, in the order of [`Outcome`]'s fields.
type TradeColumns<'py> = [Bound<'py, PyAny>; 6];

fn outcomes(columns: &TradeColumns<'_>) -> PyResult<Vec<Outcome>> {
    let names = ["pnl", "pnl_fraction", "fees", "bars", "mae", "mfe"];
    let mut all: Vec<ScalarBuffer<f64>> = Vec::with_capacity(names.len());
    for (name, object) in names.into_iter().zip(columns) {
        let values = arrow::column(name, object, false)?;
        if let Some(first) = all.first().filter(|first| first.len() != values.len()) {
            return Err(gateway::raise(CoreError::shape(format!("length of {name}"), values.len(), first.len())));
        }
        all.push(values);
    }
    let cell = |k: usize, i: usize| all[k][i];
    let rows = 0..all[0].len();
    Ok(rows
        .map(|i| Outcome {
            pnl: cell(0, i),
            pnl_fraction: cell(1, i),
            fees: cell(2, i),
            bars: cell(3, i),
            mae: cell(4, i),
            mfe: cell(5, i),
        })
        .collect())
}

fn options(json: &str) -> PyResult<PerformanceOptions> {
    serde_json::from_str(json).map_err(|e| gateway::bad_config(&e))
}

fn named<'py>(py: Python<'py>, names: &[&str], values: impl Iterator<Item = f64>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in names.iter().zip(values) {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}

/// Metrics of an equity curve.
#[pyfunction]
#[pyo3(signature = (equity, options_json, *, ts=None, exposure=None, traded=None, trades=None))]
fn performance<'py>(
    py: Python<'py>,
    equity: &Bound<'py, PyAny>,
    options_json: &str,
    ts: Option<&Bound<'py, PyAny>>,
    exposure: Option<&Bound<'py, PyAny>>,
    traded: Option<f64>,
    trades: Option<TradeColumns<'py>>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = options(options_json)?;
    let optional = |name: &str, object: Option<&Bound<'py, PyAny>>, instant: bool| {
        object.map_or(Ok(ScalarBuffer::default()), |o| arrow::column(name, o, instant))
    };
    let equity = arrow::column("equity", equity, false)?;
    let exposure = optional("exposure", exposure, false)?;
    let ts: Vec<i64> = optional("timestamp", ts, true)?.iter().map(|t| *t as i64).collect();
    let trades = trades.as_ref().map_or(Ok(Vec::new()), outcomes)?;
    let m: Metrics = gateway::detached(py, || {
        let input = PerformanceInput { equity: &equity, ts: &ts, exposure: &exposure, traded, trades: &trades };
        metrics(&input, &options)
    })?;
    named(py, Metrics::NAMES, m.values())
}

/// Metrics of a series of returns.
#[pyfunction]
#[pyo3(signature = (returns, options_json))]
fn performance_of_returns<'py>(
    py: Python<'py>,
    returns: &Bound<'py, PyAny>,
    options_json: &str,
) -> PyResult<Bound<'py, PyDict>> {
    let options = options(options_json)?;
    let returns = arrow::column("returns", returns, false)?;
    let m = gateway::detached(py, || metrics_of_returns(&returns, &options))?;
    named(py, Metrics::NAMES, m.values())
}

/// Metrics of closed trades.
#[pyfunction]
fn trade_performance<'py>(py: Python<'py>, trades: TradeColumns<'py>) -> PyResult<Bound<'py, PyDict>> {
    let m = trade_metrics(outcomes(&trades)?);
    named(py, TradeMetrics::NAMES, m.values())
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(performance, m)?)?;
    m.add_function(wrap_pyfunction!(performance_of_returns, m)?)?;
    m.add_function(wrap_pyfunction!(trade_performance, m)?)
}
