//! Momentum breakout: leave with the price when it breaks a channel on volume.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::volatility::Atr;
use crate::indicators::volume::VolumeRatio;
use crate::indicators::{Indicator, step};
use crate::signals::{above, below, price_above};
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase, unit};
use crate::window::{Ring, RollingMax, RollingMin};

/// Long when the close is above the highest high of the `period` bars *before* it, the volume ratio above `volume_ratio` and the
/// momentum over `momentum_period` bars above `momentum`; short in the mirror.
///
/// Held until the close is beyond the opposite extreme of the `exit_period` bars before (the exit of the Turtles) or a breakout to
/// the other side. Size at entry: `min(1, target_range / (ATR / close))`. Confidence at entry:
/// `0.5 + 0.25·u(v / volume_ratio − 1) + 0.25·u(|m| / momentum − 1)`, u clips into [0, 1].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MomentumBreakout {
    rule: Numbers,
    highs: RollingMax,
    lows: RollingMin,
    exit_highs: RollingMax,
    exit_lows: RollingMin,
    /// Extremes of the windows that end with the bar before: highest, lowest, exit highest, exit lowest.
    before: [f64; 4],
    closes: Ring,
    volume: VolumeRatio,
    atr: Atr,
    holding: Holding,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Numbers {
    volume_ratio: f64,
    momentum: f64,
    target_range: f64,
    warm_up: usize,
}

impl MomentumBreakout {
    /// Parameters in the order of the catalogue.
    fn new(p: &[f64]) -> Self {
        let [period, exit, volume, bars, atr] = [p[0], p[1], p[2], p[4], p[6]].map(|x| x as usize);
        let warm_up = period.max(exit).max(volume - 1).max(bars).max(atr);
        Self {
            rule: Numbers { volume_ratio: p[3], momentum: p[5], target_range: p[7], warm_up },
            highs: RollingMax::new(period),
            lows: RollingMin::new(period),
            exit_highs: RollingMax::new(exit),
            exit_lows: RollingMin::new(exit),
            before: [f64::NAN; 4],
            closes: Ring::new(bars),
            volume: VolumeRatio::new(volume),
            atr: Atr::new(atr),
            holding: Holding::new(),
        }
    }
}

impl Rule for MomentumBreakout {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let b = context.bar;
        let [highest, lowest, exit_highest, exit_lowest] = self.before;
        self.before =
            [self.highs.push(b.high), self.lows.push(b.low), self.exit_highs.push(b.high), self.exit_lows.push(b.low)];
        let [volume] = step(&mut self.volume, [b.volume]);
        let [atr] = step(&mut self.atr, [b.high, b.low, b.close]);
        let momentum = b.close / self.closes.push(b.close) - 1.0;
        if [highest, exit_highest, volume, atr, momentum].iter().any(|x| x.is_nan()) {
            return Vote::COLD;
        }
        let n = &self.rule;
        let side = if !above(volume, n.volume_ratio) {
            0.0
        } else if price_above(b.close, highest) && above(momentum, n.momentum) {
            1.0
        } else if price_above(lowest, b.close) && below(momentum, -n.momentum) {
            -1.0
        } else {
            0.0
        };
        if side != 0.0 {
            let range = atr / b.close;
            let size = if range > n.target_range { n.target_range / range } else { 1.0 };
            let excess = |x: f64, threshold: f64| if threshold > 0.0 { unit(x / threshold - 1.0) } else { 1.0 };
            let confidence = 0.5 + 0.25 * excess(volume, n.volume_ratio) + 0.25 * excess(momentum.abs(), n.momentum);
            self.holding.take(side * size, confidence);
        } else if (self.holding.side() > 0 && price_above(exit_lowest, b.close))
            || (self.holding.side() < 0 && price_above(b.close, exit_highest))
        {
            self.holding.close();
        }
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.highs.reset();
        self.lows.reset();
        self.exit_highs.reset();
        self.exit_lows.reset();
        self.before = [f64::NAN; 4];
        self.closes.reset();
        self.volume.reset();
        self.atr.reset();
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        self.rule.warm_up
    }
}

pub(super) const ROW: Row = Row {
    name: "momentum_breakout",
    class: "MomentumBreakoutAgent",
    style: Style::Trend,
    params: &[
        Param::int("period", 20, 1, MAX_PERIOD),
        Param::int("exit_period", 10, 1, MAX_PERIOD),
        Param::int("volume_period", 20, 1, MAX_PERIOD),
        Param::float("volume_ratio", 1.5, 0.0, 100.0),
        Param::int("momentum_period", 5, 1, MAX_PERIOD),
        Param::float("momentum", 0.02, 0.0, 10.0),
        Param::int("atr_period", 14, 1, MAX_PERIOD),
        Param::float("target_range", 0.02, 1e-6, 10.0),
    ],
    summary: "Close beyond the previous 20-bar extreme on volume and momentum, sized by ATR.",
    takes_model: false,
    rule: None,
    build: |p, _, _| Ok(erase(MomentumBreakout::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::testing::{Tape, votes};

    /// Twenty-five quiet bars at 100 ± 0.5 with volume 10.
    fn quiet() -> Tape {
        Tape::new().flat(25, 100.0, 0.5, 10.0)
    }

    #[test]
    fn enters_on_a_confirmed_break_and_leaves_through_the_exit_channel() {
        let tape = quiet().bar(100.0, 104.0, 100.0, 103.0, 40.0).bar(103.0, 103.5, 102.0, 103.0, 10.0);
        let v = votes("momentum_breakout", &[], &tape);
        assert!(v[..20].iter().all(|v| !v.is_warm()) && v[20..25].iter().all(|v| v.signal == 0.0));
        assert!(v[25].signal > 0.9 && v[26] == v[25]);
        // Volume 40 against a mean of 11.5 and momentum .03 against .02: 0.5 + 0.25·1 + 0.25·0.5.
        assert!((v[25].confidence - 0.875).abs() < 1e-12);
        // The exit is the low of the ten bars before the bar in question, 99.5.
        let out = tape.clone().bar(103.0, 103.0, 99.4, 99.6, 10.0).bar(99.6, 99.7, 99.0, 99.3, 10.0);
        let v = votes("momentum_breakout", &[], &out);
        assert!(v[27].signal > 0.9);
        assert!(v[28].signal <= 0.0);
    }

    #[test]
    fn each_condition_is_needed() {
        let weak_volume = quiet().bar(100.0, 104.0, 100.0, 103.0, 12.0);
        let small_move = quiet().bar(100.0, 102.0, 100.0, 101.5, 40.0);
        let inside = quiet().bar(100.0, 100.5, 99.5, 100.4, 40.0);
        for tape in [weak_volume, small_move, inside] {
            assert_eq!(votes("momentum_breakout", &[], &tape)[25].signal, 0.0);
        }
    }

    #[test]
    fn short_side_and_size() {
        let tape = Tape::new().flat(25, 100.0, 2.5, 10.0).bar(100.0, 100.0, 95.0, 96.0, 40.0);
        let v = votes("momentum_breakout", &[("target_range", 0.01)], &tape);
        assert!(v[25].signal < -0.1 && v[25].signal > -0.3, "{:?}", v[25]);
    }
}
