//! Hurst exponent.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{Ring, RollingSum};

/// Generalised Hurst exponent of order 2: half the slope of `ln mean((ln xₜ − ln xₜ₋ₗ)²)` on `ln l` over the lags 1, 2, 4 … up to
/// `max_lag`, each mean taken over the pairs within the last `period` values.
///
/// 0.5 for a random walk, more for a trend, less for a series that returns to its mean; NaN where it did not move at all. A value
/// ≤ 0 gives NaN for its row and leaves the state untouched. Di Matteo, Aste and Dacorogna, *Scaling Behaviors in Differently
/// Developed Markets* (2003).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hurst {
    period: usize,
    logs: Ring,
    scales: Vec<Scale>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Scale {
    lag: usize,
    squares: RollingSum,
    /// Weight of `ln Σ` in the slope.
    weight: f64,
    /// What turns the sum into a mean, taken to the logarithm.
    log_count: f64,
}

impl Hurst {
    /// A window of `period` values and lags up to `2 ≤ max_lag ≤ period / 2`.
    pub fn new(period: usize, max_lag: usize) -> Self {
        let lags: Vec<usize> = (0..usize::BITS).map(|k| 1 << k).take_while(|&lag| lag <= max_lag).collect();
        // Lags that double lie evenly on the logarithmic axis.
        let centre = (lags.len() as f64 - 1.0) / 2.0;
        let spread: f64 = (0..lags.len()).map(|k| (k as f64 - centre).powi(2)).sum();
        let scales = lags.iter().enumerate().map(|(k, &lag)| {
            let count = period.saturating_sub(lag).max(1);
            Scale {
                lag,
                squares: RollingSum::new(count),
                weight: (k as f64 - centre) / (2.0 * spread * std::f64::consts::LN_2),
                log_count: (count as f64).ln(),
            }
        });
        Self { period, logs: Ring::new(lags.last().map_or(1, |lag| lag + 1)), scales: scales.collect() }
    }
}

impl Indicator<1, 1> for Hurst {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        if x <= 0.0 {
            return [f64::NAN];
        }
        let log = x.ln();
        self.logs.push(log);
        let mut slope = 0.0;
        for scale in &mut self.scales {
            if scale.lag >= self.logs.len() {
                return [f64::NAN];
            }
            let change = log - self.logs.back(scale.lag);
            let sum = scale.squares.push(change * change);
            slope += scale.weight * (sum.ln() - scale.log_count);
        }
        [if slope.is_finite() { slope } else { f64::NAN }]
    }
    fn reset(&mut self) {
        self.logs.reset();
        for scale in &mut self.scales {
            scale.squares.reset();
        }
    }
    fn warm_up(&self) -> usize {
        self.period - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "hurst",
    family: Family::Statistic,
    inputs: &[Input::Real],
    params: &[Param::int("period", 100, 8, MAX_PERIOD), Param::int("max_lag", 16, 2, MAX_PERIOD)],
    outputs: &["hurst"],
    summary: "Generalised Hurst exponent of the last `period` prices from lags 1, 2, 4 … `max_lag`.",
    rule: Some(|p| (2.0 * p[1] > p[0]).then_some(("max_lag", "at most half of period"))),
    build: |p| erase(Hurst::new(p[0] as usize, p[1] as usize)),
};
