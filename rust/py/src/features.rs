//! Feature columns: a table of bars in, a table of features out.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int8Array, RecordBatch, StringViewArray, TimestampMillisecondArray,
};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::{Field, Schema};
use mirrorfast_core::bars::Bars;
use mirrorfast_core::features::{Col, FeatureConfig, Kind};
use mirrorfast_core::panel::{self, Buffer, PanelStream, Plan};
use mirrorfast_core::types::{Market, Timeframe};
use mirrorfast_core::{CoreError, snapshot};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3_arrow::PyRecordBatch;

use crate::bars::bars_from_python;
use crate::gateway;
use crate::labels::{Words, present};
use crate::outputs::Floats;

/// A configuration from its JSON, with market and timeframe from the caller.
fn configure(timeframe: &str, market: &str, config: Option<&str>) -> PyResult<FeatureConfig> {
    let given: FeatureConfig = match config {
        Some(text) => serde_json::from_str(text)
            .map_err(|e| gateway::raise(CoreError::parameter("config", text, format!("feature settings ({e})"))))?,
        None => FeatureConfig::default(),
    };
    Ok(FeatureConfig {
        market: Market::parse(market).map_err(gateway::raise)?,
        timeframe: Timeframe::parse(timeframe).map_err(gateway::raise)?,
        ..given
    })
}

/// The columns of these names; all without them.
fn choose(names: Option<Vec<String>>) -> PyResult<Vec<Col>> {
    match names {
        Some(names) => names.iter().map(|name| Col::parse(name).map_err(gateway::raise)).collect(),
        None => Ok(Col::ALL.to_vec()),
    }
}

/// A column that is being filled.
enum Filling {
    Float(Floats),
    Code(Vec<u8>),
}

impl Filling {
    fn all(columns: &[Col], rows: usize) -> Vec<Self> {
        let one = |col: &Col| match col.kind() {
            Kind::Float => Self::Float(Floats::zeros(rows)),
            Kind::Int | Kind::Bool | Kind::Label(_) => Self::Code(vec![0; rows]),
        };
        columns.iter().map(one).collect()
    }

    fn buffer(&mut self) -> Buffer<'_> {
        match self {
            Self::Float(values) => Buffer::Float(values.as_mut_slice()),
            Self::Code(values) => Buffer::Code(values),
        }
    }

    /// The finished column: what is missing is null.
    fn finish(self, col: Col) -> Result<ArrayRef, CoreError> {
        Ok(match (self, col.kind()) {
            (Self::Float(values), _) => {
                let values = values.into_buffer();
                let nulls = NullBuffer::new(BooleanBuffer::collect_bool(values.len(), |i| !values[i].is_nan()));
                let nulls = (nulls.null_count() > 0).then_some(nulls);
                Arc::new(Float64Array::new(values, nulls))
            }
            (Self::Code(codes), Kind::Label(names)) => Words::new(names.iter().copied()).of_codes(&codes)?,
            (Self::Code(codes), Kind::Int) => {
                let values: ScalarBuffer<i8> = codes.iter().map(|&c| c.wrapping_sub(1) as i8).collect();
                Arc::new(Int8Array::new(values, present(&codes)))
            }
            (Self::Code(codes), Kind::Bool | Kind::Float) => Arc::new(BooleanArray::new(
                BooleanBuffer::collect_bool(codes.len(), |i| codes[i] == 1),
                present(&codes),
            )),
        })
    }
}

/// The identity columns (symbol and timestamp only, without a timeframe) and the filled ones.
fn finish(
    bars: &Bars,
    timeframe: Option<&str>,
    last_only: bool,
    columns: &[Col],
    filled: Vec<Filling>,
) -> Result<RecordBatch, CoreError> {
    let symbols = bars.symbols().len();
    let rows = |k: usize| if last_only { 1 } else { bars.series(k).len() };
    let mut times: Vec<i64> = Vec::with_capacity(if last_only { symbols } else { bars.len() });
    for k in 0..symbols {
        let ts = bars.series(k).ts;
        times.extend_from_slice(&ts[ts.len().saturating_sub(rows(k))..]);
    }
    let names = Words::new(bars.symbols().iter().map(String::as_str));
    let mut fields = Vec::with_capacity(columns.len() + 4);
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len() + 4);
    let mut add = |name: &str, array: ArrayRef| {
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    };
    if timeframe.is_some() {
        add("exchange", Arc::new(StringViewArray::new_null(times.len())));
    }
    add("symbol", names.repeated((0..symbols).map(rows))?);
    if let Some(timeframe) = timeframe {
        add("timeframe", Words::new(std::iter::once(timeframe)).repeated(std::iter::once(times.len()))?);
    }
    add("timestamp", Arc::new(TimestampMillisecondArray::new(times.into(), None).with_timezone("UTC")));
    for (&col, filling) in columns.iter().zip(filled) {
        add(col.name(), filling.finish(col)?);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|e| CoreError::Internal(e.to_string()))
}

