//! Feature columns of SPEC §3: one row a bar, from one state a symbol.
//!
//! Choices where SPEC leaves one:
//!
//! * `obv_slope` is the change of OBV over 20 bars divided by the volume traded in them: a share in [−1, 1], free of units.
//! * `return_1` is the simple return, the same number as `momentum_1`.
//! * `roc` looks 10 bars back and is in percent, as TA-Lib's default; `linreg_slope` runs over 14 bars.
//! * `volatility` is a sample deviation per bar, not annualised; `volatility_ratio` is 1 while nothing ever moved.
//! * `vwap` is cumulative from the first bar given, as TA-Lib's.
//! * `poc_distance` is `price / poc − 1`; `anchored_poc` starts at the earliest of equal highs.
//! * `cluster_detected`, `cluster_strength`, `directional_cluster`: see [`crate::signals::CandleClusters`];
//!   `trend_formation_signal` is a cluster in the direction of the short momentum.
//! * `market_regime`: see [`crate::signals::market_regime`].
//! * `adx`, `plus_di` and `minus_di` count two moves of equal ticks as equal (see [`crate::indicators::trend::DirectionalIndex`]): on the
//!   few bars where TA-Lib decides such a tie by rounding they differ from it.
//! * The averages' crossovers, the cloud and the VWAP compare prices with a tolerance of 1e-12, so that equal averages of a flat
//!   market are equal in every price unit.

mod columns;
mod config;
mod kernels;
mod levels;
mod state;

pub use columns::{Col, FeatureRow, Kind, N};
pub use config::FeatureConfig;
pub use state::FeatureState;
