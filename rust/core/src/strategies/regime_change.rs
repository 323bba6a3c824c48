//! Regime change: follow in a trend, fade in a range, stand aside in a storm, as a hidden Markov model tells them apart.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::statistic::Zscore;
use crate::indicators::volatility::RealisedVolatility;
use crate::indicators::{Indicator, step};
use crate::signals::{above, below};
use crate::strategies::given;
use crate::strategies::hmm::{Belief, Hmm, HmmModel, Learning, Point, Role};
use crate::strategies::registry::{Row, Style};
use crate::strategies::{Context, Holding, Rule, Vote, erase};
use crate::window::Ring;

/// What the hidden Markov model sees of a bar: the log return and the log of its standard deviation over a window.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ReturnAndVolatility {
    last: f64,
    volatility: RealisedVolatility,
}

impl ReturnAndVolatility {
    /// A standard deviation over `period ≥ 2` returns.
    pub(super) fn new(period: usize) -> Self {
        Self { last: f64::NAN, volatility: RealisedVolatility::new(period, 1.0) }
    }

    /// Takes the next close; none while the window fills.
    pub(super) fn update(&mut self, close: f64) -> Option<[f64; 2]> {
        let last = std::mem::replace(&mut self.last, close);
        let [volatility] = step(&mut self.volatility, [close]);
        if volatility.is_nan() {
            return None;
        }
        Some([grid((close / last).ln()), grid(volatility).max(MIN_VOLATILITY).ln()])
    }

    fn reset(&mut self) {
        self.last = f64::NAN;
        self.volatility.reset();
    }
}

/// Observations are (log return, log of its standard deviation over `period` bars). A Gaussian hidden Markov model of three states,
/// fitted on the `train_window` observations behind and again every `refit` bars, gives *filtered* state probabilities: those of
/// the present given the past. The first model is there at once; a later one is fitted by equal steps over the bars after its window
/// ([`STEPS`] of them, or `refit` where those are fewer) and takes over when it has filtered up to the present. Models fitted
/// elsewhere take its place where they are given, each from its time on.
///
/// In the most probable role: trend → the side of the momentum over `momentum_period` bars; range → against a z-score (over
/// `period`) beyond `entry_z`, until it is back at 0; volatile → flat. Confidence: the role's probability when the position is taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RegimeChange {
    rule: Numbers,
    eye: ReturnAndVolatility,
    zscore: Zscore,
    closes: Ring,
    returns: Ring,
    logs: Ring,
    since_fit: usize,
    /// Models fitted elsewhere with the times from which they judge; they come with the configuration, not with a snapshot.
    #[serde(skip)]
    given: Vec<(Option<i64>, Hmm)>,
    /// Which of them filters.
    present: usize,
    hmm: Option<Hmm>,
    fitting: Option<Fitting>,
    belief: Belief,
    role: Option<Role>,
    holding: Holding,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Numbers {
    period: usize,
    refit: usize,
    momentum: usize,
    entry_z: f64,
    train: usize,
}

/// Standard deviations below this are none: a flat series has no logarithm of its own.
const MIN_VOLATILITY: f64 = 1e-8;

/// `x` to nine decimals: fitting tells tied observations apart by their last bits, which differ between price units.
fn grid(x: f64) -> f64 {
    (x * 1e9).round() / 1e9
}

const STATES: usize = 3;
const ITERATIONS: usize = 20;
/// Observations that a new model filters at least in one step while it catches up.
const CATCH_UP: usize = 64;
/// Steps of one fit: two a round, then catching up.
const STEPS: usize = 2 * ITERATIONS + 6;

/// A model under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Fitting {
    /// Observations of the window it is fitted on, and those after it.
    points: Vec<Point>,
    window: usize,
    /// Steps done. What came of them follows from the points and is not written to snapshots.
    done: usize,
    #[serde(skip)]
    work: Option<Work>,
}

#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // one a strategy; a box for each stretch would be an allocation
enum Work {
    Learning(Box<Learning<STATES>>),
    CatchingUp { hmm: Hmm, belief: Belief, seen: usize },
}

impl Fitting {
    fn new(points: Vec<Point>) -> Self {
        Self { window: points.len(), points, done: 0, work: None }
    }

