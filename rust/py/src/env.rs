//! Training environments: markets that are shared, and environments that step through them.

use std::sync::Arc;

use mirrorfast_core::CoreError;
use mirrorfast_core::env::{self, EnvConfig, Episode, Market, StepBuffers};
use mirrorfast_core::instrument::Instrument;
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArray1, PyReadwriteArrayDyn};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::bars::bars_from_python;
use crate::gateway;

fn contiguous(what: &str) -> PyErr {
    gateway::raise(CoreError::shape(what, "a strided array", "a contiguous array"))
}

/// Bars and encoded features that environments share; they never change.
#[pyclass(module = "mirrorfast._core", frozen)]
struct Markets {
    inner: Arc<[Market]>,
}

#[pymethods]
impl Markets {
    /// `encoded` has one row a bar; `warm_up` one number a symbol, `instruments` one JSON object a symbol. `together` makes one market of
    /// all symbols, whose bars must have the same times.
    #[new]
    fn new(
        bars: &Bound<'_, PyAny>,
        encoded: PyReadonlyArrayDyn<'_, f32>,
        warm_up: Vec<usize>,
        instruments: Vec<String>,
        together: bool,
    ) -> PyResult<Self> {
        let bars = bars_from_python(bars)?;
        let n = bars.symbols().len();
        let rows = encoded.as_slice().map_err(|_| contiguous("encoded features"))?;
        if warm_up.len() != n || instruments.len() != n || bars.is_empty() || !rows.len().is_multiple_of(bars.len()) {
            let got = format!("{} and {} for {} feature numbers", warm_up.len(), instruments.len(), rows.len());
            let expected = format!("{n} symbols and {} bars", bars.len());
            return Err(gateway::raise(CoreError::shape("warm-ups and instruments", got, expected)));
        }
        let width = rows.len() / bars.len();
        let instruments: Vec<Instrument> = instruments
            .iter()
            .map(|text| serde_json::from_str(text).map_err(|e| gateway::bad_config(&e)))
            .collect::<PyResult<_>>()?;
        let part = |k: usize| {
            let from = bars.offset(k) * width;
            &rows[from..from + bars.series(k).len() * width]
        };
        let inner: Result<Vec<Market>, CoreError> = if together {
            let series: Vec<_> = (0..n).map(|k| bars.series(k)).collect();
            let parts: Vec<_> = (0..n).map(part).collect();
            let warm_up = warm_up.iter().copied().max().unwrap_or(0);
            Market::new(instruments, &series, &parts, width, warm_up).map(|market| vec![market])
        } else {
            let one =
                |(k, i): (usize, Instrument)| Market::new(vec![i], &[bars.series(k)], &[part(k)], width, warm_up[k]);
            instruments.into_iter().enumerate().map(one).collect()
        };
        Ok(Self { inner: inner.map_err(gateway::raise)?.into() })
    }

    /// Symbols of each market.
    #[getter]
    fn symbols(&self) -> Vec<Vec<&str>> {
        self.inner.iter().map(|m| m.instruments().iter().map(|i| i.symbol.as_str()).collect()).collect()
    }

    /// Bars of each market.
    #[getter]
    fn rows(&self) -> Vec<usize> {
        self.inner.iter().map(Market::len).collect()
    }
}

/// Environments that step together.
#[pyclass(module = "mirrorfast._core")]
struct TradingBatch {
    inner: env::TradingBatch,
}

impl TradingBatch {
    fn check(&self, k: usize) -> PyResult<()> {
        if k < self.inner.len() {
            return Ok(());
        }
        Err(gateway::raise(CoreError::parameter("environment", k, format!("below {}", self.inner.len()))))
    }

