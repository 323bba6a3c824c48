//! Coefficient of determination of the linear regression.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::trend::fit::LineFit;
use crate::indicators::{Indicator, erase};
use crate::window::RollingMoments;

/// Share of the window's variance that its least-squares line explains, 0 to 1; 0 for a flat window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LinRegR2 {
    fit: LineFit,
    moments: RollingMoments,
}

impl LinRegR2 {
    /// A line through `period ≥ 2` values.
    pub fn new(period: usize) -> Self {
        Self { fit: LineFit::new(period), moments: RollingMoments::new(period) }
    }
}

impl Indicator<1, 1> for LinRegR2 {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let line = self.fit.push(x);
        let spread = self.moments.push(x);
        if spread.variance == 0.0 {
            return [0.0];
        }
        let explained = line.slope * line.slope * self.fit.position_variance() / spread.variance;
        [if explained > 1.0 { 1.0 } else { explained }]
    }
    fn reset(&mut self) {
        self.fit.reset();
        self.moments.reset();
    }
    fn warm_up(&self) -> usize {
        self.fit.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "linreg_r2",
    family: Family::Trend,
    inputs: &[Input::Real],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["linreg_r2"],
    summary: "Linear regression r²: how much of the window its straight line explains; 0 for a flat window.",
    rule: None,
    build: |p| erase(LinRegR2::new(p[0] as usize)),
};
