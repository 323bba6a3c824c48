//! Gradient trend filter.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};
use crate::window::Ring;

/// A triple EMA of the close (`α = 2 / (period + 1)`), the same filter of the bar's range, and the sign of the filter's change over
/// two bars. Bands around the filter are multiples ([`GradientTrend::BANDS`]) of the filtered range.
///
/// After the "Gradient Trend Filter" study of `ChartPrime`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GradientTrend {
    price: [Smoother; 3],
    range: [Smoother; 3],
    past: Ring,
}

#[inline(always)]
fn cascade(stages: &mut [Smoother; 3], x: f64) -> f64 {
    let mut value = x;
    for stage in stages {
        value = stage.push(value);
        if value.is_nan() {
            break;
        }
    }
    value
}

impl GradientTrend {
    /// Distances of the inner, middle and outer band from the filter, in filtered ranges.
    pub const BANDS: [f64; 3] = [0.236 * 1.5, 0.382 * 2.0, 0.618 * 2.5];

    /// Stages of `period ≥ 1`.
    pub fn new(period: usize) -> Self {
        let stages: [Smoother; 3] = std::array::from_fn(|_| Smoother::exponential(period));
        Self { price: stages.clone(), range: stages, past: Ring::new(2) }
    }
}

impl Indicator<3, 3> for GradientTrend {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 3] {
        let filter = cascade(&mut self.price, close);
        let range = cascade(&mut self.range, high - low);
        if filter.is_nan() {
            return [f64::NAN; 3];
        }
        let slope = filter - self.past.push(filter);
        let direction = if slope == 0.0 { 0.0 } else { slope.signum() };
        [filter, range, direction]
    }
    fn reset(&mut self) {
        self.price.iter_mut().chain(&mut self.range).for_each(Smoother::reset);
        self.past.reset();
    }
    fn warm_up(&self) -> usize {
        3 * (self.price[0].period() - 1) + 2
    }
}

pub(super) const ROW: Row = Row {
    name: "gradient_trend",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 25, 1, MAX_PERIOD)],
    outputs: &["gradient", "gradient_range", "gradient_direction"],
    summary: "Gradient trend filter: triple EMA of close and of the bar's range, and the sign of its 2-bar slope.",
    rule: None,
    build: |p| erase(GradientTrend::new(p[0] as usize)),
};