    fn tell<'py>(&self, py: Python<'py>, e: &Episode) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        let symbols: Vec<&str> =
            self.inner.markets()[e.market].instruments().iter().map(|i| i.symbol.as_str()).collect();
        dict.set_item("symbols", symbols)?;
        dict.set_item("market", e.market)?;
        dict.set_item("start", e.start)?;
        dict.set_item("steps", e.steps)?;
        dict.set_item("reward", e.reward)?;
        dict.set_item("equity", e.equity)?;
        dict.set_item("peak", e.peak)?;
        dict.set_item("drawdown", e.drawdown)?;
        dict.set_item("fees", e.fees)?;
        dict.set_item("turnover", e.turnover)?;
        dict.set_item("fills", e.fills)?;
        dict.set_item("refused", e.refused)?;
        dict.set_item("transaction_cost", e.transaction_cost)?;
        Ok(dict)
    }
}

#[pymethods]
impl TradingBatch {
    #[new]
    fn new(markets: &Markets, config_json: &str, n_envs: usize, seed: u64) -> PyResult<Self> {
        let config: EnvConfig = serde_json::from_str(config_json).map_err(|e| gateway::bad_config(&e))?;
        let inner = env::TradingBatch::new(markets.inner.clone(), config, n_envs, seed).map_err(gateway::raise)?;
        Ok(Self { inner })
    }

    /// (environments, rows of an observation, numbers a row, symbols of an action).
    #[getter]
    fn shape(&self) -> (usize, usize, usize, usize) {
        let (rows, width) = self.inner.shape();
        (self.inner.len(), rows, width, self.inner.symbols())
    }

    /// Seeds one environment anew, as stream `stream` of the seed.
    fn reseed(&mut self, k: usize, seed: u64, stream: u64) -> PyResult<()> {
        self.check(k)?;
        self.inner.reseed(k, seed, stream);
        Ok(())
    }

    /// Begins an episode of one environment.
    #[pyo3(signature = (k, *, market=None, start=None))]
    fn reset(&mut self, k: usize, market: Option<usize>, start: Option<usize>) -> PyResult<()> {
        self.check(k)?;
        self.inner.reset(k, market, start).map_err(gateway::raise)
    }

    /// Observations of all environments into an array of the caller's.
    fn observe_into(&self, mut out: PyReadwriteArrayDyn<'_, f32>) -> PyResult<()> {
        let out = out.as_slice_mut().map_err(|_| contiguous("observations"))?;
        let (rows, width) = self.inner.shape();
        let expected = self.inner.len() * rows * width;
        if out.len() != expected {
            return Err(gateway::raise(CoreError::shape("observations", out.len(), expected)));
        }
        for (k, part) in out.chunks_exact_mut(rows * width).enumerate() {
            self.inner.observe(k, part).map_err(gateway::raise)?;
        }
        Ok(())
    }

    /// The observation of one environment as a new array, shape (rows, width).
    fn observe<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyArray2<f32>>> {
        self.check(k)?;
        let (rows, width) = self.inner.shape();
        let out = PyArray2::<f32>::zeros(py, [rows, width], false);
        let mut writable = out.readwrite();
        let slice = writable.as_slice_mut().map_err(|_| contiguous("observation"))?;
        self.inner.observe(k, slice).map_err(gateway::raise)?;
        drop(writable);
        Ok(out)
    }

    /// One step of every environment into arrays of the caller's; true where any episode ended.
    #[allow(clippy::too_many_arguments)] // one buffer each
    fn step(
        &mut self,
        py: Python<'_>,
        actions: PyReadonlyArrayDyn<'_, f32>,
        mut observations: PyReadwriteArrayDyn<'_, f32>,
        mut rewards: PyReadwriteArray1<'_, f32>,
        mut terminated: PyReadwriteArray1<'_, bool>,
        mut truncated: PyReadwriteArray1<'_, bool>,
        mut finals: PyReadwriteArrayDyn<'_, f32>,
    ) -> PyResult<bool> {
        let actions = actions.as_slice().map_err(|_| contiguous("actions"))?;
        let mut buffers = StepBuffers {
            observations: observations.as_slice_mut().map_err(|_| contiguous("observations"))?,
            rewards: rewards.as_slice_mut().map_err(|_| contiguous("rewards"))?,
            terminated: terminated.as_slice_mut().map_err(|_| contiguous("terminated"))?,
            truncated: truncated.as_slice_mut().map_err(|_| contiguous("truncated"))?,
            finals: finals.as_slice_mut().map_err(|_| contiguous("final observations"))?,
        };
        let inner = &mut self.inner;
        gateway::detached(py, || {
            inner.step(actions, &mut buffers)?;
            Ok(buffers.terminated.iter().zip(&*buffers.truncated).any(|(a, b)| *a || *b))
        })
    }

