//! Anomaly detection: against the move of a bar that an isolation forest finds strange.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::volume::VolumeRatio;
use crate::indicators::{Indicator, step};
use crate::signals::{above, below};
use crate::strategies::forest::{Forest, ForestModel, Growth, Sample};
use crate::strategies::given;
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase, unit};
use crate::types::Bar;

/// What the forest sees of a bar: (log return, ln(high / low), ln(1 + volume ratio)).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BarShape {
    last: f64,
    volume: VolumeRatio,
}

impl BarShape {
    /// A mean volume over `period ≥ 1` bars.
    pub(super) fn new(period: usize) -> Self {
        Self { last: f64::NAN, volume: VolumeRatio::new(period) }
    }

    /// Takes the next bar; none while the mean volume or the return is missing.
    pub(super) fn update(&mut self, bar: &Bar) -> Option<[f64; 3]> {
        let last = std::mem::replace(&mut self.last, bar.close);
        let [ratio] = step(&mut self.volume, [bar.volume]);
        if last.is_nan() || ratio.is_nan() {
            return None;
        }
        Some([(bar.close / last).ln(), (bar.high / bar.low).ln(), (1.0 + ratio).ln()])
    }

    fn reset(&mut self) {
        self.last = f64::NAN;
        self.volume.reset();
    }
}

/// A bar is (log return, ln(high / low), ln(1 + volume ratio)). An isolation forest, grown on the `train_window` bars behind and
/// again every `refit` bars, scores it; below the score that `contamination` of the training bars fall short of it is an anomaly.
/// The first forest is there at once; a later one grows by equal steps over the [`SPREAD`] bars after its window, or `refit` where
/// those are fewer, and takes over when it is whole. Forests fitted elsewhere take its place where they are given, each from its
/// time on.
///
/// The position is against the anomalous bar's return, until `hold` bars have passed or another anomaly speaks. Confidence:
/// `0.5 + 0.5·u((offset − score) / (1 + offset))`: 1 for a bar that one cut sets apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnomalyDetection {
    rule: Numbers,
    shape: BarShape,
    /// The bars behind, oldest first.
    window: Vec<Sample>,
    since_fit: usize,
    /// What the present forest was grown on; the forest itself follows from it and is not written to snapshots.
    grown_on: Vec<Sample>,
    #[serde(skip)]
    forest: Option<Forest>,
    growing: Option<Growing>,
    /// Forests fitted elsewhere with the times from which they judge; they come with the configuration, not with a snapshot.
    #[serde(skip)]
    given: Vec<(Option<i64>, Forest)>,
    held: usize,
    holding: Holding,
}

/// Most bars over which a forest grows: one bar should not wait for a hundred trees.
const SPREAD: usize = 100;

/// A forest under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Growing {
    on: Vec<Sample>,
    /// Trees that are grown. The trees themselves follow from the rows and are not written to snapshots.
    trees: usize,
    #[serde(skip)]
    growth: Option<Growth>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Numbers {
    train: usize,
    refit: usize,
    contamination: f64,
    trees: usize,
    hold: usize,
    seed: u64,
    volume: usize,
}

impl AnomalyDetection {
    fn new(p: &[f64], model: Option<&str>) -> Result<Self> {
        let [train, refit, trees, hold, volume] = [p[0], p[1], p[3], p[4], p[5]].map(|x| x as usize);
        let given = match model {
            None => Vec::new(),
            Some(text) => given::read::<ForestModel>("anomaly_detection", text, "an isolation forest")?
                .iter()
                .map(|model| {
                    if let Some(period) = model.volume_period.filter(|&v| v as usize != volume) {
                        let name = "anomaly_detection.volume_period";
                        return Err(CoreError::parameter(name, volume, format!("{period}, as the model was fitted")));
                    }
                    Ok((model.from_ts, Forest::from_model(model)?))
                })
                .collect::<Result<_>>()?,
        };
        Ok(Self {
            rule: Numbers { train, refit, contamination: p[2], trees, hold, seed: p[6] as u64, volume },
            shape: BarShape::new(volume),
            window: Vec::new(),
            since_fit: 0,
            grown_on: Vec::new(),
            forest: None,
            growing: None,
            given,
            held: 0,
            holding: Holding::new(),
        })
    }

    fn begin(&self, on: &[Sample]) -> Growth {
        let n = &self.rule;
        Growth::new(on, n.trees, n.contamination, n.seed)
    }

