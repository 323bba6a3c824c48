//! The trend family: direction and strength of a move.

use crate::indicators::registry::Row;

mod adx;
mod adxr;
mod apo;
mod aroon;
mod directional;
mod dx;
mod fit;
mod gradient_trend;
mod ichimoku;
mod linreg;
mod linreg_intercept;
mod linreg_r2;
mod linreg_slope;
mod macd;
mod minus_di;
mod plus_di;
mod ppo;
mod sar;
mod supertrend;
mod trix;
mod ut_bot;
mod vortex;

pub use adx::{Adx, DirectionalIndex};
pub use adxr::Adxr;
pub use apo::Apo;
pub use aroon::Aroon;
pub use dx::Dx;
pub use gradient_trend::GradientTrend;
pub use ichimoku::Ichimoku;
pub use linreg::LinReg;
pub use linreg_intercept::LinRegIntercept;
pub use linreg_r2::LinRegR2;
pub use linreg_slope::LinRegSlope;
pub use macd::Macd;
pub use minus_di::MinusDi;
pub use plus_di::PlusDi;
pub use ppo::Ppo;
pub use sar::Sar;
pub use supertrend::Supertrend;
pub use trix::Trix;
pub use ut_bot::UtBot;
pub use vortex::Vortex;

/// Rows of this family.
pub const ROWS: &[&Row] = &[
    &macd::ROW,
    &ppo::ROW,
    &apo::ROW,
    &adx::ROW,
    &plus_di::ROW,
    &minus_di::ROW,
    &dx::ROW,
    &adxr::ROW,
    &aroon::ROW,
    &ichimoku::ROW,
    &supertrend::ROW,
    &sar::ROW,
    &trix::ROW,
    &vortex::ROW,
    &linreg::ROW,
    &linreg_slope::ROW,
    &linreg_intercept::ROW,
    &linreg_r2::ROW,
    &ut_bot::ROW,
    &gradient_trend::ROW,
];
