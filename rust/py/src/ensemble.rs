//! Ensemble, trainer and meta controller.

use arrow_array::StringArray;
use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int8Type;
use mirrorfast_core::CoreError;
use mirrorfast_core::ensemble::calibration::Calibration;
use mirrorfast_core::ensemble::{
    self, Combiner, Consensus, EnsembleConfig, EnsembleInput, MethodKind, StrategyTrainer, TrainerConfig,
};
use mirrorfast_core::meta::{MetaConfig, MetaController, MetaDecision};
use mirrorfast_core::signals::{Label, MarketRegime};
use mirrorfast_core::snapshot;
use mirrorfast_core::strategies::Vote;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use pyo3_arrow::{PyArray, PyRecordBatch};
use std::sync::Arc;

use crate::columns::Columns;
use crate::{arrow, gateway};

fn parse<T: serde::de::DeserializeOwned>(what: &str, json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|e| {
        gateway::raise(CoreError::parameter(what, format!("{e}"), "fields and values of its configuration"))
    })
}

fn regime(label: Option<&str>) -> PyResult<Option<MarketRegime>> {
    label.map(|l| MarketRegime::parse(l).map_err(gateway::raise)).transpose()
}

/// What the rows of a signals table gave, column by column.
struct Rows {
    consensus: Vec<Consensus>,
    contributions: Vec<Vec<f64>>,
    dropped: Vec<Option<String>>,
}

/// Combines a table of votes symbol by symbol; `runs` are the rows of each symbol.
///
/// `signals` and `confidences` have one column a strategy. `returns` is each row's return since the symbol's row before; `regimes`
/// holds codes of market regimes, NaN for an unknown one.
#[pyfunction]
#[pyo3(signature = (config_json, names, signals, confidences, runs, *, returns=None, regimes=None, times=None))]
#[allow(clippy::too_many_arguments)] // keywords of the Python call
fn combine_votes(
    py: Python<'_>,
    config_json: &str,
    names: Vec<String>,
    signals: Vec<Bound<'_, PyAny>>,
    confidences: Vec<Bound<'_, PyAny>>,
    runs: Vec<usize>,
    returns: Option<Bound<'_, PyAny>>,
    regimes: Option<Bound<'_, PyAny>>,
    times: Option<Bound<'_, PyAny>>,
) -> PyResult<PyRecordBatch> {
    let config: EnsembleConfig = parse("ensemble", config_json)?;
    let combiner = ensemble::build(&config, &names).map_err(gateway::raise)?;
    let read = |columns: &[Bound<'_, PyAny>], suffix: &str| {
        columns
            .iter()
            .zip(&names)
            .map(|(c, name)| arrow::column(&format!("{name}{suffix}"), c, false))
            .collect::<PyResult<Vec<_>>>()
    };
    let (signals, confidences) = (read(&signals, "")?, read(&confidences, "_confidence")?);
    let returns = returns.map(|c| arrow::column("return", &c, false)).transpose()?;
    let regimes = regimes.map(|c| arrow::column("market_regime", &c, false)).transpose()?;
    let times = times.map(|c| arrow::column("timestamp", &c, true)).transpose()?;
    let rows: usize = runs.iter().sum();
    let lengths = signals.iter().chain(&confidences).chain(&returns).chain(&regimes).chain(&times);
    for column in lengths {
        if column.len() != rows {
            return Err(gateway::raise(CoreError::shape("rows of a column of signals", column.len(), rows)));
        }
    }
    if signals.len() != names.len() || confidences.len() != names.len() {
        let got = format!("{} signals, {} confidences", signals.len(), confidences.len());
        return Err(gateway::raise(CoreError::shape("columns of signals", got, names.len())));
    }
    let filters = config.method == MethodKind::Correlation;
    let out = gateway::detached(py, || {
        let mut out = Rows {
            consensus: Vec::with_capacity(rows),
            contributions: vec![vec![0.0; rows]; names.len()],
            dropped: Vec::new(),
        };
        let mut votes = vec![Vote::COLD; names.len()];
        let mut parts = vec![0.0; names.len()];
        let mut row = 0;
        for run in &runs {
            let mut combiner = combiner.boxed_clone();
            for _ in 0..*run {
                for (k, vote) in votes.iter_mut().enumerate() {
                    *vote = read_vote(&names[k], row, signals[k][row], confidences[k][row])?;
                }
                if let Some(r) = &returns {
                    combiner.observe(r[row]);
                }
                let regime = regimes.as_ref().and_then(|c| MarketRegime::from_code(c[row]));
                let ts = times.as_ref().map_or(0, |t| t[row] as i64);
                let input = EnsembleInput { weights: &[], regime, ts };
                out.consensus.push(combiner.combine(&votes, &input, &mut parts));
                for (column, part) in out.contributions.iter_mut().zip(&parts) {
                    column[row] = *part;
                }
                if filters {
                    out.dropped.push(left_out(&*combiner, &names));
                }
                row += 1;
            }
        }
        Ok(out)
    })?;
    let c = &out.consensus;
    let mut table = Columns::default()
        .f64("consensus", c.iter().map(|x| x.value))
        .f64("confidence", c.iter().map(|x| x.confidence))
        .array("direction", words(c.iter().map(|x| x.direction.as_str())))
        .u32("warm", c.iter().map(|x| x.warm))
        .array("gate", words(c.iter().map(|x| x.gate.as_str())));
    for (name, column) in names.iter().zip(out.contributions) {
        table = table.f64(&format!("contribution_{name}"), column.into_iter());
    }
    if filters {
        table = table.text("dropped", out.dropped.into_iter());
    }
    table.build()
}

