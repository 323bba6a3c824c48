//! Python bindings of mirrorfast-core: thin, one file a subject; `mirrorfast` wraps them.

#![allow(clippy::needless_pass_by_value)] // pyo3 hands over values that it owns

use pyo3::prelude::*;

mod arrow;
mod backtest;
mod bars;
mod candles;
mod columns;
mod convert;
mod encoder;
mod engine;
mod ensemble;
mod env;
mod features;
mod gateway;
mod indicators;
mod indicators_into;
mod labels;
mod outputs;
mod performance;
mod risk;
mod signals;
mod strategies;
mod variant;

#[pymodule]
fn _core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", env!("CARGO_PKG_VERSION"))?;
    bars::register(m)?;
    candles::register(m)?;
    engine::register(m)?;
    backtest::register(m)?;
    indicators::register(m)?;
    indicators_into::register(m)?;
    features::register(m)?;
    signals::register(m)?;
    performance::register(m)?;
    risk::register(m)?;
    strategies::register(m)?;
    ensemble::register(m)?;
    encoder::register(m)?;
    env::register(m)?;
    Ok(())
}