    /// Grows up to `n` further trees; the forest takes over with its last one.
    fn grow(&mut self, n: usize) {
        let Some(mut growing) = self.growing.take() else { return };
        let mut growth = growing.growth.take().unwrap_or_else(|| self.begin(&growing.on));
        growth.grow(n);
        growing.trees = growth.grown();
        if growing.trees == self.rule.trees {
            self.forest = Some(growth.finish());
            self.grown_on = growing.on;
        } else {
            self.growing = Some(Growing { growth: Some(growth), ..growing });
        }
    }

    /// Keeps the bar for training and grows the forest that is due, or under way, on those before it: a bar is never judged by a
    /// forest that has seen it.
    fn learn(&mut self, sample: Sample) {
        if !self.given.is_empty() {
            return;
        }
        self.since_fit += 1;
        let full = self.window.len() == self.rule.train;
        if full && (self.forest.is_none() || self.since_fit >= self.rule.refit) {
            self.growing = Some(Growing { on: self.window.clone(), trees: 0, growth: None });
            self.since_fit = 0;
        }
        let bars = if self.forest.is_none() { 1 } else { self.rule.refit.min(SPREAD) };
        self.grow(self.rule.trees.div_ceil(bars));
        if full {
            self.window.remove(0);
        }
        self.window.push(sample);
    }
}

impl Rule for AnomalyDetection {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let b = context.bar;
        let Some(shape) = self.shape.update(b) else { return Vote::COLD };
        let (change, sample) = (shape[0], shape.map(|x| x as f32));
        self.learn(sample);
        let given = given::at(&self.given, b.ts).map(|k| &self.given[k].1);
        let Some(forest) = given.or(self.forest.as_ref()) else { return Vote::COLD };
        let (score, offset) = (forest.score(&sample), forest.offset());
        self.held += 1;
        let direction = i8::from(above(change, 0.0)) - i8::from(below(change, 0.0));
        if below(score, offset) && direction != 0 {
            self.holding.take(-f64::from(direction), 0.5 + 0.5 * unit((offset - score) / (1.0 + offset)));
            self.held = 0;
        } else if self.held >= self.rule.hold {
            self.holding.close();
        }
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.shape.reset();
        self.window.clear();
        self.since_fit = 0;
        self.grown_on.clear();
        self.forest = None;
        self.growing = None;
        self.held = 0;
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        let first = (self.rule.volume - 1).max(1);
        if self.given.is_empty() { first + self.rule.train } else { first }
    }
    fn inherit(&mut self, before: Self) {
        self.given = before.given;
        if !self.grown_on.is_empty() {
            let mut growth = self.begin(&self.grown_on);
            growth.grow(self.rule.trees);
            self.forest = Some(growth.finish());
        }
        if let Some(growing) = self.growing.take() {
            let trees = growing.trees;
            self.growing = Some(growing);
            self.grow(trees);
        }
    }
}

pub(super) const ROW: Row = Row {
    name: "anomaly_detection",
    class: "AnomalyDetectionAgent",
    style: Style::Reversion,
    params: &[
        Param::int("train_window", 300, 16, 20_000),
        Param::int("refit", 100, 1, MAX_PERIOD),
        Param::float("contamination", 0.1, 1e-4, 0.5),
        Param::int("trees", 100, 1, 1_000),
        Param::int("hold", 5, 1, MAX_PERIOD),
        Param::int("volume_period", 20, 1, MAX_PERIOD),
        Param::int("seed", 42, 0, 1_000_000_000),
    ],
    summary: "Against the move of a bar that an isolation forest grown on the bars behind finds strange.",
    takes_model: true,
    rule: None,
    build: |p, _, model| Ok(erase(AnomalyDetection::new(p, model)?)),
};

#[cfg(test)]
mod tests {
    use crate::strategies::registry::{StrategyContext, find};
    use crate::strategies::testing::{Tape, run, votes};

    fn calm(n: usize) -> Tape {
        (0..n).fold(Tape::new(), |t, k| {
            let x = k as f64;
            t.to(100.0 + ((x * 1.37).sin() + (x * 2.93).sin()) * 0.3, 10.0 + (x * 0.7).sin())
        })
    }

    #[test]
    fn fades_the_shock_and_lets_go() {
        let tape = calm(150).to(94.0, 60.0).to(94.1, 10.0).to(94.0, 10.0).to(94.1, 10.0).to(94.0, 10.0);
        let params = [("train_window", 100.0), ("contamination", 0.01), ("hold", 3.0)];
        let v = votes("anomaly_detection", &params, &tape);
        assert!(v[..119].iter().all(|v| !v.is_warm()) && v[119].is_warm());
        assert!(v[150].signal == 1.0 && v[150].confidence > 0.5, "{:?}", v[150]);
        assert_eq!((v[151], v[152]), (v[150], v[150]));
        assert_eq!(v[153].signal, 0.0);
    }

