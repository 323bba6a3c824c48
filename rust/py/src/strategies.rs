//! Strategies: one batch entry, one streaming object and the catalogue, whatever the number of strategies.

use mirrorfast_core::CoreError;
use mirrorfast_core::indicators::registry::Param;
use mirrorfast_core::strategies::batch::{self, Runner};
use mirrorfast_core::strategies::{StrategyContext, registry, scanner_position, universe};
use mirrorfast_core::types::{Bar, Market, Timeframe};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3_arrow::PyArray;

use crate::bars::bars_from_python;
use crate::{arrow, gateway};

/// (name, value) pairs of a parameter dict; a value that is no number is an error that names it.
fn parameters(strategy: &str, params: &Bound<'_, PyDict>) -> PyResult<Vec<(String, f64)>> {
    params
        .iter()
        .map(|(key, value)| {
            let name: String = key.extract()?;
            let number = value.extract::<f64>().map_err(|_| {
                let shown = value.repr().map_or_else(|_| "?".to_owned(), |r| r.to_string());
                gateway::raise(CoreError::parameter(format!("{strategy}.{name}"), shown, "a number"))
            })?;
            Ok((name, number))
        })
        .collect()
}

fn pairs(given: &[(String, f64)]) -> Vec<(&str, f64)> {
    given.iter().map(|(name, value)| (name.as_str(), *value)).collect()
}

fn context(market: &str, timeframe: &str) -> PyResult<StrategyContext> {
    let market = Market::parse(market).map_err(gateway::raise)?;
    let timeframe = Timeframe::parse(timeframe).map_err(gateway::raise)?;
    Ok(StrategyContext { market, timeframe })
}

/// Signal and confidence of a strategy on every row of a table of bars.
#[pyfunction]
#[pyo3(signature = (bars, name, params, *, market="crypto", timeframe="medium", model=None))]
fn strategy_votes(
    bars: &Bound<'_, PyAny>,
    name: &str,
    params: &Bound<'_, PyDict>,
    market: &str,
    timeframe: &str,
    model: Option<&str>,
) -> PyResult<(PyArray, PyArray)> {
    let given = parameters(name, params)?;
    let context = context(market, timeframe)?;
    let table = bars_from_python(bars)?;
    let votes = gateway::detached(bars.py(), || batch::evaluate(&table, name, &pairs(&given), &context, model))?;
    Ok((arrow::result(votes.signal), arrow::result(votes.confidence)))
}

/// What the model of a fitted strategy sees of every bar: its columns.
#[pyfunction]
fn strategy_observations(bars: &Bound<'_, PyAny>, name: &str, params: &Bound<'_, PyDict>) -> PyResult<Vec<PyArray>> {
    let given = parameters(name, params)?;
    let table = bars_from_python(bars)?;
    let columns = gateway::detached(bars.py(), || batch::observations(&table, name, &pairs(&given)))?;
    Ok(columns.into_iter().map(arrow::result).collect())
}

/// The model in the bytes of an ONNX file, as JSON.
#[pyfunction]
fn strategy_model_from_onnx(py: Python<'_>, name: &str, data: &[u8]) -> PyResult<String> {
    gateway::detached(py, || batch::model_from_onnx(name, data))
}

/// Every parameter of a strategy with its value, defaults filled in and ranges checked.
#[pyfunction]
fn strategy_params<'py>(py: Python<'py>, name: &str, params: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let given = parameters(name, params)?;
    let out = PyDict::new(py);
    for (name, value) in batch::resolve(name, &pairs(&given)).map_err(gateway::raise)? {
        out.set_item(name, value)?;
    }
    Ok(out)
}

fn param_dicts<'py>(py: Python<'py>, params: &[Param]) -> PyResult<Vec<Bound<'py, PyDict>>> {
    params
        .iter()
        .map(|p| {
            let dict = PyDict::new(py);
            dict.set_item("name", p.name)?;
            dict.set_item("default", p.default)?;
            dict.set_item("min", p.min)?;
            dict.set_item("max", p.max)?;
            dict.set_item("integer", p.integer)?;
            Ok(dict)
        })
        .collect()
}

