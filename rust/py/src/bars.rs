//! A table of bars from Python: any Arrow producer, in one or many chunks.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, TimestampMillisecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, Schema, TimeUnit};
use arrow_select::concat::concat;
use mirrorfast_core::CoreError;
use mirrorfast_core::bars::Bars;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use crate::gateway;

const COLUMNS: [&str; 5] = ["open", "high", "low", "close", "volume"];

/// One column as a single array of `wanted`, cast where that loses nothing that bars can hold.
fn column(batches: &[RecordBatch], schema: &Schema, name: &str, wanted: &DataType) -> PyResult<ArrayRef> {
    let Ok(at) = schema.index_of(name) else {
        let got: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
        let expected = format!("symbol, timestamp, {}", COLUMNS.join(", "));
        return Err(gateway::raise(CoreError::shape(format!("column {name:?} of the bars"), got.join(", "), expected)));
    };
    let kind = schema.field(at).data_type().clone();
    let number = kind.is_numeric() && !matches!(kind, DataType::Decimal128(..) | DataType::Decimal256(..));
    let fits = match wanted {
        DataType::Float64 => number,
        DataType::Timestamp(..) => matches!(kind, DataType::Timestamp(_, Some(_))),
        _ => matches!(
            kind,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..)
        ),
    };
    if !fits {
        let expected = match wanted {
            DataType::Float64 => "numbers",
            DataType::Timestamp(..) => "timestamps with a time zone",
            _ => "text",
        };
        return Err(gateway::raise(CoreError::shape(format!("type of column {name:?}"), kind, expected)));
    }
    let failed = |e: arrow_schema::ArrowError| gateway::raise(CoreError::shape(format!("column {name:?}"), e, wanted));
    let chunks: Vec<ArrayRef> = batches
        .iter()
        .map(|b| if b.column(at).data_type() == wanted { Ok(b.column(at).clone()) } else { cast(b.column(at), wanted) })
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let parts: Vec<&dyn Array> = chunks.iter().map(AsRef::as_ref).collect();
    let whole = match parts.as_slice() {
        [] => arrow_array::new_empty_array(wanted),
        [_] => chunks[0].clone(),
        _ => concat(&parts).map_err(failed)?,
    };
    if let Some(row) = whole.logical_nulls().and_then(|n| (0..n.len()).find(|&i| n.is_null(i))) {
        return Err(gateway::raise(CoreError::Data {
            symbol: None,
            row,
            column: name.to_owned(),
            value: "null".to_owned(),
            expected: "a value".to_owned(),
        }));
    }
    Ok(whole)
}

/// Checked bars from any table that speaks Arrow; `f64` columns in one chunk are shared, not copied.
pub(crate) fn bars_from_python(table: &Bound<'_, PyAny>) -> PyResult<Bars> {
    let table: PyTable = table.extract().map_err(|_| {
        let got = table.get_type().name().map_or_else(|_| "?".to_owned(), |n| n.to_string());
        gateway::raise(CoreError::shape("bars", got, "a polars, pyarrow or pandas table, or another that speaks Arrow"))
    })?;
    let (batches, schema) = table.into_inner();
    let symbols = column(&batches, &schema, "symbol", &DataType::LargeUtf8)?;
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let ts = column(&batches, &schema, "timestamp", &time)?;
    let mut values = Vec::with_capacity(COLUMNS.len());
    for name in COLUMNS {
        values.push(column(&batches, &schema, name, &DataType::Float64)?.as_primitive::<Float64Type>().values().clone());
    }
    let names = symbols.as_string::<i64>();
    let mut runs: Vec<(String, usize)> = Vec::new();
    for name in names.iter().flatten() {
        match runs.last_mut() {
            Some((last, n)) if last == name => *n += 1,
            _ => runs.push((name.to_owned(), 1)),
        }
    }
    let ts = ts.as_primitive::<TimestampMillisecondType>().values().clone();
    let Ok(values) = <[_; 5]>::try_from(values) else {
        return Err(gateway::raise(CoreError::Internal("five columns".to_owned())));
    };
    gateway::guarded(|| Bars::try_new(runs, ts, values))
}
