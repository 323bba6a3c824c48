//! Directional movement index.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::trend::directional::Directional;
use crate::indicators::{Indicator, erase};

/// `100 · |+DI − −DI| / (+DI + −DI)`; keeps its last value (at first 0) where nothing moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dx {
    movement: Directional,
    value: f64,
}

impl Dx {
    /// Sums over `period ≥ 2` bars.
    pub fn new(period: usize) -> Self {
        Self { movement: Directional::new(period), value: 0.0 }
    }
}

impl Indicator<3, 1> for Dx {
    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 1] {
        let Some(m) = self.movement.push(bar) else { return [f64::NAN] };
        if let Some(index) = m.index() {
            self.value = index;
        }
        [self.value]
    }
    fn reset(&mut self) {
        self.movement.reset();
        self.value = 0.0;
    }
    fn warm_up(&self) -> usize {
        self.movement.period()
    }
}

pub(super) const ROW: Row = Row {
    name: "dx",
    family: Family::Trend,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("period", 14, 2, MAX_PERIOD)],
    outputs: &["dx"],
    summary: "Directional movement index: how one-sided the movement is, 0 to 100.",
    rule: None,
    build: |p| erase(Dx::new(p[0] as usize)),
};