/// `a for b (0.91)` of each strategy set aside, separated by semicolons; none where nobody went.
fn left_out(combiner: &dyn Combiner, names: &[String]) -> Option<String> {
    let one = |d: &ensemble::Dropped| format!("{} for {} ({:.2})", names[d.strategy], names[d.kept], d.correlation);
    let all: Vec<String> = combiner.dropped().iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Few words many times.
fn words(values: impl Iterator<Item = &'static str>) -> arrow_array::ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int8Type>::new();
    for value in values {
        builder.append_value(value);
    }
    Arc::new(builder.finish())
}

fn read_vote(name: &str, row: usize, signal: f64, confidence: f64) -> Result<Vote, CoreError> {
    if signal.is_nan() {
        return Ok(Vote::COLD);
    }
    let data = |column: String, value: f64, expected: &str| {
        Err(CoreError::Data { symbol: None, row, column, value: value.to_string(), expected: expected.to_owned() })
    };
    if !(-1.0..=1.0).contains(&signal) {
        return data(name.to_owned(), signal, "a signal from -1 to 1, or null");
    }
    if confidence.is_nan() || (0.0..=1.0).contains(&confidence) {
        return Ok(Vote::new(signal, if confidence.is_nan() { 0.0 } else { confidence }));
    }
    data(format!("{name}_confidence"), confidence, "a confidence from 0 to 1")
}

/// A combiner for one symbol, bar by bar.
#[pyclass(name = "Combiner", module = "mirrorfast._core")]
struct PyCombiner {
    inner: Box<dyn Combiner>,
    names: Vec<String>,
    parts: Vec<f64>,
}

#[pymethods]
impl PyCombiner {
    #[new]
    fn new(config_json: &str, names: Vec<String>) -> PyResult<Self> {
        let config: EnsembleConfig = parse("ensemble", config_json)?;
        let inner = ensemble::build(&config, &names).map_err(gateway::raise)?;
        let parts = vec![0.0; names.len()];
        Ok(Self { inner, names, parts })
    }
    /// Takes one (signal, confidence) or None a strategy.
    #[pyo3(signature = (votes, *, weights=None, regime=None, ts=0))]
    fn combine<'py>(
        &mut self,
        py: Python<'py>,
        votes: Vec<Option<(f64, f64)>>,
        weights: Option<Vec<f64>>,
        regime: Option<&str>,
        ts: i64,
    ) -> PyResult<Bound<'py, PyDict>> {
        let n = self.names.len();
        if votes.len() != n {
            return Err(gateway::raise(CoreError::shape("votes", votes.len(), n)));
        }
        let weights = weights.unwrap_or_else(|| vec![1.0; n]);
        if weights.len() != n {
            return Err(gateway::raise(CoreError::shape("weights", weights.len(), n)));
        }
        let votes = votes
            .iter()
            .zip(&self.names)
            .map(|(vote, name)| vote.map_or(Ok(Vote::COLD), |(s, c)| read_vote(name, 0, s, c)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(gateway::raise)?;
        let regime = self::regime(regime)?;
        let input = EnsembleInput { weights: &weights, regime, ts };
        let consensus = gateway::guarded(|| Ok(self.inner.combine(&votes, &input, &mut self.parts)))?;
        let out = PyDict::new(py);
        out.set_item("consensus", (!consensus.value.is_nan()).then_some(consensus.value))?;
        out.set_item("confidence", consensus.confidence)?;
        out.set_item("direction", consensus.direction.as_str())?;
        out.set_item("warm", consensus.warm)?;
        out.set_item("gate", consensus.gate.as_str())?;
        let parts = PyDict::new(py);
        for (name, part) in self.names.iter().zip(&self.parts) {
            parts.set_item(name, part)?;
        }
        out.set_item("contributions", parts)?;
        Ok(out)
    }
    /// Takes the return since the votes before.
    fn observe(&mut self, realised_return: f64) {
        self.inner.observe(realised_return);
    }
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let out = PyDict::new(py);
        for (name, weight) in self.names.iter().zip(self.inner.weights()) {
            out.set_item(name, weight)?;
        }
        Ok(out)
    }
    /// (dropped, kept, correlation) of each strategy that the last call set aside.
    #[getter]
    fn dropped(&self) -> Vec<(String, String, f64)> {
        let name = |k: usize| self.names[k].clone();
        self.inner.dropped().iter().map(|d| (name(d.strategy), name(d.kept), d.correlation)).collect()
    }
    fn reset(&mut self) {
        self.inner.reset();
    }
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.inner.snapshot().map_err(gateway::raise)?))
    }
    fn restore(&mut self, state: &[u8]) -> PyResult<()> {
        gateway::guarded(|| self.inner.restore(state))
    }
}

