//! UT Bot: an ATR trailing stop that flips with the price.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::volatility::Atr;
use crate::indicators::{Indicator, step};
use crate::signals::price_above;
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase, unit};

/// Long (+1) from the close that crosses the trailing stop upwards, short (−1) from the one that crosses it downwards; flat before
/// the first crossing.
///
/// The stop follows at `sensitivity·ATR` and never retreats. Confidence at the flip: `0.5 + 0.5·u(|close − stop| / ATR)`, how far
/// the close went through the stop that stood before, u clips into [0, 1].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UtBot {
    atr: Atr,
    sensitivity: f64,
    stop: f64,
    /// The stop trails below the price.
    rising: bool,
    holding: Holding,
}

impl UtBot {
    fn new(p: &[f64]) -> Self {
        Self { atr: Atr::new(p[0] as usize), sensitivity: p[1], stop: f64::NAN, rising: true, holding: Holding::new() }
    }
}

impl Rule for UtBot {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let b = context.bar;
        let [atr] = step(&mut self.atr, [b.high, b.low, b.close]);
        if atr.is_nan() {
            return Vote::COLD;
        }
        let distance = self.sensitivity * atr;
        let crossed = if self.rising { price_above(self.stop, b.close) } else { price_above(b.close, self.stop) };
        if crossed {
            self.rising = !self.rising;
            let depth = if atr > 0.0 { unit((b.close - self.stop).abs() / atr) } else { 1.0 };
            self.holding.take(if self.rising { 1.0 } else { -1.0 }, 0.5 + 0.5 * depth);
        }
        let fresh = if self.rising { b.close - distance } else { b.close + distance };
        self.stop = if crossed || self.stop.is_nan() {
            fresh
        } else if self.rising {
            self.stop.max(fresh)
        } else {
            self.stop.min(fresh)
        };
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.atr.reset();
        self.stop = f64::NAN;
        self.rising = true;
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        self.atr.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "ut_bot",
    class: "UTSignalAgent",
    style: Style::Trend,
    params: &[Param::int("atr_period", 10, 1, MAX_PERIOD), Param::float("sensitivity", 1.0, 0.01, 100.0)],
    summary: "Holds the side of an ATR trailing stop until the close crosses it.",
    needs_model: false,
    rule: None,
    build: |p, _| Ok(erase(UtBot::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::testing::{Tape, votes};

    #[test]
    fn flips_and_holds() {
        // Range 2 on every bar, so ATR is 2 and the stop starts at 98.
        let tape = Tape::new()
            .flat(12, 100.0, 1.0, 1.0)
            .bar(100.0, 100.0, 98.0, 98.5, 1.0) // above the stop: still flat
            .bar(98.5, 98.5, 96.5, 97.0, 1.0) // through it: short
            .bar(97.0, 97.0, 95.0, 95.5, 1.0) // stop falls to 97.5
            .bar(95.5, 97.5, 95.5, 97.4, 1.0) // below the stop: short still
            .bar(97.4, 99.4, 97.4, 99.4, 1.0); // through it: long
        let v = votes("ut_bot", &[], &tape);
        assert!(v[..10].iter().all(|v| !v.is_warm()));
        let signals: Vec<f64> = v[10..].iter().map(|v| v.signal).collect();
        assert_eq!(signals, [0.0, 0.0, 0.0, -1.0, -1.0, -1.0, 1.0]);
        assert!((v[13].confidence - 0.75).abs() < 1e-12, "{:?}", v[13]);
        assert_eq!(v[14].confidence, v[13].confidence);
    }
}
