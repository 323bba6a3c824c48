//! The overlap family: averages drawn over the price.

use crate::indicators::registry::Row;

mod dema;
mod ema;
mod hma;
mod kama;
mod midpoint;
mod midprice;
mod rma;
mod sma;
mod t3;
mod tema;
mod trima;
mod vwma;
mod wma;

pub use dema::Dema;
pub use ema::Ema;
pub use hma::Hma;
pub use kama::Kama;
pub use midpoint::Midpoint;
pub use midprice::Midprice;
pub use rma::Rma;
pub use sma::Sma;
pub use t3::T3;
pub use tema::Tema;
pub use trima::Trima;
pub use vwma::Vwma;
pub use wma::Wma;

/// Rows of this family.
pub const ROWS: &[&Row] = &[
    &sma::ROW,
    &ema::ROW,
    &wma::ROW,
    &dema::ROW,
    &tema::ROW,
    &hma::ROW,
    &kama::ROW,
    &vwma::ROW,
    &rma::ROW,
    &trima::ROW,
    &t3::ROW,
    &midpoint::ROW,
    &midprice::ROW,
];