    /// Half a round or one stretch of catching up; none where the window has no model.
    fn step(&mut self) -> Option<()> {
        let work = match self.work.take() {
            Some(work) => work,
            None => Work::Learning(Box::new(Learning::begin(&self.points[..self.window])?)),
        };
        self.done += 1;
        self.work = Some(match work {
            Work::Learning(mut learning) => {
                if self.done % 2 == 1 {
                    learning.forward()?;
                } else {
                    learning.backward()?;
                }
                if self.done == 2 * ITERATIONS {
                    Work::CatchingUp { hmm: learning.finish(), belief: Belief::new(), seen: 0 }
                } else {
                    Work::Learning(learning)
                }
            }
            Work::CatchingUp { hmm, mut belief, seen } => {
                let to = (seen + CATCH_UP.max(self.window / 5)).min(self.points.len());
                for point in &self.points[seen..to] {
                    hmm.filter(&mut belief, point);
                }
                Work::CatchingUp { hmm, belief, seen: to }
            }
        });
        Some(())
    }

    /// Whether the model has filtered up to the present.
    fn is_ready(&self) -> bool {
        matches!(&self.work, Some(Work::CatchingUp { seen, .. }) if *seen == self.points.len())
    }
}

impl RegimeChange {
    fn new(p: &[f64], model: Option<&str>) -> Result<Self> {
        let [period, train, refit, momentum] = [p[0], p[1], p[2], p[3]].map(|x| x as usize);
        let given = match model {
            None => Vec::new(),
            Some(text) => given::read::<HmmModel>("regime_change", text, "a Gaussian hidden Markov model")?
                .iter()
                .map(|model| Ok((model.from_ts, Hmm::from_model(model)?)))
                .collect::<Result<_>>()?,
        };
        Ok(Self {
            rule: Numbers { period, refit, momentum, entry_z: p[4], train },
            eye: ReturnAndVolatility::new(period),
            zscore: Zscore::new(period, 0),
            closes: Ring::new(momentum),
            returns: Ring::new(train),
            logs: Ring::new(train),
            since_fit: 0,
            given,
            present: 0,
            hmm: None,
            fitting: None,
            belief: Belief::new(),
            role: None,
            holding: Holding::new(),
        })
    }

    fn window(&self) -> Vec<Point> {
        self.returns.iter().zip(self.logs.iter()).map(|(r, v)| [r, v]).collect()
    }

    /// Filters the new observation by the model whose time it is; a model that takes over goes through the past itself, for its
    /// states are other states.
    fn follow(&mut self, x: Point, ts: i64) {
        let present = given::at(&self.given, ts).unwrap_or(0);
        let hmm = &self.given[present].1;
        if std::mem::replace(&mut self.present, present) == present {
            hmm.filter(&mut self.belief, &x);
        } else {
            self.belief.clear();
            for point in self.returns.iter().zip(self.logs.iter()).map(|(r, v)| [r, v]) {
                if !point[0].is_nan() {
                    hmm.filter(&mut self.belief, &point);
                }
            }
        }
    }

    /// Filters the new observation, and goes on with the fit that is due or under way.
    fn observe(&mut self, x: Point, ts: i64) {
        self.returns.push(x[0]);
        self.logs.push(x[1]);
        if !self.given.is_empty() {
            self.follow(x, ts);
            return;
        }
        if let Some(hmm) = &self.hmm {
            hmm.filter(&mut self.belief, &x);
        }
        if let Some(fitting) = &mut self.fitting {
            fitting.points.push(x);
        }
        self.since_fit += 1;
        let due = self.hmm.is_none() || self.since_fit >= self.rule.refit;
        if self.returns.is_full() && due {
            self.fitting = Some(Fitting::new(self.window()));
            self.since_fit = 0;
        }
        let steps = if self.hmm.is_none() { usize::MAX } else { STEPS.div_ceil(self.rule.refit) };
        self.fit(steps);
    }

    /// Up to `n` steps of the fit under way; those left over by a `refit` that is shorter are made up for at its end.
    fn fit(&mut self, n: usize) {
        let Some(mut fitting) = self.fitting.take() else { return };
        let last = self.hmm.is_some() && self.since_fit + 1 >= self.rule.refit;
        for _ in 0..if last { usize::MAX } else { n } {
            if fitting.step().is_none() {
                // The next bar has another window to try.
                self.since_fit = self.rule.refit;
                return;
            }
            if fitting.is_ready() {
                if let Some(Work::CatchingUp { hmm, belief, .. }) = fitting.work {
                    (self.hmm, self.belief) = (Some(hmm), belief);
                }
                return;
            }
        }
        self.fitting = Some(fitting);
    }

