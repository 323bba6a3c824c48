//! The levels family: prices at which others are expected to act.

use crate::indicators::registry::Row;

pub mod fibonacci;

pub use fibonacci::{Fibonacci, FibonacciLevels};

/// Rows of this family.
pub const ROWS: &[&Row] = &[&fibonacci::ROW];
