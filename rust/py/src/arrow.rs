//! Series across the border: Arrow or a buffer in, Arrow out, null on one side and NaN on the other.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, Float64Array};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, TimeUnit};
use mirrorfast_core::CoreError;
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3_arrow::PyArray;
use pyo3_arrow::buffer::AnyBufferProtocol;
use pyo3_arrow::input::AnyArray;

use crate::gateway;

/// A column as `f64`, null as NaN: the caller's own memory where that is one run of 64-bit floats without nulls, else a copy.
///
/// `instant` allows timestamps, which become milliseconds since the epoch.
pub(crate) fn column(name: &str, object: &Bound<'_, PyAny>, instant: bool) -> PyResult<ScalarBuffer<f64>> {
    if let Ok(buffer) = object.extract::<PyBuffer<f64>>() {
        let array = AnyBufferProtocol::Float64(buffer).into_arrow_array()?;
        return values(name, &array, instant).map_err(gateway::raise);
    }
    let Ok(any) = object.extract::<AnyArray>() else {
        let kind = object.get_type().name()?.to_string();
        return Err(gateway::raise(CoreError::shape(
            format!("type of {name}"),
            kind,
            "an Arrow array, a NumPy array, a Series or a list of numbers",
        )));
    };
    let unreadable =
        |e: &dyn std::fmt::Display| gateway::raise(CoreError::shape(format!("type of {name}"), e, "a numeric column"));
    let (chunks, _) = any.into_chunked_array().map_err(|e| unreadable(&PyErr::from(e)))?.into_inner();
    if let [only] = chunks.as_slice() {
        return values(name, only, instant).map_err(gateway::raise);
    }
    let mut all = Vec::with_capacity(chunks.iter().map(Array::len).sum());
    for chunk in &chunks {
        all.extend_from_slice(&values(name, chunk, instant).map_err(gateway::raise)?);
    }
    Ok(all.into())
}

/// An Arrow array of any numeric type as `f64`.
fn values(name: &str, array: &ArrayRef, instant: bool) -> Result<ScalarBuffer<f64>, CoreError> {
    let scale = |unit: &TimeUnit| match unit {
        TimeUnit::Second => 1e3,
        TimeUnit::Millisecond => 1.0,
        TimeUnit::Microsecond => 1e-3,
        TimeUnit::Nanosecond => 1e-6,
    };
    Ok(match array.data_type() {
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            if array.null_count() == 0 {
                return Ok(array.values().clone());
            }
            convert::<Float64Type>(array, 1.0)
        }
        DataType::Float32 => convert::<Float32Type>(array, 1.0),
        DataType::Int8 => convert::<Int8Type>(array, 1.0),
        DataType::Int16 => convert::<Int16Type>(array, 1.0),
        DataType::Int32 => convert::<Int32Type>(array, 1.0),
        DataType::Int64 => convert::<Int64Type>(array, 1.0),
        DataType::UInt8 => convert::<UInt8Type>(array, 1.0),
        DataType::UInt16 => convert::<UInt16Type>(array, 1.0),
        DataType::UInt32 => convert::<UInt32Type>(array, 1.0),
        DataType::UInt64 => convert::<UInt64Type>(array, 1.0),
        DataType::Null => vec![f64::NAN; array.len()].into(),
        DataType::Timestamp(unit, _) if instant => {
            let cast = arrow_array::make_array(
                array
                    .to_data()
                    .into_builder()
                    .data_type(DataType::Int64)
                    .build()
                    .map_err(|e| CoreError::Internal(format!("{name}: {e}")))?,
            );
            convert::<Int64Type>(&cast, scale(unit))
        }
        other => {
            return Err(CoreError::shape(
                format!("type of {name}"),
                other,
                if instant { "timestamps, or milliseconds as numbers" } else { "a numeric column" },
            ));
        }
    })
}

fn convert<T: ArrowPrimitiveType>(array: &dyn Array, scale: f64) -> ScalarBuffer<f64>
where
    T::Native: AsFloat,
{
    let array = array.as_primitive::<T>();
    match array.nulls() {
        Some(nulls) => {
            let cell = |(valid, v): (bool, &T::Native)| if valid { v.as_float() * scale } else { f64::NAN };
            nulls.iter().zip(array.values()).map(cell).collect()
        }
        None => array.values().iter().map(|v| v.as_float() * scale).collect(),
    }
}

/// Numbers that a column may hold.
trait AsFloat: Copy {
    fn as_float(self) -> f64;
}

macro_rules! as_float {
    ($($t:ty),+) => {$(
        impl AsFloat for $t {
            #[allow(clippy::cast_lossless)]
            fn as_float(self) -> f64 {
                self as f64
            }
        }
    )+};
}

as_float!(f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);

/// A result column for Python: NaN becomes null.
pub(crate) fn result(values: Vec<f64>) -> PyArray {
    let valid = BooleanBuffer::collect_bool(values.len(), |i| !values[i].is_nan());
    let nulls = NullBuffer::new(valid);
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    let array: ArrayRef = Arc::new(Float64Array::new(values.into(), nulls));
    PyArray::from_array_ref(array)
}