    fn act(&mut self, momentum: f64, z: f64, role: Role, probability: f64) {
        if self.role.replace(role) != Some(role) && role != Role::Trend {
            self.holding.close();
        }
        match role {
            Role::Volatile => self.holding.close(),
            Role::Trend if above(momentum, 0.0) => self.holding.take(1.0, probability),
            Role::Trend if below(momentum, 0.0) => self.holding.take(-1.0, probability),
            Role::Trend => {}
            Role::Range if below(z, -self.rule.entry_z) => self.holding.take(1.0, probability),
            Role::Range if above(z, self.rule.entry_z) => self.holding.take(-1.0, probability),
            Role::Range => {
                let side = self.holding.side();
                if (side > 0 && !below(z, 0.0)) || (side < 0 && !above(z, 0.0)) {
                    self.holding.close();
                }
            }
        }
    }
}

impl Rule for RegimeChange {
    fn update(&mut self, context: &Context<'_>) -> Vote {
        let close = context.bar.close;
        let seen = self.eye.update(close);
        let [z] = step(&mut self.zscore, [close]);
        let momentum = close / self.closes.push(close) - 1.0;
        let Some(seen) = seen else { return Vote::COLD };
        self.observe(seen, context.bar.ts);
        let given = given::at(&self.given, context.bar.ts).map(|k| &self.given[k].1);
        let early = !self.given.is_empty() && given.is_none();
        let Some(hmm) = given.or(self.hmm.as_ref()) else { return Vote::COLD };
        if momentum.is_nan() || z.is_nan() || early {
            return Vote::COLD;
        }
        let (role, probability) = hmm.role(&self.belief);
        self.act(momentum, z, role, probability);
        self.holding.vote()
    }
    fn reset(&mut self) {
        self.eye.reset();
        self.zscore.reset();
        self.closes.reset();
        self.returns.reset();
        self.logs.reset();
        self.since_fit = 0;
        self.hmm = None;
        self.fitting = None;
        self.present = 0;
        self.belief.clear();
        self.role = None;
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        let own = if self.given.is_empty() { self.rule.train - 1 } else { 0 };
        let fitted = self.rule.period + own;
        fitted.max(self.rule.momentum)
    }
    fn inherit(&mut self, before: Self) {
        self.given = before.given;
        if let Some(fitting) = &mut self.fitting {
            for _ in 0..std::mem::take(&mut fitting.done) {
                // It went through once, on the same points.
                let _ = fitting.step();
            }
        }
    }
}

pub(super) const ROW: Row = Row {
    name: "regime_change",
    class: "RegimeChangeAgent",
    style: Style::Adaptive,
    params: &[
        Param::int("period", 20, 2, MAX_PERIOD),
        Param::int("train_window", 300, 30, 20_000),
        Param::int("refit", 100, 1, MAX_PERIOD),
        Param::int("momentum_period", 20, 1, MAX_PERIOD),
        Param::float("entry_z", 1.0, 0.01, 100.0),
    ],
    summary: "Follows in a trend, fades in a range, stands aside in a storm: filtered states of a hidden Markov model.",
    takes_model: true,
    rule: None,
    build: |p, _, model| Ok(erase(RegimeChange::new(p, model)?)),
};

#[cfg(test)]
mod tests {
    use crate::strategies::Vote;
    use crate::strategies::registry::{StrategyContext, find};
    use crate::strategies::testing::{Tape, run, votes};

    /// Calm rise for 80 bars, storm for 40, and so on.
    fn weather(n: usize) -> Tape {
        (0..n).fold(Tape::new(), |t, k| {
            let last = t.0.last().map_or(100.0, |b| b.close);
            let x = k as f64;
            let noise = 0.5 * ((x * 1.37).sin() + (x * 2.93).sin());
            let step = if k % 120 < 80 { 0.002 + 0.001 * noise } else { 0.04 * noise };
            t.to(last * (1.0 + step), 1.0)
        })
    }

    #[test]
    fn stands_aside_in_the_storm_and_follows_the_calm_rise() {
        let v = votes("regime_change", &[("train_window", 240.0), ("period", 5.0)], &weather(720));
        assert!(v[..244].iter().all(|v| !v.is_warm()) && v[244].is_warm());
        let storm: Vec<f64> = (480..720).filter(|k| k % 120 >= 90).map(|k| v[k].signal).collect();
        let flat = storm.iter().filter(|&&s| s == 0.0).count();
        assert!(flat * 10 > storm.len() * 8, "{flat} of {}", storm.len());
        let calm: Vec<f64> = (480..720).filter(|k| (30..80).contains(&(k % 120))).map(|k| v[k].signal).collect();
        assert!(calm.iter().sum::<f64>().abs() > 0.0, "{calm:?}");
    }