/// Knots (confidence, calibrated) of a map fitted to past votes.
#[pyfunction]
fn fit_calibration(confidences: &Bound<'_, PyAny>, hits: &Bound<'_, PyAny>, prior: f64) -> PyResult<Vec<(f64, f64)>> {
    let (x, y) = (arrow::column("confidence", confidences, false)?, arrow::column("hit", hits, false)?);
    let map = Calibration::fit(&x, &y, prior).map_err(gateway::raise)?;
    Ok(map.knots().iter().map(|k| (k[0], k[1])).collect())
}

/// Weights and grades from closed trades.
#[pyclass(name = "StrategyTrainer", module = "mirrorfast._core")]
struct PyStrategyTrainer(StrategyTrainer);

#[pymethods]
impl PyStrategyTrainer {
    #[new]
    fn new(config_json: &str) -> PyResult<Self> {
        let config: TrainerConfig = parse("trainer", config_json)?;
        StrategyTrainer::with_config(0, config).map(Self).map_err(gateway::raise)
    }
    /// Adds a strategy and returns its index.
    fn add(&mut self) -> usize {
        self.0.add()
    }
    fn update(&mut self, strategy: usize, pnl: f64) -> PyResult<f64> {
        self.0.update(strategy, pnl).map_err(gateway::raise)
    }
    #[getter]
    fn weights(&self) -> Vec<f64> {
        self.0.weights().to_vec()
    }
    fn grade(&self, strategy: usize) -> PyResult<&'static str> {
        self.0.grade(strategy).map(ensemble::Grade::as_str).map_err(gateway::raise)
    }
    fn statistics<'py>(&self, py: Python<'py>, strategy: usize) -> PyResult<Bound<'py, PyDict>> {
        let s = self.0.statistics(strategy).map_err(gateway::raise)?;
        let out = PyDict::new(py);
        out.set_item("trades", self.0.trades(strategy).map_err(gateway::raise)?)?;
        out.set_item("mean", s.mean)?;
        out.set_item("std", s.std)?;
        out.set_item("win_rate", s.win_rate)?;
        out.set_item("sharpe", s.sharpe)?;
        out.set_item("score", s.score)?;
        Ok(out)
    }
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &snapshot::to_bytes(&self.0).map_err(gateway::raise)?))
    }
    fn restore(&mut self, state: &[u8]) -> PyResult<()> {
        self.0 = snapshot::from_bytes(state).map_err(gateway::raise)?;
        Ok(())
    }
}

