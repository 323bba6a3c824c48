//! mirrorfast-core: indicators, signals, ensemble, risk and backtest engine.
//!
//! No Python and no I/O. Kernels are single-threaded state machines; `panel` alone spreads symbols over threads.
#![forbid(unsafe_code)]

pub mod backtest;
pub mod bars;
pub mod candle_text;
pub mod encoder;
pub mod engine;
pub mod ensemble;
pub mod env;
pub mod error;
pub mod exchange;
pub mod features;
pub mod fill;
pub mod indicators;
pub mod instrument;
pub mod meta;
pub mod onnx;
pub mod order;
pub mod panel;
pub mod performance;
pub mod portfolio;
mod random;
pub mod risk;
pub mod signals;
pub mod snapshot;
pub mod strategies;
pub mod sweep;
pub mod types;
mod wide;
pub mod window;

pub use error::{CoreError, Result};