    /// The votes with forests grown over several bars are those of a stream that is interrupted anywhere.
    #[test]
    fn a_forest_under_way_is_taken_up_again() {
        let tape = calm(130).to(94.0, 60.0);
        let tape = (0..90).fold(tape, |t, k| t.to(94.0 + (f64::from(k) * 1.7).sin(), 10.0 + f64::from(k % 7)));
        for refit in [1.0, 7.0, 40.0] {
            let params = [("train_window", 50.0), ("trees", 13.0), ("refit", refit), ("volume_period", 5.0)];
            let row = find("anomaly_detection").unwrap();
            let build = || row.build_fitted(&params, &StrategyContext::default(), None).unwrap();
            let whole = run(&mut *build(), &tape.0);
            let mut s = build();
            for (k, bar) in tape.0.iter().enumerate() {
                let mut other = build();
                other.restore(&s.snapshot().unwrap()).unwrap();
                s = other;
                assert_eq!(run(&mut *s, &[*bar])[0].signal.to_bits(), whole[k].signal.to_bits(), "{refit}: bar {k}");
            }
            assert!(whole.iter().any(|v| v.signal > 0.0) && whole.iter().any(|v| v.signal < 0.0), "{refit}");
        }
    }

    #[test]
    fn each_given_forest_judges_in_its_own_time() {
        // A fall is strange to the first one, nothing is to the second.
        let forest = |offset: f64, from: i64| {
            format!(
                r#"{{"max_samples": 256, "offset": {offset}, "from_ts": {from}, "trees": [{{"feature": [0, -2, -2],
                "threshold": [-0.02, -2.0, -2.0], "left": [1, -1, -1], "right": [2, -1, -1], "samples": [256, 1, 255]}}]}}"#
            )
        };
        let hour = 3_600_000;
        let model = format!("[{}, {}]", forest(-0.7, 50 * hour), forest(-0.999, 62 * hour));
        let row = find("anomaly_detection").unwrap();
        let build = || row.build_fitted(&[("hold", 1.0)], &StrategyContext::default(), Some(&model)).unwrap();
        let tape = calm(60).to(95.0, 10.0).to(95.0, 10.0).to(90.0, 10.0).to(90.0, 10.0);
        let mut s = build();
        let v = run(&mut *s, &tape.0);
        assert!(v[..50].iter().all(|v| !v.is_warm()) && v[50..].iter().all(crate::strategies::Vote::is_warm));
        assert_eq!((v[60].signal, v[61].signal, v[62].signal), (1.0, 0.0, 0.0));
        let swapped = format!("[{}, {}]", forest(-0.7, 62 * hour), forest(-0.9, 50 * hour));
        let told = row.build_fitted(&[], &StrategyContext::default(), Some(&swapped)).err().unwrap().to_string();
        assert!(told.contains("from_ts rises"), "{told}");
    }

    #[test]
    fn a_given_forest_judges_from_its_time_on() {
        // One cut: a log return at or below −0.02 is alone, everything else is not.
        let model = r#"{"max_samples": 256, "offset": -0.7, "from_ts": 180000000, "trees": [{"feature": [0, -2, -2],
            "threshold": [-0.02, -2.0, -2.0], "left": [1, -1, -1], "right": [2, -1, -1], "samples": [256, 1, 255]}]}"#;
        let row = find("anomaly_detection").unwrap();
        let build = || row.build_fitted(&[], &StrategyContext::default(), Some(model)).unwrap();
        let tape = calm(40).to(95.0, 10.0).to(95.0, 10.0);
        let v = run(&mut *build(), &tape.0);
        assert!(v.iter().all(|v| !v.is_warm()), "before its time");
        let tape = calm(60).to(95.0, 10.0).to(95.0, 10.0);
        let mut s = build();
        let v = run(&mut *s, &tape.0);
        assert!(v[50..60].iter().all(|v| v.signal == 0.0));
        assert_eq!((v[60].signal, v[61].signal), (1.0, 1.0));
        let mut other = build();
        other.restore(&s.snapshot().unwrap()).unwrap();
        assert_eq!(run(&mut *other, &tape.0[61..]), run(&mut *s, &tape.0[61..]));
        assert!(row.build_fitted(&[], &StrategyContext::default(), Some("[]")).is_err());
        assert!(find("ut_bot").unwrap().build_fitted(&[], &StrategyContext::default(), Some(model)).is_err());
    }
}
