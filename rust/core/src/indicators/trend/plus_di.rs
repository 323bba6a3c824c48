//! Plus directional indicator.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::trend::directional::Directional;
use crate::indicators::{Indicator, erase};

/// `100 · Σ +DM / Σ TR`, both sums decaying by Wilder's rule (Wilder, 1978); 0 where nothing moved.
///
/// In percent for every period; TA-Lib gives a fraction for period 1 only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlusDi {
    movement: Directional,
}

impl PlusDi {
    /// Sums over `period ≥ 1` bars.
    pub fn new(period: usize) -> Self {
        Self { movement: Directional::new(period) }
    }
}

impl Indicator<3, 1> for PlusDi {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let Some(m) = self.movement.push(bar) else { return [f64::NAN] };
        [m.plus_di()]
    }
    fn reset(&mut self) {
        self.movement.reset();
    }
    fn warm_up(&self) -> usize {
        self.movement.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "plus_di",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 1, MAX_PERIOD)],
    outputs: &["plus_di"],
    summary: "+DI: share of the true range that is upward movement, in percent.",
    rule: None,
    build: |p| erase(PlusDi::new(p[0] as usize)),
};
