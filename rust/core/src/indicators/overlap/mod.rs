//! The overlap family: averages drawn over the price.

use crate::indicators::registry::Row;

mod ema;
mod sma;

pub use ema::Ema;
pub use sma::Sma;

/// Rows of this family.
pub const ROWS: &[&Row] = &[&sma::ROW, &ema::ROW];
