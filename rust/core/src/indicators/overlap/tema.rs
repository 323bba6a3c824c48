//! Triple exponential moving average.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::{Indicator, erase};

/// `3·e₁ − 3·e₂ + e₃`, each stage the EMA of the one before (Mulloy, 1994).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tema {
    stages: [Smoother; 3],
}

impl Tema {
    /// Three stages of `period ≥ 1`.
    pub fn new(period: usize) -> Self {
        Self { stages: std::array::from_fn(|_| Smoother::exponential(period)) }
    }
}

impl Indicator<1, 1> for Tema {
    #[inline(always)]
    fn update(&mut self, [x]: [f64; 1]) -> [f64; 1] {
        let [first, second, third] = &mut self.stages;
        let e1 = first.push(x);
        if e1.is_nan() {
            return [e1];
        }
        let gap = second.push_gap(e1);
        if gap.is_nan() {
            return [gap];
        }
        let e3 = third.push(e1 - gap);
        [3.0 * gap + e3]
    }
    fn reset(&mut self) {
        self.stages.iter_mut().for_each(Smoother::reset);
    }
    fn warm_up(&self) -> usize {
        3 * (self.stages[0].period() - 1)
    }
}

pub(super) const ROW: Row = Row {
    name: "tema",
    family: Family::Overlap,
    inputs: &[Input::Real],
    params: &[Param::int("period", 20, 1, MAX_PERIOD)],
    outputs: &["tema"],
    summary: "Triple exponential moving average: an EMA with its lag taken out twice.",
    rule: None,
    build: |p| erase(Tema::new(p[0] as usize)),
};
