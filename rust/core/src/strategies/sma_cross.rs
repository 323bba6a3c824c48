//! SMA cross: the side of a fast average over a slow one.

use serde::{Deserialize, Serialize};

use crate::indicators::Indicator;
use crate::indicators::overlap::Sma;
use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::signals::price_above;
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Rule, Vote, erase};

/// Long from the close on which the fast average crosses above the slow one until it crosses below; then short, or flat where shorts
/// are off. Flat before the first crossing. Confidence 1.
///
/// *Ties.* Averages that differ by less than 1e-12 of the price are equal, and equal averages cross nothing: the side stays. Sums of
/// decimal prices that are equal on paper differ in floating point by some 1e-15 of the price, and averages that differ on paper differ by
/// one tick over the period; so this is what exact arithmetic decides, on every machine and in every price unit. A crossing through a
/// tie happens on the bar that leaves the tie on the other side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SmaCross {
    fast: Sma,
    slow: Sma,
    short: bool,
    /// Side of the fast average, 0 while none was seen.
    above: i8,
    crossed: bool,
}

impl SmaCross {
    fn new(p: &[f64]) -> Self {
        Self {
            fast: Sma::new(p[0] as usize),
            slow: Sma::new(p[1] as usize),
            short: p[2] == 1.0,
            above: 0,
            crossed: false,
        }
    }
}

impl Rule for SmaCross {
    #[inline]
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let close = context.bar.close;
        // The bar is finite, so the averages need not ask again.
        let [fast] = self.fast.update([close]);
        let [slow] = self.slow.update([close]);
        if slow.is_nan() {
            return Vote::COLD;
        }
        let side = i8::from(price_above(fast, slow)) - i8::from(price_above(slow, fast));
        if side != 0 && side != self.above {
            self.crossed |= self.above != 0;
            self.above = side;
        }
        match self.above {
            _ if !self.crossed => Vote::FLAT,
            1 => Vote { signal: 1.0, confidence: 1.0 },
            _ if self.short => Vote { signal: -1.0, confidence: 1.0 },
            _ => Vote { signal: 0.0, confidence: 1.0 },
        }
    }
    fn reset(&mut self) {
        self.fast.reset();
        self.slow.reset();
        self.above = 0;
        self.crossed = false;
    }
    fn warm_up(&self) -> usize {
        self.slow.warm_up()
    }
}

pub(super) const ROW: Row = Row {
    name: "sma_cross",
    class: "SMACrossAgent",
    style: Style::Trend,
    params: &[
        Param::int("fast_period", 10, 1, MAX_PERIOD),
        Param::int("slow_period", 30, 2, MAX_PERIOD),
        Param::int("short", 1, 0, 1),
    ],
    summary: "Side of a fast moving average over a slow one, from crossing to crossing; a tie changes nothing.",
    takes_model: false,
    rule: Some(|p| (p[0] >= p[1]).then_some(("fast_period", "a period below slow_period"))),
    build: |p, _, _| Ok(erase(SmaCross::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::testing::{Tape, votes};

    const QUICK: [(&str, f64); 2] = [("fast_period", 2.0), ("slow_period", 4.0)];

    fn tape(closes: &[f64]) -> Tape {
        closes.iter().fold(Tape::new(), |t, &c| t.to(c, 1.0))
    }

    fn signals(params: &[(&str, f64)], closes: &[f64]) -> Vec<f64> {
        votes("sma_cross", params, &tape(closes)).iter().map(|v| v.signal).collect()
    }

    #[test]
    fn holds_from_crossing_to_crossing() {
        let closes = [5.0, 4.0, 3.0, 2.0, 1.0, 4.0, 6.0, 7.0, 3.0, 1.0];
        // Fast minus slow from the fourth bar on: -1, -1, 0, 1.75, 2, 0, -2.25.
        let v = signals(&QUICK, &closes);
        assert!(v[..3].iter().all(|s| s.is_nan()));
        assert_eq!(v[3..], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, -1.0]);
        let flat = signals(&[QUICK[0], QUICK[1], ("short", 0.0)], &closes);
        assert_eq!(flat[3..], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_side_from_the_start_is_no_crossing() {
        let up: Vec<f64> = (0..20).map(f64::from).map(|x| 100.0 + x).collect();
        assert!(signals(&QUICK, &up)[3..].iter().all(|&s| s == 0.0));
    }

    #[test]
    fn a_tie_is_what_exact_arithmetic_calls_one() {
        // Prices in cents over a narrow range: dozens of exact ties, which sums of decimals miss by their last bits.
        let mut state = 7_u64;
        let mut cents = Vec::new();
        let mut price = 10_007_i64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            price += (state >> 33) as i64 % 5 - 2;
            price = price.clamp(9_900, 10_100);
            cents.push(price);
        }
        let (fast, slow) = (10_usize, 30_usize);
        let (mut above, mut crossed, mut ties, mut exact) = (0_i64, false, 0, Vec::new());
        for t in slow - 1..cents.len() {
            let f: i64 = cents[t + 1 - fast..=t].iter().sum();
            let s: i64 = cents[t + 1 - slow..=t].iter().sum();
            let side = (f * slow as i64 - s * fast as i64).signum();
            ties += usize::from(side == 0);
            if side != 0 && side != above {
                crossed |= above != 0;
                above = side;
            }
            exact.push(if crossed { above as f64 } else { 0.0 });
        }
        for unit in [0.01, 0.01 * 7.3e-9, 0.01 * 1.1e6] {
            let closes: Vec<f64> = cents.iter().map(|&c| c as f64 * unit).collect();
            assert_eq!(signals(&[], &closes)[slow - 1..], exact, "unit {unit}");
        }
        assert!(ties > 50, "{ties}");
    }

    #[test]
    fn periods_must_differ() {
        let error = crate::strategies::registry::find("sma_cross")
            .unwrap()
            .build_with(&[("fast_period", 30.0)], &crate::strategies::StrategyContext::default())
            .err()
            .unwrap();
        assert!(error.to_string().contains("sma_cross.fast_period = 30"), "{error}");
    }
}
