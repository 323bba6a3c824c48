//! The momentum family.

use crate::indicators::registry::Row;

/// Rows of this family.
pub const ROWS: &[&Row] = &[];
