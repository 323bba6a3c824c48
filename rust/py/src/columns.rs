//! Record batches built column by column.

use std::sync::Arc;

use arrow_array::builder::{Float64Builder, ListBuilder};
use arrow_array::types::Float64Type;
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, PrimitiveArray, RecordBatch, StringViewArray, TimestampMillisecondArray,
    UInt32Array, UInt64Array,
};
use arrow_schema::{Field, Schema};
use pyo3::prelude::*;
use pyo3_arrow::PyRecordBatch;

use crate::gateway;

/// Columns of one table, in order.
#[derive(Default)]
pub(crate) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    pub(crate) fn array(mut self, name: &str, array: ArrayRef) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), true));
        self.arrays.push(array);
        self
    }

    pub(crate) fn time(self, name: &str, values: impl Iterator<Item = i64>) -> Self {
        self.array(name, Arc::new(TimestampMillisecondArray::from_iter_values(values).with_timezone("UTC")))
    }

    pub(crate) fn u64(self, name: &str, values: impl Iterator<Item = u64>) -> Self {
        self.array(name, Arc::new(UInt64Array::from_iter_values(values)))
    }

    pub(crate) fn u32(self, name: &str, values: impl Iterator<Item = u32>) -> Self {
        self.array(name, Arc::new(UInt32Array::from_iter_values(values)))
    }

    /// NaN becomes null.
    pub(crate) fn f64(self, name: &str, values: impl Iterator<Item = f64>) -> Self {
        let array: PrimitiveArray<Float64Type> = values.map(|v| (!v.is_nan()).then_some(v)).collect::<Float64Array>();
        self.array(name, Arc::new(array))
    }

    /// Whole columns, taken over as they are; NaN becomes null.
    pub(crate) fn f64_column(self, name: &str, values: Vec<f64>) -> Self {
        if values.iter().any(|v| v.is_nan()) {
            return self.f64(name, values.into_iter());
        }
        self.array(name, Arc::new(Float64Array::from(values)))
    }

    /// As [`Columns::time`] for a whole column.
    pub(crate) fn time_column(self, name: &str, values: Vec<i64>) -> Self {
        self.array(name, Arc::new(TimestampMillisecondArray::from(values).with_timezone("UTC")))
    }

    pub(crate) fn bool(self, name: &str, values: impl Iterator<Item = bool>) -> Self {
        self.array(name, Arc::new(values.map(Some).collect::<BooleanArray>()))
    }

    pub(crate) fn text<S: AsRef<str>>(self, name: &str, values: impl Iterator<Item = Option<S>>) -> Self {
        self.array(name, Arc::new(values.collect::<StringViewArray>()))
    }

    /// A list of numbers a row.
    pub(crate) fn lists<'a>(self, name: &str, rows: impl Iterator<Item = &'a [f64]>) -> Self {
        let mut builder = ListBuilder::new(Float64Builder::new());
        for row in rows {
            builder.values().append_slice(row);
            builder.append(true);
        }
        self.array(name, Arc::new(builder.finish()))
    }

    pub(crate) fn build(self) -> PyResult<PyRecordBatch> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
            .map(PyRecordBatch::new)
            .map_err(|e| gateway::raise(mirrorfast_core::CoreError::Internal(e.to_string())))
    }
}
