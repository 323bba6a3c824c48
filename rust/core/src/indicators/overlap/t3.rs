//! Tillson's T3.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// A six-stage EMA chain `e₁ … e₆` combined as `c₁e₆ + c₂e₅ + c₃e₄ + c₄e₃`, a generalised DEMA applied three times with volume
/// factor `v`: `c₁ = −v³`, `c₂ = 3v² + 3v³`, `c₃ = −6v² − 3v − 3v³`, `c₄ = 1 + 3v + v³ + 3v²` (Tillson, 1998).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct T3 {
    stages: [Smoother; 6],
    weights: [f64; 3],
}

impl T3 {
    /// Stages of `period ≥ 1` and a volume factor in [0, 1].
    pub fn new(period: usize, factor: f64) -> Self {
        let (square, cube) = (factor * factor, factor * factor * factor);
        Self {
            stages: std::array::from_fn(|_| Smoother::exponential(period)),
            weights: [-6.0 * square - 3.0 * factor - 3.0 * cube, 3.0 * square + 3.0 * cube, -cube],
        }
    }
}

impl Indicator<1, 1> for T3 {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let mut e = [x; 6];
        let mut value = x;
        for (stage, slot) in self.stages.iter_mut().zip(&mut e) {
            value = stage.push(value);
            if value.is_nan() {
                return [value];
            }
            *slot = value;
        }
        // The four weights add up to 1: against e₃, a flat series keeps its value exactly.
        let [w4, w5, w6] = self.weights;
        [e[2] + (w4 * (e[3] - e[2]) + w5 * (e[4] - e[2]) + w6 * (e[5] - e[2]))]
    }
    fn reset(&mut self) {
        self.stages.iter_mut().for_each(Smoother::reset);
    }
    fn warm_up(&self) -> usize {
        6 * (self.stages[0].period() - 1)
    }
}

pub(super) const ROW: Row = Row {
    name: "t3",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 5, 1, MAX_PERIOD), Param::float("volume_factor", 0.7, 0.0, 1.0)],
    outputs: &["t3"],
    summary: "Tillson's T3: six exponential stages, smooth with little lag.",
    rule: None,
    build: |p| erase(T3::new(p[0] as usize, p[1])),
};
