//! Volatility regime: follow the MACD in a storm, fade it in a calm.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::statistic::PercentRank;
use crate::indicators::trend::Macd;
use crate::indicators::volatility::RealisedVolatility;
use crate::indicators::{Indicator, step};
use crate::signals::{above, below};
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, coarse, erase};

/// The volatility (standard deviation of `period` log returns) is ranked among its `lookback` values before. Above the `high`
/// percentile the position is the side of the MACD histogram, below the `low` one the other side, between them flat.
///
/// Confidence when a side is taken: 0.5 at the percentile, 1 at the end of the scale.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VolatilityRegime {
    high: f64,
    low: f64,
    volatility: RealisedVolatility,
    rank: PercentRank,
    macd: Macd,
    warm_up: usize,
    holding: Holding,
}

impl VolatilityRegime {
    fn new(p: &[f64]) -> Self {
        let [period, lookback, fast, slow, signal] = [p[0], p[1], p[4], p[5], p[6]].map(|x| x as usize);
        let macd = Macd::new(fast, slow, signal);
        Self {
            high: p[2],
            low: p[3],
            volatility: RealisedVolatility::new(period, 1.0),
            rank: PercentRank::new(lookback),
            warm_up: (period + lookback).max(macd.warm_up()),
            macd,
            holding: Holding::new(),
        }
    }
}

impl Rule for VolatilityRegime {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let close = context.bar.close;
        let [_, _, histogram] = step(&mut self.macd, [close]);
        let [volatility] = step(&mut self.volatility, [close]);
        // Repeating prices repeat their volatility up to the last bits, and a rank must not see those.
        let [rank] = step(&mut self.rank, [if volatility.is_nan() { volatility } else { coarse(volatility) }]);
        if rank.is_nan() || histogram.is_nan() {
            return Vote::COLD;
        }
        let side = if above(histogram / close, 0.0) {
            1.0
        } else if below(histogram / close, 0.0) {
            -1.0
        } else {
            0.0
        };
        let (signal, depth) = if above(rank, self.high) {
            (side, (rank - self.high) / (100.0 - self.high))
        } else if below(rank, self.low) {
            (-side, (self.low - rank) / self.low)
        } else {
            (0.0, 0.0)
        };
        if signal == 0.0 {
            self.holding.close();
        } else {
            self.holding.take(signal, 0.5 + 0.5 * depth);
        }
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.volatility.reset();
        self.rank.reset();
        self.macd.reset();
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        self.warm_up
    }
}

pub(super) const ROW: Row = Row {
    name: "volatility_regime",
    class: "VolatilityRegimeAgent",
    style: Style::Adaptive,
    params: &[
        Param::int("period", 20, 2, MAX_PERIOD),
        Param::int("lookback", 100, 2, MAX_PERIOD),
        Param::float("high", 80.0, 50.0, 100.0),
        Param::float("low", 20.0, 0.0, 50.0),
        Param::int("fast_period", 12, 1, MAX_PERIOD),
        Param::int("slow_period", 26, 2, MAX_PERIOD),
        Param::int("signal_period", 9, 1, MAX_PERIOD),
    ],
    summary: "Follows the MACD above the 80th percentile of volatility, fades it below the 20th.",
    takes_model: false,
    rule: Some(|p| (p[4] >= p[5]).then_some(("fast_period", "a period below slow_period"))),
    build: |p, _, _| Ok(erase(VolatilityRegime::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::testing::{Tape, votes};

    /// `n` bars that move by ±`size` around a drift, each a fraction.
    fn walk(tape: Tape, n: usize, size: f64, drift: f64) -> Tape {
        (0..n).fold(tape, |t, k| {
            let last = t.0.last().map_or(100.0, |b| b.close);
            let noise = size * if k % 2 == 0 { 1.0 } else { -1.0 } * (1.0 + 0.01 * (k % 7) as f64);
            t.to(last * (1.0 + noise + drift), 1.0)
        })
    }

    #[test]
    fn follows_in_a_storm_and_fades_in_a_calm() {
        let storm = walk(walk(Tape::new(), 130, 0.005, 0.0), 25, 0.03, 0.02);
        let v = votes("volatility_regime", &[], &storm);
        assert!(v[..120].iter().all(|v| !v.is_warm()) && v[120].is_warm());
        let last = v[v.len() - 1];
        assert_eq!(last.signal, 1.0);
        assert!(last.confidence > 0.9);
        let calm = walk(walk(Tape::new(), 130, 0.01, 0.0), 25, 0.001, 0.004);
        let last = *votes("volatility_regime", &[], &calm).last().unwrap();
        assert_eq!(last.signal, -1.0, "a rise faded");
    }

    #[test]
    fn the_middle_is_flat_and_repeating_prices_have_no_rank() {
        let same = (0..200).fold(Tape::new(), |t, k| t.to(if k % 2 == 0 { 100.0 } else { 100.7 }, 1.0));
        let scaled = (0..200).fold(Tape::new(), |t, k| t.to(if k % 2 == 0 { 33.1 } else { 33.1 * 1.007 }, 1.0));
        for tape in [same, scaled] {
            let v = votes("volatility_regime", &[("low", 0.0)], &tape);
            assert!(v[120..].iter().all(|v| v.signal == 0.0));
        }
    }
}
