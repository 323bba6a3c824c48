//! The statistic family: what a window of values looks like. Standard deviation and variance are among the volatilities.

use crate::indicators::registry::Row;

mod autocorrelation;
mod beta;
mod correlation;
mod hurst;
mod kurtosis;
mod percent_rank;
mod percentile;
mod rolling_max;
mod rolling_mean;
mod rolling_min;
mod skew;
pub mod support;
mod zscore;

pub use autocorrelation::Autocorrelation;
pub use beta::Beta;
pub use correlation::Correlation;
pub use hurst::Hurst;
pub use kurtosis::Kurtosis;
pub use percent_rank::PercentRank;
pub use percentile::Percentile;
pub use rolling_max::RollingMaximum;
pub use rolling_min::RollingMinimum;
pub use skew::Skew;
pub use support::{CompensatedSum, RollingPowers, RollingProducts, SortedWindow, Tail};
pub use zscore::Zscore;

/// Rows of this family.
pub const ROWS: &[&Row] = &[
    &rolling_mean::ROW,
    &rolling_min::ROW,
    &rolling_max::ROW,
    &zscore::ROW,
    &skew::ROW,
    &kurtosis::ROW,
    &percent_rank::ROW,
    &percentile::ROW,
    &correlation::ROW,
    &beta::ROW,
    &autocorrelation::ROW,
    &hurst::ROW,
];
