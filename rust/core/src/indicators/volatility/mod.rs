//! The volatility family: how far prices move.

use crate::indicators::registry::Row;

mod atr;
mod bbands;
mod choppiness;
mod donchian;
mod garman_klass;
mod keltner;
mod natr;
mod parkinson;
mod realised_volatility;
mod stddev;
mod true_range;
mod ulcer_index;
mod variance;

pub use atr::Atr;
pub use bbands::Bbands;
pub use choppiness::Choppiness;
pub use donchian::Donchian;
pub use garman_klass::GarmanKlass;
pub use keltner::Keltner;
pub use natr::Natr;
pub use parkinson::Parkinson;
pub use realised_volatility::RealisedVolatility;
pub use stddev::Stddev;
pub use true_range::TrueRange;
pub use ulcer_index::UlcerIndex;
pub use variance::Variance;

/// Rows of this family.
pub const ROWS: &[&Row] = &[
    &true_range::ROW,
    &atr::ROW,
    &natr::ROW,
    &bbands::ROW,
    &keltner::ROW,
    &donchian::ROW,
    &stddev::ROW,
    &variance::ROW,
    &realised_volatility::ROW,
    &parkinson::ROW,
    &garman_klass::ROW,
    &choppiness::ROW,
    &ulcer_index::ROW,
];
