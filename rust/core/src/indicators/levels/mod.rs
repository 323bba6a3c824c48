//! The levels family: prices at which others are expected to act.

use crate::indicators::registry::Row;

pub mod fibonacci;
pub mod fractal;
pub mod pivots;
mod pivots_session;
mod swings;
pub mod zones;

pub use fibonacci::{Fibonacci, FibonacciLevels};
pub use fractal::{Extremes, Fractal};
pub use pivots::Pivots;
pub use pivots_session::PivotsSession;
pub use swings::Swings;
pub use zones::{Zone, Zones};

/// Rows of this family.
pub const ROWS: &[&Row] =
    &[&fibonacci::ROW, &pivots::ROW, &pivots_session::ROW, &fractal::ROW, &swings::ROW, &zones::ROW];
