//! Indicators: one batch entry, one streaming object and the catalogue, whatever the number of indicators.

use arrow_buffer::ScalarBuffer;
use mirrorfast_core::CoreError;
use mirrorfast_core::indicators::Instance;
use mirrorfast_core::indicators::registry::{self, Input};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use pyo3_arrow::PyArray;

use crate::{arrow, gateway};

/// (name, value) pairs of a parameter dict; a value that is no number is an error that names it.
fn parameters(indicator: &str, params: &Bound<'_, PyDict>) -> PyResult<Vec<(String, f64)>> {
    params
        .iter()
        .map(|(key, value)| {
            let name: String = key.extract()?;
            let number = value.extract::<f64>().map_err(|_| {
                let shown = value.repr().map_or_else(|_| "?".to_owned(), |r| r.to_string());
                gateway::raise(CoreError::parameter(format!("{indicator}.{name}"), shown, "a number"))
            })?;
            Ok((name, number))
        })
        .collect()
}

pub(crate) fn build(name: &str, params: &Bound<'_, PyDict>) -> PyResult<Instance> {
    let given = parameters(name, params)?;
    let given: Vec<(&str, f64)> = given.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    Instance::new(name, &given).map_err(gateway::raise)
}

/// Runs an indicator over whole columns, given in the catalogue's order.
///
/// `strict` refuses a window longer than the series; without it such a series has no values.
#[pyfunction]
fn compute(
    py: Python<'_>,
    name: &str,
    inputs: Vec<Bound<'_, PyAny>>,
    params: &Bound<'_, PyDict>,
    strict: bool,
) -> PyResult<Vec<PyArray>> {
    let mut instance = build(name, params)?;
    let row = instance.row();
    if inputs.len() != row.inputs.len() {
        return Err(gateway::raise(CoreError::shape(
            format!("number of inputs of {name}"),
            inputs.len(),
            row.inputs.len(),
        )));
    }
    let columns = inputs
        .iter()
        .zip(row.inputs)
        .map(|(object, input)| arrow::column(input.name(), object, *input == Input::Timestamp))
        .collect::<PyResult<Vec<_>>>()?;
    let rows = columns.first().map_or(0, ScalarBuffer::len);
    for (column, input) in columns.iter().zip(row.inputs) {
        if column.len() != rows {
            let what = format!("length of {}", input.name());
            let expected = format!("{rows} as {}", row.inputs[0].name());
            return Err(gateway::raise(CoreError::shape(what, column.len(), expected)));
        }
    }
    if strict {
        instance.check_length(rows).map_err(gateway::raise)?;
    }
    gateway::detached(py, move || {
        let inputs: Vec<&[f64]> = columns.iter().map(|c| &**c).collect();
        let mut outputs = vec![vec![0.0; rows]; row.outputs.len()];
        let mut slices: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        instance.indicator().run(&inputs, &mut slices)?;
        Ok(outputs.into_iter().map(arrow::result).collect())
    })
}

/// The catalogue as dicts, one per indicator.
#[pyfunction]
fn catalogue(py: Python<'_>) -> PyResult<Vec<Bound<'_, PyDict>>> {
    registry::rows()
        .map(|row| {
            let entry = PyDict::new(py);
            entry.set_item("name", row.name)?;
            entry.set_item("family", row.family.name())?;
            entry.set_item("inputs", row.inputs.iter().map(|i| i.name()).collect::<Vec<_>>())?;
            let params = row.params.iter().map(|p| {
                let param = PyDict::new(py);
                param.set_item("name", p.name)?;
                param.set_item("default", p.default)?;
                param.set_item("min", p.min)?;
                param.set_item("max", p.max)?;
                param.set_item("integer", p.integer)?;
                Ok(param)
            });
            entry.set_item("params", params.collect::<PyResult<Vec<_>>>()?)?;
            entry.set_item("outputs", row.outputs)?;
            let defaults: Vec<f64> = row.params.iter().map(|p| p.default).collect();
            entry.set_item("warm_up", (row.build)(&defaults).warm_up())?;
            entry.set_item("summary", row.summary)?;
            Ok(entry)
        })
        .collect()
}

/// Parameters for people: whole numbers as such.
fn shown<'py>(py: Python<'py>, instance: &Instance) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (p, &value) in instance.row().params.iter().zip(instance.params()) {
        if p.integer {
            dict.set_item(p.name, value as i64)?;
        } else {
            dict.set_item(p.name, value)?;
        }
    }
    Ok(dict)
}

/// Base of `mirrorfast.indicators.Stream`.
#[pyclass(module = "mirrorfast._core", name = "IndicatorStream", subclass)]
struct IndicatorStream {
    instance: Instance,
    row: Vec<f64>,
    outputs: Vec<f64>,
}