/// Blends rule and policy.
#[pyclass(frozen, name = "MetaController", module = "mirrorfast._core")]
struct PyMetaController(MetaController);

#[pymethods]
impl PyMetaController {
    #[new]
    fn new(config_json: &str) -> PyResult<Self> {
        let config: MetaConfig = parse("meta", config_json)?;
        MetaController::with_config(config).map(Self).map_err(gateway::raise)
    }
    /// (position, method, share of the policy).
    fn decide(
        &self,
        rule: f64,
        rl: Option<f64>,
        confidence: f64,
        regime: Option<&str>,
    ) -> PyResult<(f64, &'static str, f64)> {
        let d = self.0.decide(rule, rl.map(|p| (p, confidence)), self::regime(regime)?);
        Ok((d.position, d.method.as_str(), d.rl_share))
    }
    /// The same for columns; regimes are codes, NaN for an unknown one.
    fn decide_many(
        &self,
        rule: &Bound<'_, PyAny>,
        rl: &Bound<'_, PyAny>,
        confidence: &Bound<'_, PyAny>,
        regimes: &Bound<'_, PyAny>,
    ) -> PyResult<PyRecordBatch> {
        let rule = arrow::column("rule", rule, false)?;
        let rl = arrow::column("rl", rl, false)?;
        let confidence = arrow::column("confidence", confidence, false)?;
        let regimes = arrow::column("regime", regimes, false)?;
        for (name, n) in [("rl", rl.len()), ("confidence", confidence.len()), ("regime", regimes.len())] {
            if n != rule.len() {
                return Err(gateway::raise(CoreError::shape(format!("length of {name}"), n, rule.len())));
            }
        }
        let decide =
            |i: usize| self.0.decide(rule[i], Some((rl[i], confidence[i])), MarketRegime::from_code(regimes[i]));
        let all: Vec<MetaDecision> = (0..rule.len()).map(decide).collect();
        Columns::default()
            .f64("position", all.iter().map(|d| d.position))
            .array("method", words(all.iter().map(|d| d.method.as_str())))
            .f64("rl_share", all.iter().map(|d| d.rl_share))
            .f64("rule", all.iter().map(|d| d.rule))
            .f64("rl", all.iter().map(|d| d.rl))
            .build()
    }
}

/// Names of the market regimes in the order of their codes.
#[pyfunction]
fn market_regimes() -> PyArray {
    PyArray::from_array_ref(Arc::new(StringArray::from(MarketRegime::NAMES.to_vec())))
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(combine_votes, m)?)?;
    m.add_function(wrap_pyfunction!(fit_calibration, m)?)?;
    m.add_function(wrap_pyfunction!(market_regimes, m)?)?;
    m.add_class::<PyCombiner>()?;
    m.add_class::<PyStrategyTrainer>()?;
    m.add_class::<PyMetaController>()
}
