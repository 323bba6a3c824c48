//! Indicators into arrays that the caller owns: no allocation, no conversion, for loops over many series.

use mirrorfast_core::CoreError;
use numpy::{PyReadonlyArray1, PyReadwriteArray1};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::{gateway, indicators};

fn contiguous(what: &str) -> PyErr {
    gateway::raise(CoreError::shape(what, "a strided array", "a contiguous array of float64"))
}

/// Runs an indicator over contiguous float64 arrays into contiguous float64 arrays of the same length; warm-up rows are NaN. None in
/// the place of an output leaves that one out.
#[pyfunction]
fn compute_into(
    py: Python<'_>,
    name: &str,
    inputs: Vec<PyReadonlyArray1<'_, f64>>,
    params: &Bound<'_, PyDict>,
    mut outputs: Vec<Option<PyReadwriteArray1<'_, f64>>>,
) -> PyResult<()> {
    let mut instance = indicators::build(name, params)?;
    let ins: Vec<&[f64]> =
        inputs.iter().map(|a| a.as_slice().map_err(|_| contiguous("an input"))).collect::<PyResult<_>>()?;
    let mut outs: Vec<Option<&mut [f64]>> = outputs
        .iter_mut()
        .map(|a| a.as_mut().map(|a| a.as_slice_mut().map_err(|_| contiguous("an output"))).transpose())
        .collect::<PyResult<_>>()?;
    gateway::detached(py, || instance.indicator().run_wanted(&ins, &mut outs))
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(compute_into, m)?)
}
