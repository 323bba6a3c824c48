//! The statistic family.

use crate::indicators::registry::Row;

pub mod support;

pub use support::{CompensatedSum, Tail};

/// Rows of this family.
pub const ROWS: &[&Row] = &[];