/// The catalogue as dicts, one per strategy.
#[pyfunction]
fn strategy_catalogue(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    let mut all = Vec::new();
    for row in registry::rows() {
        let dict = PyDict::new(py);
        dict.set_item("name", row.name)?;
        dict.set_item("class", row.class)?;
        dict.set_item("scope", "symbol")?;
        dict.set_item("style", row.style.as_str())?;
        dict.set_item("takes_model", row.takes_model)?;
        let built = row.build_with(&[], &StrategyContext::default()).map_err(gateway::raise)?;
        dict.set_item("needs_features", built.needs_features())?;
        dict.set_item("warm_up", built.warm_up())?;
        dict.set_item("params", param_dicts(py, row.params)?)?;
        dict.set_item("summary", row.summary)?;
        all.push(dict);
    }
    for row in universe::rows() {
        let dict = PyDict::new(py);
        dict.set_item("name", row.name)?;
        dict.set_item("class", row.class)?;
        dict.set_item("scope", "universe")?;
        dict.set_item("style", row.style.as_str())?;
        dict.set_item("takes_model", false)?;
        dict.set_item("needs_features", false)?;
        dict.set_item("warm_up", row.build_with(&[], 2).map_err(gateway::raise)?.warm_up())?;
        dict.set_item("params", param_dicts(py, row.params)?)?;
        dict.set_item("summary", row.summary)?;
        all.push(dict);
    }
    Ok(all)
}

/// The position that a signal label stands for.
#[pyfunction]
fn label_position(label: &str) -> PyResult<f64> {
    scanner_position(label).map_err(gateway::raise)
}

/// A strategy on one symbol, bar by bar.
#[pyclass(name = "StrategyStream", module = "mirrorfast._core")]
struct PyStrategyStream(Runner);

#[pymethods]
impl PyStrategyStream {
    #[new]
    #[pyo3(signature = (name, params, *, market="crypto", timeframe="medium", model=None))]
    fn new(
        name: &str,
        params: &Bound<'_, PyDict>,
        market: &str,
        timeframe: &str,
        model: Option<&str>,
    ) -> PyResult<Self> {
        let given = parameters(name, params)?;
        Runner::new(name, &pairs(&given), &context(market, timeframe)?, model).map(Self).map_err(gateway::raise)
    }
    /// Takes a closed bar; (signal, confidence), or None while cold.
    fn update(
        &mut self,
        ts: i64,
        open: f64,
        high: f64,
        low: f64,
        close: f64,
        volume: f64,
    ) -> PyResult<Option<(f64, f64)>> {
        let bar = Bar { ts, open, high, low, close, volume };
        let vote = gateway::guarded(|| Ok(self.0.update(&bar)))?;
        Ok(vote.is_warm().then_some((vote.signal, vote.confidence)))
    }
    #[getter]
    fn warm_up(&self) -> usize {
        self.0.warm_up()
    }
    fn reset(&mut self) -> PyResult<()> {
        self.0.reset().map_err(gateway::raise)
    }
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.0.snapshot().map_err(gateway::raise)?))
    }
    fn restore(&mut self, state: &[u8]) -> PyResult<()> {
        gateway::guarded(|| self.0.restore(state))
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(strategy_votes, m)?)?;
    m.add_function(wrap_pyfunction!(strategy_model_from_onnx, m)?)?;
    m.add_function(wrap_pyfunction!(strategy_observations, m)?)?;
    m.add_function(wrap_pyfunction!(strategy_params, m)?)?;
    m.add_function(wrap_pyfunction!(strategy_catalogue, m)?)?;
    m.add_function(wrap_pyfunction!(label_position, m)?)?;
    m.add_class::<PyStrategyStream>()
}
