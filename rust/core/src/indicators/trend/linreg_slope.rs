//! Slope of the linear regression.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::trend::fit::LineFit;
use crate::indicators::{Indicator, erase};

/// Slope of the least-squares line through the window, in units of the series per bar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinRegSlope {
    fit: LineFit,
}

impl LinRegSlope {
    /// A line through `period ≥ 2` values.
    pub fn new(period: usize) -> Self {
        Self { fit: LineFit::new(period) }
    }
}

impl Indicator<1, 1> for LinRegSlope {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let line = self.fit.push(x);
        [line.slope]
    }
    #[inline(always)]
    fn fill(&mut self, [xs]: [&[f64]; 1], [out]: [&mut [f64]; 1]) {
        self.fit.slopes(xs, out);
    }
    fn reset(&mut self) {
        self.fit.reset();
    }
    fn warm_up(&self) -> usize {
        self.fit.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "linreg_slope",
    family: Family::Trend,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["linreg_slope"],
    summary: "Linear regression slope: change per bar of the least-squares line.",
    rule: None,
    build: |p| erase(LinRegSlope::new(p[0] as usize)),
};
