//! The momentum family: how fast and how one-sidedly prices move.

use crate::indicators::registry::Row;

mod ao;
mod bop;
mod cci;
mod cmo;
mod coppock;
mod mom;
mod place;
mod roc;
mod rsi;
mod rsi_divergence;
mod stoch;
mod stochf;
mod stochrsi;
mod tsi;
mod ultosc;
mod willr;

pub use ao::Ao;
pub use bop::Bop;
pub use cci::Cci;
pub use cmo::Cmo;
pub use coppock::Coppock;
pub use mom::Mom;
pub use roc::Roc;
pub use rsi::Rsi;
pub use rsi_divergence::RsiDivergence;
pub use stoch::Stoch;
pub use stochf::StochF;
pub use stochrsi::StochRsi;
pub use tsi::Tsi;
pub use ultosc::UltOsc;
pub use willr::WillR;

/// Rows of this family.
pub const ROWS: &[&Row] = &[
    &rsi::ROW,
    &stoch::ROW,
    &stochf::ROW,
    &stochrsi::ROW,
    &willr::ROW,
    &roc::ROW,
    &mom::ROW,
    &cci::ROW,
    &cmo::ROW,
    &ultosc::ROW,
    &tsi::ROW,
    &ao::ROW,
    &rsi_divergence::ROW,
    &coppock::ROW,
    &bop::ROW,
];
