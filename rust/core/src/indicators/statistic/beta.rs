//! Beta.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::statistic::support::RollingProducts;
use crate::indicators::{Indicator, erase};

/// Slope of the regression of the second series' returns on the first's over `period` returns, as TA-Lib's `BETA` (there too the
/// market comes first, then the asset); 0 where the first does not move.
///
/// A return from a price of 0 counts as 0.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Beta {
    previous: Option<(f64, f64)>,
    products: RollingProducts,
}

impl Beta {
    /// A window of `period ≥ 1` returns.
    pub fn new(period: usize) -> Self {
        Self { previous: None, products: RollingProducts::new(period) }
    }
}

#[inline(always)]
fn simple_return(x: f64, previous: f64) -> f64 {
    if previous == 0.0 { 0.0 } else { (x - previous) / previous }
}

impl Indicator<2, 1> for Beta {
    #[inline(always)]
    fn update(&mut self, [x, y]: [f64; 2]) -> [f64; 1] {
        let Some(previous) = self.previous.replace((x, y)) else { return [f64::NAN] };
        let p = self.products.push(simple_return(x, previous.0), simple_return(y, previous.1));
        [if p.xx == 0.0 { 0.0 } else { p.xy / p.xx }]
    }
    fn reset(&mut self) {
        self.previous = None;
        self.products.reset();
    }
    fn warm_up(&self) -> usize {
        self.products.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "beta",
    family: Family::Statistic,
    inputs: &[Input::Real, Input::Real2],
    params: &[Param::int("period", 5, 1, MAX_PERIOD)],
    outputs: &["beta"],
    summary: "Slope of the second series' returns on the first's (TA-Lib's order: market, asset).",
    rule: None,
    build: |p| erase(Beta::new(p[0] as usize)),
};