/// Features of a table of bars: one row a bar, or with `last_only` one a symbol; every identity column where all columns are wanted.
#[pyfunction]
#[pyo3(signature = (bars, timeframe, market, *, last_only=false, columns=None, config=None, threads=0))]
#[allow(clippy::too_many_arguments)] // keywords of the Python call
fn compute_features(
    py: Python<'_>,
    bars: &Bound<'_, PyAny>,
    timeframe: &str,
    market: &str,
    last_only: bool,
    columns: Option<Vec<String>>,
    config: Option<&str>,
    threads: usize,
) -> PyResult<PyRecordBatch> {
    let config = configure(timeframe, market, config)?;
    let identity = columns.is_none().then_some(timeframe);
    let columns = choose(columns)?;
    let plan = Plan::new(&config, &columns).map_err(gateway::raise)?;
    let bars = bars_from_python(bars)?;
    gateway::detached(py, || {
        let rows = if last_only { bars.symbols().len() } else { bars.len() };
        let mut filled = Filling::all(&columns, rows);
        let buffers = filled.iter_mut().map(Filling::buffer).collect();
        panel::compute(&bars, &plan, last_only, buffers, threads)?;
        finish(&bars, identity, last_only, &columns, filled)
    })
    .map(PyRecordBatch::new)
}

/// (name, group, kind, meaning) of every column, in order.
#[pyfunction]
fn feature_catalogue() -> Vec<(&'static str, &'static str, &'static str, &'static str)> {
    let kind = |col: Col| match col.kind() {
        Kind::Float => "float",
        Kind::Int => "int",
        Kind::Bool => "bool",
        Kind::Label(_) => "label",
    };
    Col::ALL.iter().map(|&col| (col.name(), col.group(), kind(col), col.summary())).collect()
}

/// Features of many symbols as their bars close.
#[pyclass(module = "mirrorfast._core", name = "FeatureStream", frozen)]
struct FeatureStream {
    stream: Mutex<PanelStream>,
    /// The timeframe column, where all columns are wanted.
    identity: Option<String>,
}

impl FeatureStream {
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut PanelStream) -> Result<T, CoreError> + Send,
    ) -> PyResult<T> {
        // The lock is taken without the GIL: whoever holds it never waits for Python.
        gateway::detached(py, || work(&mut self.stream.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[pymethods]
impl FeatureStream {
    #[new]
    #[pyo3(signature = (timeframe, market, *, columns=None, config=None))]
    fn new(timeframe: &str, market: &str, columns: Option<Vec<String>>, config: Option<&str>) -> PyResult<Self> {
        let config = configure(timeframe, market, config)?;
        let identity = columns.is_none().then(|| timeframe.to_owned());
        let stream = PanelStream::new(&config, &choose(columns)?).map_err(gateway::raise)?;
        Ok(Self { stream: Mutex::new(stream), identity })
    }

    /// Takes closed bars in and returns one row a bar.
    #[pyo3(signature = (bars, *, threads=0))]
    fn update(&self, py: Python<'_>, bars: &Bound<'_, PyAny>, threads: usize) -> PyResult<PyRecordBatch> {
        let bars = bars_from_python(bars)?;
        self.with(py, |stream| {
            let columns = stream.plan().columns().to_vec();
            let mut filled = Filling::all(&columns, bars.len());
            stream.update(&bars, filled.iter_mut().map(Filling::buffer).collect(), threads)?;
            finish(&bars, self.identity.as_deref(), false, &columns, filled)
        })
        .map(PyRecordBatch::new)
    }

    /// Sets the alternative columns of every symbol from now on.
    fn set_alternative(&self, py: Python<'_>, fear_greed: f64, btc_dominance: f64) -> PyResult<()> {
        self.with(py, |stream| stream.set_alternative(fear_greed, btc_dominance))
    }

    /// Bars taken in so far, by symbol.
    fn symbols(&self, py: Python<'_>) -> PyResult<Vec<(String, usize)>> {
        self.with(py, |stream| Ok(stream.symbols().map(|(name, n)| (name.to_owned(), n)).collect()))
    }

    /// The state as bytes.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.with(py, |stream| snapshot::to_bytes(stream))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Takes up the state of a stream with the same settings and columns.
    fn restore(&self, py: Python<'_>, state: &[u8]) -> PyResult<()> {
        self.with(py, |stream| stream.restore(state))
    }
}

/// Adds this file's names to the module.
pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(compute_features, m)?)?;
    m.add_function(wrap_pyfunction!(feature_catalogue, m)?)?;
    m.add_class::<FeatureStream>()
}
