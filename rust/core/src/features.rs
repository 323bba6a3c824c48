//! Feature columns of SPEC §3: one row a bar.

mod columns;
mod config;

pub use columns::{Col, FeatureRow, Kind, N};
pub use config::FeatureConfig;
