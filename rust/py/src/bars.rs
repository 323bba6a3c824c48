//! Any Arrow table of bars → [`Bars`], copying only columns of another type or in several chunks.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, Float64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch, StringViewArray};
use arrow_buffer::ScalarBuffer;
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit};
use mirrorfast_core::bars::Bars;
use mirrorfast_core::{CoreError, Result};
use pyo3::prelude::*;
use pyo3_arrow::input::AnyRecordBatch;

use crate::gateway;

/// Anything with `__arrow_c_stream__` or `__arrow_c_array__` as checked bars, sorted by symbol, then time.
///
/// Columns are found by name: `timestamp` (any unit; a time without a zone is UTC; whole numbers are milliseconds), `open`, `high`,
/// `low`, `close`, `volume` (any number) and `symbol` (text, plain or dictionary; without it all rows are one symbol without a
/// name). Other columns are left alone.
pub(crate) fn bars_from_python(table: &Bound<'_, PyAny>) -> PyResult<Bars> {
    if let Ok(known) = table.cast::<BarTable>() {
        return Ok(known.get().bars.clone());
    }
    let Ok(input) = table.extract::<AnyRecordBatch>() else {
        let got = table.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string());
        return Err(gateway::raise(CoreError::shape("bars", got, "an Arrow table (polars, pyarrow, pandas, DuckDB)")));
    };
    let (batches, schema) = input.into_table()?.into_inner();
    gateway::detached(table.py(), || bars_from_batches(&batches, &schema))
}

/// Bars that were checked and may be run again and again without looking at them once more.
#[pyclass(frozen, module = "mirrorfast._core")]
pub(crate) struct BarTable {
    bars: Bars,
}

#[pymethods]
impl BarTable {
    #[new]
    fn new(table: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { bars: bars_from_python(table)? })
    }

    /// Symbols in table order.
    #[getter]
    fn symbols(&self) -> Vec<String> {
        self.bars.symbols().to_vec()
    }

    /// Bars of each symbol.
    #[getter]
    fn rows(&self) -> Vec<usize> {
        (0..self.bars.symbols().len()).map(|k| self.bars.series(k).len()).collect()
    }

    /// The most frequent time between neighbouring bars, ms; the shortest of several; none without two bars of a symbol.
    #[getter]
    fn step_ms(&self) -> Option<i64> {
        self.bars.step_ms()
    }

    fn __len__(&self) -> usize {
        self.bars.len()
    }
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<BarTable>()
}

fn bars_from_batches(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Bars> {
    let prices = ["open", "high", "low", "close", "volume"].map(|name| floats(batches, schema, name));
    let [open, high, low, close, volume] = prices;
    let ts = timestamps(batches, schema)?;
    let runs = match schema.column_with_name("symbol") {
        Some(_) => symbol_runs(batches, schema)?,
        None if ts.is_empty() => Vec::new(),
        None => vec![(String::new(), ts.len())],
    };
    Bars::try_new(runs, ts, [open?, high?, low?, close?, volume?])
}

fn internal(error: &ArrowError) -> CoreError {
    CoreError::Internal(error.to_string())
}

/// A column as one array of the wanted type.
fn column(batches: &[RecordBatch], schema: &SchemaRef, name: &str, wanted: Option<&DataType>) -> Result<ArrayRef> {
    let Some((at, field)) = schema.column_with_name(name) else {
        let found: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        return Err(CoreError::shape("columns of bars", found.join(", "), format!("a column {name}")));
    };
    let wanted = wanted.unwrap_or_else(|| field.data_type());
    let chunks: Vec<ArrayRef> = batches
        .iter()
        .map(|b| {
            let chunk = b.column(at);
            if chunk.data_type() == wanted { Ok(chunk.clone()) } else { cast(chunk, wanted) }
        })
        .collect::<Result<_, _>>()
        .map_err(|e| internal(&e))?;
    match chunks.as_slice() {
        [] => Ok(arrow_array::new_empty_array(wanted)),
        [one] => Ok(one.clone()),
        many => {
            let many: Vec<&dyn Array> = many.iter().map(AsRef::as_ref).collect();
            arrow_select::concat::concat(&many).map_err(|e| internal(&e))
        }
    }
}

fn data_type<'a>(schema: &'a SchemaRef, name: &str) -> Option<&'a DataType> {
    schema.column_with_name(name).map(|(_, field)| field.data_type())
}

