//! Sentiment momentum: returns count by the crowd behind them.

use serde::{Deserialize, Serialize};

use crate::indicators::overlap::Sma;
use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::volume::VolumeRatio;
use crate::indicators::{Indicator, step};
use crate::signals::{above, below};
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase, unit};
use crate::window::RollingMoments;

/// Sentiment of a bar: `return·ln(1 + volume / mean volume)`. Long when its mean over `fast_period` bars is above 0 and above its
/// mean over `slow_period`; short in the mirror; held until the fast mean is back at the slow one.
///
/// Confidence at entry: the distance of the means in standard deviations of the sentiment over `slow_period`, clipped into [0, 1].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SentimentMomentum {
    last: f64,
    volume: VolumeRatio,
    fast: Sma,
    slow: RollingMoments,
    warm_up: usize,
    holding: Holding,
}

impl SentimentMomentum {
    fn new(p: &[f64]) -> Self {
        let [fast, slow, volume] = [p[0], p[1], p[2]].map(|x| x as usize);
        Self {
            last: f64::NAN,
            volume: VolumeRatio::new(volume),
            fast: Sma::new(fast),
            slow: RollingMoments::new(slow),
            warm_up: (volume - 1).max(1) + slow - 1,
            holding: Holding::new(),
        }
    }
}

impl Rule for SentimentMomentum {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let b = context.bar;
        let last = std::mem::replace(&mut self.last, b.close);
        let [ratio] = step(&mut self.volume, [b.volume]);
        if last.is_nan() || ratio.is_nan() {
            return Vote::COLD;
        }
        let sentiment = (b.close / last - 1.0) * (1.0 + ratio).ln();
        let [fast] = step(&mut self.fast, [sentiment]);
        let slow = self.slow.push(sentiment);
        if fast.is_nan() || slow.mean.is_nan() {
            return Vote::COLD;
        }
        let deviation = slow.deviation();
        let distance = fast - slow.mean;
        let confidence = if deviation > 0.0 { unit(distance.abs() / deviation) } else { 0.0 };
        let side = self.holding.side();
        if above(distance, 0.0) && above(fast, 0.0) {
            self.holding.take(1.0, confidence);
        } else if below(distance, 0.0) && below(fast, 0.0) {
            self.holding.take(-1.0, confidence);
        } else if (side > 0 && !above(distance, 0.0)) || (side < 0 && !below(distance, 0.0)) {
            self.holding.close();
        }
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.last = f64::NAN;
        self.volume.reset();
        self.fast.reset();
        self.slow.reset();
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        self.warm_up
    }
}

pub(super) const ROW: Row = Row {
    name: "sentiment_momentum",
    class: "SentimentMomentumAgent",
    style: Style::Trend,
    params: &[
        Param::int("fast_period", 5, 1, MAX_PERIOD),
        Param::int("slow_period", 20, 2, MAX_PERIOD),
        Param::int("volume_period", 20, 1, MAX_PERIOD),
    ],
    summary: "Short against long mean of volume-weighted returns.",
    takes_model: false,
    rule: Some(|p| (p[0] >= p[1]).then_some(("fast_period", "a period below slow_period"))),
    build: |p, _, _| Ok(erase(SentimentMomentum::new(p))),
};

#[cfg(test)]
mod tests {
    use crate::strategies::testing::{Tape, votes};

    fn quiet() -> Tape {
        (0..45).fold(Tape::new(), |t, k| t.to(if k % 2 == 0 { 100.0 } else { 100.2 }, 10.0))
    }

    #[test]
    fn buys_a_rise_with_a_crowd_and_leaves_when_it_fades() {
        let rise = (1..=5).fold(quiet(), |t, k| t.to(100.0 + f64::from(k), 50.0));
        let fade = (0..30).fold(rise, |t, _| t.to(105.0, 10.0));
        let v = votes("sentiment_momentum", &[], &fade);
        assert!(v[..38].iter().all(|v| !v.is_warm()) && v[38].is_warm());
        assert_eq!(v[46].signal, 1.0);
        assert!(v[46].confidence > 0.5);
        assert_eq!(v[49], v[46], "held as taken");
        assert_eq!(v[60].signal, 0.0);
    }

    #[test]
    fn volume_decides_between_equal_moves() {
        // Up on volume 90, down the same way on volume 10: the crowd bought.
        let tape = (0..40).fold(quiet(), |t, k| if k % 2 == 0 { t.to(101.0, 90.0) } else { t.to(100.0, 10.0) });
        let v = votes("sentiment_momentum", &[], &tape);
        assert!(v[45..].iter().all(|v| v.signal >= 0.0) && v[45..].iter().any(|v| v.signal > 0.0));
    }
}
