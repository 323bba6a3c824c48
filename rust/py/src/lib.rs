//! Python bindings of mirrorfast-core: thin, one file a subject; `mirrorfast` wraps them.

use pyo3::prelude::*;

mod arrow;
mod bars;
mod gateway;
mod indicators;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    indicators::register(m)?;
    Ok(())
}
