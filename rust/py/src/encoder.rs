//! The encoder of a policy's observations.

use arrow_buffer::ScalarBuffer;
use mirrorfast_core::CoreError;
use mirrorfast_core::encoder::{MARKET_FEATURES, SignalEncoder, VERSION};
use numpy::{PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::{arrow, gateway};

/// A fitted encoder; it never changes.
#[pyclass(module = "mirrorfast._core", frozen)]
pub(crate) struct Encoder {
    pub(crate) inner: SignalEncoder,
}

fn buffers(names: &[&str], columns: &[Bound<'_, PyAny>]) -> PyResult<Vec<ScalarBuffer<f64>>> {
    if names.len() != columns.len() {
        return Err(gateway::raise(CoreError::shape("feature columns", columns.len(), names.len())));
    }
    names.iter().zip(columns).map(|(name, column)| arrow::column(name, column, false)).collect()
}

fn slices(buffers: &[ScalarBuffer<f64>]) -> Vec<&[f64]> {
    buffers.iter().map(|b| &**b).collect()
}

#[pymethods]
impl Encoder {
    /// Fits features on their sources, as `encoder_sources` names them.
    #[staticmethod]
    fn fit(py: Python<'_>, features: Vec<String>, columns: Vec<Bound<'_, PyAny>>) -> PyResult<Self> {
        let names: Vec<&str> = features.iter().map(String::as_str).collect();
        let columns = buffers(&names, &columns)?;
        let inner = gateway::detached(py, || SignalEncoder::fit(&names, &slices(&columns)))?;
        Ok(Self { inner })
    }

    #[staticmethod]
    fn from_json(text: &str) -> PyResult<Self> {
        Ok(Self { inner: SignalEncoder::from_json(text).map_err(gateway::raise)? })
    }

    fn to_json(&self) -> PyResult<String> {
        self.inner.to_json().map_err(gateway::raise)
    }

    /// Raises where it gives other features, or in another order.
    fn require(&self, features: Vec<String>) -> PyResult<()> {
        self.inner.require(&features).map_err(gateway::raise)
    }

    /// Rows of numbers in [−1, 1], shape (n, width), float32.
    fn encode<'py>(&self, py: Python<'py>, columns: Vec<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let columns = buffers(&self.sources(), &columns)?;
        let (rows, width) = (columns[0].len(), self.inner.width());
        let mut out = vec![0.0; rows * width];
        gateway::detached(py, || self.inner.encode_columns(&slices(&columns), width, &mut out))?;
        numpy::PyArray1::from_vec(py, out).reshape([rows, width])
    }

    #[getter]
    fn features(&self) -> Vec<&str> {
        self.inner.columns().iter().map(|c| c.name.as_str()).collect()
    }

    #[getter]
    fn sources(&self) -> Vec<&str> {
        self.inner.columns().iter().map(|c| c.source.as_str()).collect()
    }

    /// (feature, source, transform, center, scale) of every column.
    fn describe(&self) -> Vec<(&str, &str, String, f64, f64)> {
        let row = |c: &mirrorfast_core::encoder::Column| format!("{:?}", c.transform);
        self.inner.columns().iter().map(|c| (c.name.as_str(), c.source.as_str(), row(c), c.center, c.scale)).collect()
    }

    #[getter]
    fn column_hash(&self) -> &str {
        self.inner.column_hash()
    }

    #[getter]
    fn rows(&self) -> u64 {
        self.inner.rows()
    }
}

/// The market features of SPEC §8, in the order of an observation.
#[pyfunction]
fn market_features() -> Vec<&'static str> {
    MARKET_FEATURES.to_vec()
}

/// The feature column that each feature is made of.
#[pyfunction]
fn encoder_sources(features: Vec<String>) -> PyResult<Vec<String>> {
    let columns = SignalEncoder::layout(&features).map_err(gateway::raise)?;
    Ok(columns.into_iter().map(|c| c.source).collect())
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("ENCODER_VERSION", VERSION)?;
    m.add_class::<Encoder>()?;
    m.add_function(wrap_pyfunction!(market_features, m)?)?;
    m.add_function(wrap_pyfunction!(encoder_sources, m)?)
}
