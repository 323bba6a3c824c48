//! Garman–Klass volatility.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `√(mean(½ ln(high / low)² − (2 ln 2 − 1) ln(close / open)²) · periods_per_year)`.
///
/// Garman and Klass, *On the Estimation of Security Price Volatilities from Historical Data* (1980). The mean cannot be negative
/// where high and low hold open and close; other input gives 0. A bar with a price ≤ 0 gives NaN for its row and leaves the state
/// untouched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GarmanKlass {
    sum: RollingSum,
    scale: f64,
}

const CLOSE_WEIGHT: f64 = 2.0 * std::f64::consts::LN_2 - 1.0;

impl GarmanKlass {
    /// A window of `period ≥ 1` bars.
    pub fn new(period: usize, periods_per_year: f64) -> Self {
        Self { sum: RollingSum::new(period), scale: periods_per_year / period as f64 }
    }
}

impl Indicator<4, 1> for GarmanKlass {
    #[inline(always)]
    fn update(&mut self, [open, high, low, close]: [f64; 4]) -> [f64; 1] {
        if open <= 0.0 || high <= 0.0 || low <= 0.0 || close <= 0.0 {
            return [f64::NAN];
        }
        let (range, body) = ((high / low).ln(), (close / open).ln());
        let variance = self.sum.push(0.5 * range * range - CLOSE_WEIGHT * body * body) * self.scale;
        [if variance < 0.0 { 0.0 } else { variance.sqrt() }]
    }
    fn reset(&mut self) {
        self.sum.reset();
    }
    fn warm_up(&self) -> usize {
        self.sum.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "garman_klass",
    family: Family::Volatility,
    inputs: &[Input::Open, Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 20, 1, MAX_PERIOD), Param::float("periods_per_year", 1.0, 1e-6, 1e9)],
    outputs: &["garman_klass"],
    summary: "Garman–Klass volatility: from the ranges and bodies of the last `period` bars.",
    rule: None,
    build: |p| erase(GarmanKlass::new(p[0] as usize, p[1])),
};
