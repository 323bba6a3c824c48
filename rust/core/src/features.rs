//! Feature columns of SPEC §3: one row a bar.

/// Number of numeric feature columns.
pub const N: usize = 1;

/// One row of features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureRow(pub [f64; N]);