    /// The votes with models fitted over several bars are those of a stream that is interrupted anywhere.
    #[test]
    fn a_fit_under_way_is_taken_up_again() {
        let tape = weather(400);
        for refit in [1.0, 9.0, 46.0, 60.0] {
            let params = [("train_window", 120.0), ("period", 5.0), ("refit", refit)];
            let row = find("regime_change").unwrap();
            let build = || row.build_fitted(&params, &StrategyContext::default(), None).unwrap();
            let whole = run(&mut *build(), &tape.0);
            let mut s = build();
            for (k, bar) in tape.0.iter().enumerate() {
                let mut other = build();
                other.restore(&s.snapshot().unwrap()).unwrap();
                s = other;
                let vote = run(&mut *s, &[*bar])[0];
                assert_eq!(vote.signal.to_bits(), whole[k].signal.to_bits(), "{refit}: bar {k}");
                assert_eq!(vote.confidence.to_bits(), whole[k].confidence.to_bits(), "{refit}: bar {k}");
            }
            assert!(whole.iter().any(|v| v.signal > 0.0), "{refit}");
        }
    }

    #[test]
    fn each_given_model_filters_in_its_own_time() {
        // The first holds everything for a storm, the second for a trend.
        let model = |volatility: f64, from: i64| {
            format!(
                r#"{{"center": [0, {volatility}], "scale": [0.01, 1], "start": [0.5, 0.5], "transition": [[0.95, 0.05], [0.05, 0.95]],
                "means": [[0.1, -4], [0, 4]], "covariances": [[[1, 0], [0, 1]], [[4, 0], [0, 1]]], "from_ts": {from}}}"#
            )
        };
        let hour = 3_600_000;
        let both = format!("[{}, {}]", model(-12.0, 30 * hour), model(-2.0, 60 * hour));
        let row = find("regime_change").unwrap();
        let build = |text: &str| row.build_fitted(&[], &StrategyContext::default(), Some(text)).unwrap();
        let tape = weather(80);
        let v = run(&mut *build(&both), &tape.0);
        assert!(v[..30].iter().all(|v| !v.is_warm()));
        assert!(v[30..60].iter().all(|v| v.signal == 0.0 && v.is_warm()));
        assert!(v[60..].iter().all(|v| v.signal == 1.0), "{:?}", &v[60..]);
        // The second one alone, which has seen the same past, says the same.
        let alone = run(&mut *build(&model(-2.0, 60 * hour)), &tape.0);
        assert_eq!(
            v[60..].iter().map(|v| v.signal).collect::<Vec<_>>(),
            alone[60..].iter().map(|v| v.signal).collect::<Vec<_>>()
        );
        let mut s = build(&both);
        run(&mut *s, &tape.0[..59]);
        let mut other = build(&both);
        other.restore(&s.snapshot().unwrap()).unwrap();
        assert_eq!(run(&mut *other, &tape.0[59..]), &v[59..]);
    }

    #[test]
    fn a_given_model_is_cold_before_its_time() {
        let model = r#"{"center": [0, -4], "scale": [0.01, 1], "start": [0.5, 0.5], "transition": [[0.95, 0.05], [0.05, 0.95]],
            "means": [[0.1, -1], [0, 1]], "covariances": [[[1, 0], [0, 1]], [[4, 0], [0, 1]]], "from_ts": 180000000}"#;
        let row = find("regime_change").unwrap();
        let mut s = row.build_fitted(&[], &StrategyContext::default(), Some(model)).unwrap();
        let tape = weather(100);
        let v = run(&mut *s, &tape.0);
        assert!(v[..50].iter().all(|v| !v.is_warm()) && v[50..].iter().all(Vote::is_warm));
        assert!(v[50..80].iter().any(|v| v.signal > 0.0));
        let bytes = s.snapshot().unwrap();
        let mut other = row.build_fitted(&[], &StrategyContext::default(), Some(model)).unwrap();
        other.restore(&bytes).unwrap();
        assert_eq!(run(&mut *s, &tape.0[90..]), run(&mut *other, &tape.0[90..]));
        assert!(row.build_fitted(&[], &StrategyContext::default(), Some("{}")).is_err());
    }
}