fn wrong_type(name: &str, got: &DataType, expected: &str) -> CoreError {
    CoreError::shape(format!("type of column {name}"), got, expected)
}

fn first_null(array: &dyn Array) -> usize {
    (0..array.len()).find(|&i| array.is_null(i)).unwrap_or(0)
}

fn missing(array: &dyn Array, name: &str, expected: &str) -> CoreError {
    CoreError::Data {
        symbol: None,
        row: first_null(array),
        column: name.to_owned(),
        value: "null".to_owned(),
        expected: expected.to_owned(),
    }
}

fn floats(batches: &[RecordBatch], schema: &SchemaRef, name: &str) -> Result<ScalarBuffer<f64>> {
    if let Some(kind) = data_type(schema, name).filter(|kind| !kind.is_numeric()) {
        return Err(wrong_type(name, kind, "numbers"));
    }
    let array = column(batches, schema, name, Some(&DataType::Float64))?;
    let array = array.as_primitive::<Float64Type>();
    if array.null_count() > 0 {
        return Err(missing(array, name, "a number"));
    }
    Ok(array.values().clone())
}

/// An Arrow time with a zone counts from the epoch in UTC, so that only the unit differs.
fn scaled<T: ArrowTimestampType>(array: &ArrayRef, scale: impl Fn(i64) -> i64) -> ScalarBuffer<i64> {
    array.as_primitive::<T>().values().iter().map(|&t| scale(t)).collect()
}

fn timestamps(batches: &[RecordBatch], schema: &SchemaRef) -> Result<ScalarBuffer<i64>> {
    let wanted = match data_type(schema, "timestamp") {
        Some(DataType::Timestamp(..)) | None => None,
        // Days: a date is its midnight.
        Some(DataType::Date32 | DataType::Date64) => Some(DataType::Timestamp(TimeUnit::Millisecond, None)),
        Some(kind) if kind.is_integer() => Some(DataType::Int64),
        Some(kind) => return Err(wrong_type("timestamp", kind, "times, or milliseconds since 1970 as whole numbers")),
    };
    let array = column(batches, schema, "timestamp", wanted.as_ref())?;
    if array.null_count() > 0 {
        return Err(missing(&array, "timestamp", "a time"));
    }
    Ok(match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => scaled::<TimestampSecondType>(&array, |t| t.saturating_mul(1_000)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            scaled::<TimestampMicrosecondType>(&array, |t| t.div_euclid(1_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            scaled::<TimestampNanosecondType>(&array, |t| t.div_euclid(1_000_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().values().clone()
        }
        _ => array.as_primitive::<arrow_array::types::Int64Type>().values().clone(),
    })
}

/// Runs of equal symbols, in table order.
fn symbol_runs(batches: &[RecordBatch], schema: &SchemaRef) -> Result<Vec<(String, usize)>> {
    let kind = data_type(schema, "symbol").unwrap_or(&DataType::Null);
    let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let readable = match kind {
        DataType::Dictionary(_, values) => text(values),
        kind => text(kind),
    };
    if !readable {
        return Err(wrong_type("symbol", kind, "text"));
    }
    let array = column(batches, schema, "symbol", Some(&DataType::Utf8View))?;
    if array.null_count() > 0 {
        return Err(missing(&array, "symbol", "a name"));
    }
    let names: &StringViewArray = array.as_string_view();
    let mut runs: Vec<(String, usize)> = Vec::new();
    let views = names.views();
    let mut start = 0;
    while start < views.len() {
        let name = names.value(start);
        // Equal views are equal names, and most rows are told apart by that alone.
        let same = |k: usize| views[k] == views[start] || names.value(k) == name;
        let end = (start + 1..views.len()).find(|&k| !same(k)).unwrap_or(views.len());
        runs.push((name.to_owned(), end - start));
        start = end;
    }
    Ok(runs)
}
