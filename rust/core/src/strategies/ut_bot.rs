//! UT Bot: an ATR trailing stop that flips with the price.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::trend::UtBot as TrailingStop;
use crate::indicators::{Indicator, step};
use crate::signals::price_above;
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase, unit};

/// Long (+1) from the close that crosses the trailing stop upwards, short (−1) from the one that crosses it downwards; flat before
/// the first crossing.
///
/// The stop is that of [`TrailingStop`], `sensitivity·ATR` away. Confidence at the flip: `0.5 + 0.5·u(through / away)`: how far
/// the close went through the stop that stood before, relative to how far away the new one is; u clips into [0, 1].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UtBot {
    trail: TrailingStop,
    stop: f64,
    /// Side of the stop on which the price is: 1 above, −1 below, 0 before either.
    side: i8,
    holding: Holding,
}

impl UtBot {
    fn new(p: &[f64]) -> Self {
        Self { trail: TrailingStop::new(p[0] as usize, p[1]), stop: f64::NAN, side: 0, holding: Holding::new() }
    }
}

impl Rule for UtBot {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let b = context.bar;
        let [stop, _] = step(&mut self.trail, [b.high, b.low, b.close]);
        let before = std::mem::replace(&mut self.stop, stop);
        if stop.is_nan() {
            return Vote::COLD;
        }
        let side = i8::from(price_above(b.close, stop)) - i8::from(price_above(stop, b.close));
        if side == 0 || side == self.side {
            return self.holding.vote();
        }
        // The first side is where the stop was put, not a crossing.
        if std::mem::replace(&mut self.side, side) != 0 {
            let through = (b.close - before).abs() / (b.close - stop).abs();
            self.holding.take(f64::from(side), 0.5 + 0.5 * unit(through));
        }
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.trail.reset();
        self.stop = f64::NAN;
        self.side = 0;
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        self.trail.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "ut_bot",
    class: "UTSignalAgent",
    style: Style::Trend,
    params: &[Param::int("atr_period", 10, 1, MAX_PERIOD), Param::float("sensitivity", 1.0, 0.01, 100.0)],
    summary: "Holds the side of an ATR trailing stop until the close crosses it.",
    takes_model: false,
    rule: None,
    build: |p, _, _| Ok(erase(UtBot::new(p))),
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
