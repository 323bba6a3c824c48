//! Regime change: follow in a trend, fade in a range, stand aside in a storm, as a hidden Markov model tells them apart.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::indicators::registry::{MAX_PERIOD, Param};
use crate::indicators::statistic::Zscore;
use crate::indicators::volatility::RealisedVolatility;
use crate::indicators::{Indicator, step};
use crate::signals::{above, below};
use crate::strategies::hmm::{Belief, Hmm, HmmModel, Point, Role};
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
/// the present given the past. A model fitted elsewhere takes its place where one is given.
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
    /// Given from outside: never fitted again.
    fixed: bool,
    from_ts: Option<i64>,
    hmm: Option<Hmm>,
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

impl RegimeChange {
    fn new(p: &[f64], model: Option<&str>) -> Result<Self> {
        let [period, train, refit, momentum] = [p[0], p[1], p[2], p[3]].map(|x| x as usize);
        let (hmm, from_ts) = match model {
            None => (None, None),
            Some(text) => {
                let model: HmmModel = serde_json::from_str(text).map_err(|e| {
                    CoreError::parameter(
                        "regime_change.model",
                        format!("{e}"),
                        "a Gaussian hidden Markov model as JSON",
                    )
                })?;
                (Some(Hmm::from_model(&model)?), model.from_ts)
            }
        };
        Ok(Self {
            rule: Numbers { period, refit, momentum, entry_z: p[4], train },
            eye: ReturnAndVolatility::new(period),
            zscore: Zscore::new(period, 0),
            closes: Ring::new(momentum),
            returns: Ring::new(train),
            logs: Ring::new(train),
            since_fit: 0,
            fixed: hmm.is_some(),
            from_ts,
            hmm,
            belief: Belief::new(),
            role: None,
            holding: Holding::new(),
        })
    }

    /// Filters the new observation, after fitting anew where that is due.
    fn observe(&mut self, x: Point) {
        self.returns.push(x[0]);
        self.logs.push(x[1]);
        if self.fixed {
            if let Some(hmm) = &self.hmm {
                hmm.filter(&mut self.belief, &x);
            }
            return;
        }
        self.since_fit += 1;
        let due = self.hmm.is_none() || self.since_fit >= self.rule.refit;
        if self.returns.is_full() && due {
            let points: Vec<Point> = self.returns.iter().zip(self.logs.iter()).map(|(r, v)| [r, v]).collect();
            if let Some(hmm) = Hmm::fit(&points, STATES, ITERATIONS) {
                // The new model's states are other states: it has to go through the past itself.
                self.belief.clear();
                for point in &points {
                    hmm.filter(&mut self.belief, point);
                }
                self.hmm = Some(hmm);
                self.since_fit = 0;
                return;
            }
        }
        if let Some(hmm) = &self.hmm {
            hmm.filter(&mut self.belief, &x);
        }
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
        self.observe(seen);
        let early = self.from_ts.is_some_and(|from| context.bar.ts < from);
        let Some(hmm) = &self.hmm else { return Vote::COLD };
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
        if !self.fixed {
            self.hmm = None;
        }
        self.belief.clear();
        self.role = None;
        self.holding.close();
    }
    fn warm_up(&self) -> usize {
        let fitted = if self.fixed { self.rule.period } else { self.rule.period + self.rule.train - 1 };
        fitted.max(self.rule.momentum)
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
