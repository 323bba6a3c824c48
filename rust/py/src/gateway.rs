//! The one place where a core error becomes a Python exception, and where the GIL is let go.

use mirrorfast_core::CoreError;
use pyo3::prelude::*;

mod exceptions {
    pyo3::import_exception!(mirrorfast.errors, ConfigurationError);
    pyo3::import_exception!(mirrorfast.errors, DataError);
    pyo3::import_exception!(mirrorfast.errors, InternalError);
    pyo3::import_exception!(mirrorfast.errors, LedgerError);
    pyo3::import_exception!(mirrorfast.errors, ModelError);
    pyo3::import_exception!(mirrorfast.errors, ParameterError);
    pyo3::import_exception!(mirrorfast.errors, ShapeError);
}

/// A core error as the Python exception that names what the caller must do.
pub(crate) fn raise(error: CoreError) -> PyErr {
    let text = error.to_string();
    match error {
        CoreError::Parameter { .. } => exceptions::ParameterError::new_err(text),
        CoreError::Data { .. } => exceptions::DataError::new_err(text),
        CoreError::Shape { .. } => exceptions::ShapeError::new_err(text),
        CoreError::Model(_) => exceptions::ModelError::new_err(text),
        CoreError::Snapshot(_) => exceptions::LedgerError::new_err(text),
        _ => exceptions::InternalError::new_err(text),
    }
}

/// A configuration that is not the JSON that the core reads.
pub(crate) fn bad_config(error: &serde_json::Error) -> PyErr {
    exceptions::ConfigurationError::new_err(format!("engine configuration: {error}"))
}

/// A panic in the core as `InternalError`: it must not slip past `except Exception`.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, CoreError>) -> PyResult<T> {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(raise),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                .unwrap_or_else(|| "panic".to_owned());
            Err(exceptions::InternalError::new_err(format!("a bug in mirrorfast: {text}")))
        }
    }
}

/// [`guarded`] with the GIL released: for whole arrays, never for scalars (it costs ~60 ns).
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, CoreError> + Send) -> PyResult<T> {
    py.detach(|| guarded(work))
}