impl IndicatorStream {
    fn holding(instance: Instance) -> Self {
        let (inputs, outputs) = (instance.row().inputs.len(), instance.row().outputs.len());
        Self { instance, row: vec![f64::NAN; inputs], outputs: vec![f64::NAN; outputs] }
    }
}

/// A scalar input: a number, or `None` for a missing one.
fn scalar(indicator: &str, input: Input, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    if value.is_none() {
        return Ok(f64::NAN);
    }
    value.extract::<f64>().map_err(|_| {
        let kind = value.get_type().name().map_or_else(|_| "?".to_owned(), |n| n.to_string());
        gateway::raise(CoreError::shape(format!("type of {indicator}.{}", input.name()), kind, "a number"))
    })
}

#[pymethods]
impl IndicatorStream {
    #[new]
    #[pyo3(signature = (name, **params))]
    fn new(py: Python<'_>, name: &str, params: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let params = params.cloned().unwrap_or_else(|| PyDict::new(py));
        Ok(Self::holding(build(name, &params)?))
    }

    /// Takes one row and returns its value, or a tuple of values in the order of `outputs`; NaN until warm.
    ///
    /// Give the inputs by name (`close=...`) or in the order of `inputs`. The other columns of a bar may be passed along. A
    /// missing value (`None`, NaN or infinite) gives NaN and leaves the state as it is.
    #[pyo3(signature = (*args, **values))]
    fn update<'py>(
        &mut self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        values: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let row = self.instance.row();
        let wrong = |what: &str, got: String, expected: String| {
            Err(gateway::raise(CoreError::parameter(format!("{}.{what}", row.name), got, expected)))
        };
        let names = || row.inputs.iter().map(|i| i.name()).collect::<Vec<_>>().join(", ");
        if args.len() > row.inputs.len() {
            return wrong("update", format!("{} values", args.len()), names());
        }
        for (k, input) in row.inputs.iter().enumerate() {
            self.row[k] = if k < args.len() {
                scalar(row.name, *input, &args.get_item(k)?)?
            } else {
                match values.map_or(Ok(None), |v| v.get_item(input.name()))? {
                    Some(value) => scalar(row.name, *input, &value)?,
                    None => return wrong(input.name(), "nothing".to_owned(), format!("values of {}", names())),
                }
            };
        }
        if let Some(values) = values {
            // A whole bar may be passed to an indicator that needs a part of it; anything else is a slip.
            for key in values.keys() {
                let key: String = key.extract()?;
                let column = ["open", "high", "low", "close", "volume", "timestamp"].contains(&key.as_str());
                if !column && !row.inputs.iter().any(|i| i.name() == key) {
                    return wrong(&key, "given".to_owned(), format!("values of {}", names()));
                }
            }
        }
        let Self { instance, row, outputs } = self;
        gateway::guarded(|| instance.indicator().update(row, outputs))?;
        match outputs.as_slice() {
            [only] => Ok(only.into_pyobject(py)?.into_any()),
            many => Ok(PyTuple::new(py, many)?.into_any()),
        }
    }

    /// Returns to the state before the first row.
    fn reset(&mut self) {
        self.instance.indicator().reset();
    }

    /// The state as bytes, which say whose they are.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.instance.snapshot().map_err(gateway::raise)?))
    }

    /// Takes up the state of a snapshot of the same indicator with the same parameters.
    fn restore(&mut self, snapshot: &[u8]) -> PyResult<()> {
        gateway::guarded(|| self.instance.restore(snapshot))
    }

    /// Name and parameters that a snapshot was taken with.
    #[staticmethod]
    fn describe<'py>(py: Python<'py>, snapshot: &[u8]) -> PyResult<(&'static str, Bound<'py, PyDict>)> {
        let instance = gateway::guarded(|| Instance::from_snapshot(snapshot))?;
        Ok((instance.row().name, shown(py, &instance)?))
    }

    /// Name in the catalogue.
    #[getter]
    fn name(&self) -> &'static str {
        self.instance.row().name
    }

    /// Parameters by name, defaults filled in.
    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        shown(py, &self.instance)
    }

    /// Names of the inputs, in order.
    #[getter]
    fn inputs(&self) -> Vec<&'static str> {
        self.instance.row().inputs.iter().map(|i| i.name()).collect()
    }

    /// Names of the outputs, in order.
    #[getter]
    fn outputs(&self) -> Vec<&'static str> {
        self.instance.row().outputs.to_vec()
    }

    /// Rows before the first one with all outputs.
    #[getter]
    fn warm_up(&self) -> usize {
        self.instance.warm_up()
    }
}

/// Adds this file's names to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(compute, m)?)?;
    m.add_function(wrap_pyfunction!(catalogue, m)?)?;
    m.add_class::<IndicatorStream>()
}