    /// One step of the first environment, without a new episode: observation, reward, terminated, truncated, info.
    fn play<'py>(
        &mut self,
        py: Python<'py>,
        action: &Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyArray2<f32>>, f64, bool, bool, Bound<'py, PyDict>)> {
        let inner = &mut self.inner;
        let outcome = if let Ok(array) = action.cast::<PyArray1<f32>>() {
            let array = array.try_readonly()?;
            let action = array.as_slice().map_err(|_| contiguous("action"))?;
            gateway::guarded(|| inner.step_one(0, action))?
        } else {
            let action: Vec<f64> = match action.extract::<f64>() {
                Ok(number) => vec![number],
                Err(_) => action.extract().map_err(|_| {
                    let got = action.repr().map_or_else(|_| "an object".to_owned(), |text| text.to_string());
                    gateway::raise(CoreError::shape("action", got, format!("{} numbers", inner.symbols())))
                })?,
            };
            gateway::guarded(|| inner.step_one(0, &action))?
        };
        let info = PyDict::new(py);
        let e = self.inner.episode(0);
        info.set_item(intern!(py, "equity"), e.equity)?;
        info.set_item(intern!(py, "drawdown"), e.drawdown)?;
        info.set_item(intern!(py, "fees"), e.fees)?;
        info.set_item(intern!(py, "refused"), e.refused)?;
        let observation = self.observe(py, 0)?;
        Ok((observation, outcome.reward, outcome.terminated, outcome.truncated, info))
    }

    /// The present episode of an environment.
    fn episode<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyDict>> {
        self.check(k)?;
        self.tell(py, self.inner.episode(k))
    }

    /// The last episode that an environment finished.
    fn finished<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyDict>> {
        self.check(k)?;
        self.tell(py, self.inner.finished(k))
    }

    /// Equity of every environment.
    fn equity<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        PyArray1::from_iter(py, (0..self.inner.len()).map(|k| self.inner.episode(k).equity))
    }

    /// Bar that an environment's observation ends with.
    fn bar(&self, k: usize) -> PyResult<usize> {
        self.check(k)?;
        Ok(self.inner.bar(k))
    }

    /// Positions of an environment as fractions of equity, one a symbol.
    fn positions(&self, k: usize) -> PyResult<Vec<f64>> {
        self.check(k)?;
        let portfolio = self.inner.portfolio(k);
        let equity = portfolio.equity();
        Ok((0..self.inner.symbols() as u32).map(|s| portfolio.notional(s) / equity).collect())
    }

    /// The account of an environment: cash, equity, realised and unrealised profit, fees.
    fn account<'py>(&self, py: Python<'py>, k: usize) -> PyResult<Bound<'py, PyDict>> {
        self.check(k)?;
        let p = self.inner.portfolio(k);
        let dict = PyDict::new(py);
        dict.set_item("cash", p.cash())?;
        dict.set_item("equity", p.equity())?;
        dict.set_item("realised", p.realised())?;
        dict.set_item("unrealised", (0..self.inner.symbols() as u32).map(|s| p.unrealised(s)).sum::<f64>())?;
        dict.set_item("fees", p.fees())?;
        dict.set_item("quantities", p.positions().iter().map(|p| p.quantity).collect::<Vec<f64>>())?;
        Ok(dict)
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Markets>()?;
    m.add_class::<TradingBatch>()
}
