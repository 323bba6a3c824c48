//! Python bindings of mirrorfast-core: thin, one file a subject; `mirrorfast` wraps them.

use pyo3::prelude::*;

mod arrow;
mod backtest;
mod bars;
mod columns;
mod convert;
mod engine;
mod ensemble;
mod gateway;
mod indicators;
mod performance;
mod strategies;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    engine::register(m)?;
    backtest::register(m)?;
    indicators::register(m)?;
    performance::register(m)?;
    strategies::register(m)?;
    ensemble::register(m)?;
    Ok(())
}
