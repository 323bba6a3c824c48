//! Vortex indicator.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::volatility::TrueRange;
use crate::indicators::{Indicator, erase};
use crate::window::RollingSum;

/// `Σ |high − low₋₁| / Σ TR` and `Σ |low − high₋₁| / Σ TR`, both 0 where nothing moved (Botes and Siepman, 2010).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Vortex {
    high: f64,
    low: f64,
    range: TrueRange,
    plus: RollingSum,
    minus: RollingSum,
    total: RollingSum,
}

impl Vortex {
    /// Sums over `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        let sum = RollingSum::new(period);
        Self {
            high: f64::NAN,
            low: f64::NAN,
            range: TrueRange::new(),
            plus: sum.clone(),
            minus: sum.clone(),
            total: sum,
        }
    }
}

impl Indicator<3, 2> for Vortex {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 2] {
        let [range] = self.range.update([high, low, close]);
        let (up, down) = ((high - self.low).abs(), (low - self.high).abs());
        self.high = high;
        self.low = low;
        if range.is_nan() {
            return [f64::NAN; 2];
        }
        let (plus, minus, total) = (self.plus.push(up), self.minus.push(down), self.total.push(range));
        if total == 0.0 { [0.0; 2] } else { [plus / total, minus / total] }
    }
    fn reset(&mut self) {
        self.high = f64::NAN;
        self.low = f64::NAN;
        self.range.reset();
        self.plus.reset();
        self.minus.reset();
        self.total.reset();
    }
    fn warm_up(&self) -> usize {
        self.total.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "vortex",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["vortex_plus", "vortex_minus"],
    summary: "Vortex: upward and downward movement against the true range.",
    rule: None,
    build: |p| erase(Vortex::new(p[0] as usize)),
};
