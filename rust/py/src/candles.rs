//! Candles of many answers in one call, without the interpreter's lock.

use mirrorfast_core::candle_text::{CandleLayout, read_candles as read};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3_arrow::PyRecordBatch;

use crate::columns::Columns;
use crate::gateway;

/// Bytes, path, columns, unit of time, step and now of one answer.
type Answer = (PyBackedBytes, Vec<String>, [usize; 6], i64, i64, i64);
/// Bars, rows (none: no candles), refused, unfinished and repeated rows of one answer.
type Counts = (usize, Option<u64>, u64, u64, u64);

/// Reads answers: one table with the bars of all, and for each answer what it held.
#[pyfunction]
fn read_candles(py: Python<'_>, answers: Vec<Answer>) -> PyResult<(PyRecordBatch, Vec<Counts>)> {
    let found = gateway::detached(py, || {
        answers
            .into_iter()
            .map(|(body, path, columns, time_unit, step, now)| {
                let layout = CandleLayout { path, columns, time_unit }.checked()?;
                Ok(read(&body, &layout, step.max(1), now))
            })
            .collect::<Result<Vec<_>, _>>()
    })?;
    let counts = found.iter().map(|c| (c.ts.len(), c.rows, c.refused, c.unfinished, c.duplicates)).collect();
    let mut table = Columns::default().time_column("timestamp", found.iter().flat_map(|c| &c.ts).copied().collect());
    for (k, name) in ["open", "high", "low", "close", "volume"].into_iter().enumerate() {
        table = table.f64_column(name, found.iter().flat_map(|c| &c.values[k]).copied().collect());
    }
    Ok((table.build()?, counts))
}

pub(crate) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(read_candles, m)?)
}
