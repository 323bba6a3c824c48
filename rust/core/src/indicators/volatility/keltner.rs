//! Keltner channel.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, MAX_PERIOD, Param, Row};
use crate::indicators::smooth::Smoother;
use crate::indicators::volatility::Atr;
use crate::indicators::{Indicator, erase, warm};

/// Upper, middle and lower: exponential average of the typical price ± `multiplier` ATR, as TA-Lib's `KC`.
///
/// As there, average and ATR are seeded by the windows that end at the first row of the channel, so that the shorter of the two
/// starts later than on its own. Keltner, *How to Make Money in Commodities* (1960), in the form that Raschke gave it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Keltner {
    middle: Smoother,
    atr: Atr,
    multiplier: f64,
    /// Rows until the average and the ATR take their first.
    wait: (usize, usize),
}

impl Keltner {
    /// An average over `period ≥ 1` prices and an ATR over `atr_period ≥ 1` ranges.
    pub fn new(period: usize, atr_period: usize, multiplier: f64) -> Self {
        let mut channel =
            Self { middle: Smoother::exponential(period), atr: Atr::new(atr_period), multiplier, wait: (0, 0) };
        channel.wait = channel.delays();
        channel
    }

    fn delays(&self) -> (usize, usize) {
        let first = self.warm_up();
        (first + 1 - self.middle.period(), first - self.atr.warm_up())
    }
}

impl Indicator<3, 3> for Keltner {
    const WIDE: bool = true;

    #[inline(always)]
    fn update(&mut self, bar: [f64; 3]) -> [f64; 3] {
        let [high, low, close] = bar;
        let (mut middle, mut atr) = (f64::NAN, f64::NAN);
        if self.wait.0 == 0 {
            middle = self.middle.push((high + low + close) / 3.0);
        } else {
            self.wait.0 -= 1;
        }
        if self.wait.1 == 0 {
            [atr] = self.atr.update(bar);
        } else {
            self.wait.1 -= 1;
        }
        let reach = self.multiplier * atr;
        [middle + reach, middle, middle - reach]
    }
    #[inline(always)]
    fn fill(&mut self, inputs: [&[f64]; 3], outputs: [&mut [f64]; 3]) {
        let (bars, [upper, middle, lower]) = warm(self, inputs, outputs, |k| k.middle.is_warm() && k.atr.is_warm());
        let [high, low, close] = bars;
        for (y, ((high, low), close)) in upper.iter_mut().zip(high.iter().zip(low).zip(close)) {
            *y = (high + low + close) / 3.0;
        }
        self.middle.extend(upper, middle);
        self.atr.fill(bars, [&mut *lower]);
        for ((upper, middle), lower) in upper.iter_mut().zip(middle).zip(lower) {
            let reach = self.multiplier * *lower;
            (*upper, *lower) = (*middle + reach, *middle - reach);
        }
    }
    fn reset(&mut self) {
        self.middle.reset();
        self.atr.reset();
        self.wait = self.delays();
    }
    fn warm_up(&self) -> usize {
        (self.middle.period() - 1).max(self.atr.warm_up())
    }
}

pub(super) const ROW: Row = Row {
    name: "keltner",
    family: Family::Volatility,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[
        Param::int("period", 20, 1, MAX_PERIOD),
        Param::int("atr_period", 10, 1, MAX_PERIOD),
        Param::float("multiplier", 2.0, 0.0, 1e6),
    ],
    outputs: &["keltner_upper", "keltner_middle", "keltner_lower"],
    summary: "Keltner channel: exponential average of the typical price plus and minus a multiple of the ATR.",
    rule: None,
    build: |p| erase(Keltner::new(p[0] as usize, p[1] as usize, p[2])),
};
