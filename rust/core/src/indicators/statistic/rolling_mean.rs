//! Rolling mean.

use crate::indicators::erase;
use crate::indicators::overlap::Sma;
use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};

// The simple moving average under the name by which statistics know it.
pub(super) const ROW: Row = Row {
    name: "rolling_mean",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["rolling_mean"],
    summary: "Mean of the last `period` values (the simple moving average).",
    rule: None,
    build: |p| erase(Sma::new(p[0] as usize)),
};
