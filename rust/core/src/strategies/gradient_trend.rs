//! Gradient trend: the side of a smooth filter's slope.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::trend::GradientTrend as Filter;
use crate::indicators::{Indicator, step};
use crate::signals::{above, price_above};
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Rule, Vote, erase};
use crate::window::Ring;

/// Long from the bar on which the slope of the triple-EMA filter over two bars turns up, short from the one on which it turns down;
/// flat before the first turn. A slope of nothing changes nothing.
///
/// Confidence by the bands of [`Filter::BANDS`] that the close has passed on the side held: 0.25 inside the first one (or on the
/// wrong side of the filter), then 0.5, 0.75 and 1 beyond the outer one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GradientTrend {
    filter: Filter,
    past: Ring,
    /// Sign of the last slope that was one.
    slope: i8,
    side: i8,
}

impl GradientTrend {
    fn new(p: &[f64]) -> Self {
        Self { filter: Filter::new(p[0] as usize), past: Ring::new(2), slope: 0, side: 0 }
    }
}

impl Rule for GradientTrend {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let b = context.bar;
        let [filter, range, _] = step(&mut self.filter, [b.high, b.low, b.close]);
        if filter.is_nan() {
            return Vote::COLD;
        }
        let past = self.past.push(filter);
        if past.is_nan() {
            return Vote::COLD;
        }
        // The filter's own direction is exact; a settled filter still trembles in its last bit, differently in every price unit.
        let slope = i8::from(price_above(filter, past)) - i8::from(price_above(past, filter));
        if slope != 0 {
            if self.slope != 0 && self.slope != slope {
                self.side = slope;
            }
            self.slope = slope;
        }
        if self.side == 0 {
            return Vote::FLAT;
        }
        let side = f64::from(self.side);
        let distance = if range > 0.0 { side * (b.close - filter) / range } else { 0.0 };
        let passed = Filter::BANDS.iter().filter(|&&band| above(distance, band)).count();
        Vote::new(side, 0.25 * (1 + passed) as f64)
    }
    fn reset(&mut self) {
        self.filter.reset();
        self.past.reset();
        self.slope = 0;
        self.side = 0;
    }
    fn warm_up(&self) -> usize {
        self.filter.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "gradient_trend",
    class: "GradientTrendAgent",
    style: Style::Trend,
    params: &[Param::int("period", 25, 1, MAX_PERIOD)],
    summary: "Side of the slope of a triple-EMA filter; confidence by the bands passed.",
    takes_model: false,
    rule: None,
    build: |p, _, _| Ok(erase(GradientTrend::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::testing::{Tape, votes};

    #[test]
    fn holds_the_side_of_the_slope() {
        let up = |t: Tape, n: usize| (0..n).fold(t, |t, k| t.to(100.0 + k as f64, 1.0));
        let down = |t: Tape, n: usize| (0..n).fold(t, |t, k| t.to(140.0 - k as f64, 1.0));
        let v = votes("gradient_trend", &[("period", 3.0)], &down(up(Tape::new(), 40), 40));
        assert!(v[..8].iter().all(|v| !v.is_warm()));
        assert!(v[8..40].iter().all(|v| v.signal == 0.0), "no turn yet");
        let turn = (40..80).find(|&k| v[k].signal == -1.0).expect("a turn");
        assert!(turn < 45 && v[turn..].iter().all(|v| v.signal == -1.0));
        // A steady fall keeps the close 3 units (its lag) below the filter with a range of 1: beyond the outer band.
        assert_eq!(v[79].confidence, 1.0);
    }

    #[test]
    fn confidence_by_bands() {
        // After the turn down the price comes back above the filter, on the wrong side: lowest confidence, same position.
        let tape = (0..20).fold(Tape::new(), |t, k| t.to(100.0 + f64::from(k), 1.0));
        let tape = (0..20).fold(tape, |t, k| t.to(119.0 - f64::from(k), 1.0)).to(112.0, 1.0);
        let v = votes("gradient_trend", &[("period", 5.0)], &tape);
        let last = v[v.len() - 1];
        assert_eq!((last.signal, last.confidence), (-1.0, 0.25));
    }
}
