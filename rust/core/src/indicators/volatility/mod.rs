//! The volatility family: how far prices move.

use crate::indicators::registry::Row;

mod atr;
mod true_range;

pub use atr::Atr;
pub use true_range::TrueRange;

/// Rows of this family.
pub const ROWS: &[&Row] = &[&true_range::ROW, &atr::ROW];
