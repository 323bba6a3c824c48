//! A hidden Markov model with Gaussian states over pairs of observations: fitting on the past, filtering, nothing that looks ahead.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::error::{CoreError, Result};
use crate::strategies::given::Dated;

/// One observation.
pub(super) type Point = [f64; 2];

/// Most states that a model may have.
const MAX_STATES: usize = 16;

/// One probability a state.
pub(super) type Belief = SmallVec<[f64; MAX_STATES]>;

/// What a state stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    Trend,
    Range,
    Volatile,
}

/// A fitted model as configuration holds it: what `hmmlearn.GaussianHMM` calls `startprob_`, `transmat_`, `means_` and `covars_`
/// (full), over observations standardised by `center` and `scale`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HmmModel {
    /// Subtracted from the observations (log return, log volatility).
    pub(super) center: Point,
    /// Then divides them.
    pub(super) scale: Point,
    /// Probability of each state at the first observation.
    pub(super) start: Vec<f64>,
    /// `transition[i][j]`: probability of going from state i to state j.
    pub(super) transition: Vec<Vec<f64>>,
    /// Mean of each state.
    pub(super) means: Vec<Point>,
    /// Covariance of each state.
    pub(super) covariances: Vec<[Point; 2]>,
    /// What each state stands for; without it the rule of [`roles`].
    #[serde(default)]
    pub(super) roles: Option<Vec<Role>>,
    /// First bar (open time, milliseconds) that the model may judge: the one after the data it was fitted on.
    #[serde(default)]
    pub(super) from_ts: Option<i64>,
}

impl Dated for HmmModel {
    fn since(&self) -> Option<i64> {
        self.from_ts
    }
}

/// The most volatile state is `Volatile`; of the others the one whose mean return is the furthest from 0 is `Trend`, the rest `Range`.
/// Of two states the calm one is `Trend`.
fn roles(means: &[Point], center: Point, scale: Point) -> Vec<Role> {
    let volatile = most(means, |m| m[1], usize::MAX);
    let trend = most(means, |m| (m[0] * scale[0] + center[0]).abs(), volatile);
    let role = |k| {
        if k == volatile {
            Role::Volatile
        } else if k == trend {
            Role::Trend
        } else {
            Role::Range
        }
    };
    (0..means.len()).map(role).collect()
}

/// Index of the first state with the largest value, `except` left out.
fn most(means: &[Point], value: impl Fn(&Point) -> f64, except: usize) -> usize {
    let mut best = usize::MAX;
    for k in (0..means.len()).filter(|&k| k != except) {
        if best == usize::MAX || value(&means[k]) > value(&means[best]) {
            best = k;
        }
    }
    best
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Gaussian {
    mean: Point,
    /// Lower Cholesky factor of the covariance: l11, l21, l22.
    factor: [f64; 3],
    /// `−ln(2π) − ln l11 − ln l22`
    constant: f64,
}

impl Gaussian {
    fn new(mean: Point, covariance: [Point; 2]) -> Option<Self> {
        let [[a, b], [c, d]] = covariance;
        if !(mean.iter().all(|m| m.is_finite()) && (b - c).abs() <= 1e-9 * (a.abs() + d.abs()) && a > 0.0) {
            return None;
        }
        let l11 = a.sqrt();
        let l21 = b / l11;
        let rest = d - l21 * l21;
        if !(rest > 0.0 && rest.is_finite()) {
            return None;
        }
        let l22 = rest.sqrt();
        let constant = -std::f64::consts::TAU.ln() - l11.ln() - l22.ln();
        Some(Self { mean, factor: [l11, l21, l22], constant })
    }

    fn log_density(&self, x: &Point) -> f64 {
        let [l11, l21, l22] = self.factor;
        let u = (x[0] - self.mean[0]) / l11;
        let v = (x[1] - self.mean[1] - l21 * u) / l22;
        self.constant - 0.5 * (u * u + v * v)
    }
}

/// A model ready to filter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Hmm {
    center: Point,
    scale: Point,
    start: Vec<f64>,
    /// Row after row.
    transition: Vec<f64>,
    states: Vec<Gaussian>,
    roles: Vec<Role>,
}

/// Smallest variance of a state, in variances of the whole series, as in hmmlearn: a state must not collapse onto a point.
const MIN_VARIANCE: f64 = 1e-3;

impl Hmm {
    /// Takes over a model fitted elsewhere.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the part that is no distribution.
    pub(super) fn from_model(model: &HmmModel) -> Result<Self> {
        let bad = |field: &str, value: String, expected: &str| {
            Err(CoreError::parameter(format!("regime_change.model.{field}"), value, expected))
        };
        let n = model.start.len();
        if !(2..=MAX_STATES).contains(&n) {
            return bad("start", format!("{n} states"), "2 to 16 states");
        }
        let distribution =
            |p: &[f64]| p.len() == n && p.iter().all(|&x| x >= 0.0) && (p.iter().sum::<f64>() - 1.0).abs() < 1e-6;
        if !distribution(&model.start) {
            return bad("start", format!("{:?}", model.start), "probabilities that add up to 1");
        }
        if model.transition.len() != n || !model.transition.iter().all(|row| distribution(row)) {
            return bad("transition", format!("{:?}", model.transition), "one row of probabilities a state");
        }
        if model.means.len() != n || model.covariances.len() != n {
            let value = format!("{} means, {} covariances", model.means.len(), model.covariances.len());
            return bad("means", value, "one mean and one covariance a state");
        }
        if !model.center.iter().all(|c| c.is_finite()) || !model.scale.iter().all(|s| *s > 0.0 && s.is_finite()) {
            return bad("scale", format!("{:?}", model.scale), "two numbers > 0 and a finite center");
        }
        let mut states = Vec::with_capacity(n);
        for (mean, covariance) in model.means.iter().zip(&model.covariances) {
            match Gaussian::new(*mean, *covariance) {
                Some(state) => states.push(state),
                None => return bad("covariances", format!("{covariance:?}"), "symmetric, positive definite matrices"),
            }
        }
        let roles = model.roles.clone().unwrap_or_else(|| roles(&model.means, model.center, model.scale));
        if roles.len() != n {
            return bad("roles", format!("{} roles", roles.len()), "one role a state");
        }
        Ok(Self {
            center: model.center,
            scale: model.scale,
            start: model.start.clone(),
            transition: model.transition.iter().flatten().copied().collect(),
            states,
            roles,
        })
    }

    fn standard(&self, x: &Point) -> Point {
        [(x[0] - self.center[0]) / self.scale[0], (x[1] - self.center[1]) / self.scale[1]]
    }

    /// Filtered probabilities after one more observation: `p_j ∝ density_j(x)·Σ_i p_i·transition_ij`; no `belief` yet: the start.
    pub(super) fn filter(&self, belief: &mut Belief, x: &Point) {
        let n = self.states.len();
        let x = self.standard(x);
        let log: Belief = self.states.iter().map(|s| s.log_density(&x)).collect();
        let top = log.iter().fold(f64::MIN, |a, &b| a.max(b));
        let prior: Belief = if belief.len() == n {
            (0..n).map(|j| (0..n).map(|i| belief[i] * self.transition[i * n + j]).sum()).collect()
        } else {
            self.start.iter().copied().collect()
        };
        let mut next: Belief = prior.iter().zip(&log).map(|(p, l)| p * (l - top).exp()).collect();
        let total: f64 = next.iter().sum();
        if total > 0.0 {
            for p in &mut next {
                *p /= total;
            }
            *belief = next;
        } else {
            // No state that can be reached explains the observation: only the chain is left to go by.
            *belief = prior;
        }
    }

    /// The role with the largest probability, and that probability; at a tie the first in the order volatile, trend, range.
    pub(super) fn role(&self, belief: &[f64]) -> (Role, f64) {
        let mass = |role: Role| self.roles.iter().zip(belief).filter(|(r, _)| **r == role).map(|(_, p)| p).sum::<f64>();
        let mut best = (Role::Volatile, mass(Role::Volatile));
        for role in [Role::Trend, Role::Range] {
            let p = mass(role);
            if p > best.1 {
                best = (role, p);
            }
        }
        best
    }

    /// Fits in one go; see [`Learning`].
    #[cfg(test)]
    pub(super) fn fit<const N: usize>(points: &[Point], iterations: usize) -> Option<Self> {
        let mut learning = Learning::<N>::begin(points)?;
        for _ in 0..iterations {
            learning.forward()?;
            learning.backward()?;
        }
        Some(learning.finish())
    }
}

/// Expectation maximisation (Baum and Welch), round by round, from the quantiles of the second observation: the same past always
/// gives the same model.
#[derive(Debug, Clone)]
pub(super) struct Learning<const N: usize> {
    center: Point,
    scale: Point,
    /// Standardised observations.
    points: Vec<Point>,
    start: [f64; N],
    /// From state (row) to state.
    transition: [[f64; N]; N],
    states: [Gaussian; N],
    /// By observation; kept between the rounds for their room alone.
    density: Vec<[f64; N]>,
    weights: Vec<[f64; N]>,
    norm: Vec<f64>,
}

/// Bars after which the forward probabilities are scaled back to a sum of 1: a division that everything after it waits for. Between
/// them nothing can vanish: the likeliest state has density 1, and no transition is impossible.
const RESCALE: usize = 8;

impl<const N: usize> Learning<N> {
    /// A first guess; none for too few observations.
    pub(super) fn begin(observed: &[Point]) -> Option<Self> {
        if observed.len() < 4 * N {
            return None;
        }
        let count = observed.len() as f64;
        let mut center = [0.0; 2];
        let mut scale = [1.0; 2];
        for d in 0..2 {
            center[d] = observed.iter().map(|p| p[d]).sum::<f64>() / count;
            let variance = observed.iter().map(|p| (p[d] - center[d]).powi(2)).sum::<f64>() / count;
            // A series that only trembles in its last bits has no scale.
            if variance.sqrt() > 1e-9 {
                scale[d] = variance.sqrt();
            }
        }
        let points: Vec<Point> =
            observed.iter().map(|p| [(p[0] - center[0]) / scale[0], (p[1] - center[1]) / scale[1]]).collect();
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&a, &b| points[a][1].total_cmp(&points[b][1]).then(a.cmp(&b)));
        let mut weights = vec![[0.0; N]; points.len()];
        for (place, &t) in order.iter().enumerate() {
            weights[t][place * N / points.len()] = 1.0;
        }
        let stay = 0.9;
        let away = (1.0 - stay) / (N - 1) as f64;
        let transition = std::array::from_fn(|i| std::array::from_fn(|j| if i == j { stay } else { away }));
        let states = states(&points, &weights)?;
        let density = vec![[0.0; N]; points.len()];
        let norm = vec![1.0; points.len()];
        Some(Self { center, scale, points, start: [1.0 / N as f64; N], transition, states, density, weights, norm })
    }

    /// The model as it is now.
    pub(super) fn finish(self) -> Hmm {
        let means = self.states.each_ref().map(|s| s.mean);
        Hmm {
            center: self.center,
            scale: self.scale,
            start: self.start.to_vec(),
            transition: self.transition.as_flattened().to_vec(),
            roles: roles(&means, self.center, self.scale),
            states: self.states.to_vec(),
        }
    }

    /// First half of a round: densities, and the forward pass over them.
    pub(super) fn forward(&mut self) -> Option<()> {
        let length = self.points.len();
        for (row, p) in self.density.iter_mut().zip(&self.points) {
            let log = self.states.each_ref().map(|s| s.log_density(p));
            let top = log.iter().fold(f64::MIN, |a, &b| a.max(b));
            // That of the likeliest state is e⁰.
            *row = log.map(|l| if l == top { 1.0 } else { (l - top).exp() });
        }
        let weights = &mut self.weights;
        let norm = &mut self.norm;
        let mut last = [0.0; N];
        for t in 0..length {
            let mut prior = self.start;
            if t > 0 {
                prior = std::array::from_fn(|j| (0..N).map(|i| last[i] * self.transition[i][j]).sum());
            }
            last = std::array::from_fn(|j| prior[j] * self.density[t][j]);
            // Always at the last one: then the weights below add up to 1 at every bar.
            if t % RESCALE == RESCALE - 1 || t == length - 1 {
                norm[t] = last.iter().sum();
                if norm[t] <= 0.0 {
                    return None;
                }
                last = last.map(|a| a / norm[t]);
            }
            weights[t] = last;
        }
        Some(())
    }

    /// Second half: the backward pass, and the parameters that the responsibilities imply.
    pub(super) fn backward(&mut self) -> Option<()> {
        let (length, weights, norm) = (self.points.len(), &mut self.weights, &self.norm);
        // One imaginary step to and from every state keeps every transition possible.
        let mut counts = [[1.0; N]; N];
        let mut backward = [1.0; N];
        for t in (0..length - 1).rev() {
            let mut ahead: [f64; N] = std::array::from_fn(|j| self.density[t + 1][j] * backward[j]);
            if norm[t + 1] != 1.0 {
                ahead = ahead.map(|a| a / norm[t + 1]);
            }
            for i in 0..N {
                let flow: [f64; N] = std::array::from_fn(|j| self.transition[i][j] * ahead[j]);
                for j in 0..N {
                    counts[i][j] += weights[t][i] * flow[j];
                }
                backward[i] = flow.iter().sum();
            }
            for (w, b) in weights[t].iter_mut().zip(&backward) {
                *w *= b;
            }
        }
        let first: f64 = weights[0].iter().sum();
        self.start = weights[0].map(|w| (w / first).max(1e-6));
        for (row, count) in self.transition.iter_mut().zip(&counts) {
            let total: f64 = count.iter().sum();
            *row = count.map(|c| c / total);
        }
        let total: f64 = self.start.iter().sum();
        self.start = self.start.map(|p| p / total);
        self.states = states(&self.points, weights)?;
        Some(())
    }
}

/// Weighted mean and covariance of each state; all states at once, so that no sum waits for another.
fn states<const N: usize>(points: &[Point], weights: &[[f64; N]]) -> Option<[Gaussian; N]> {
    let (mut total, mut x, mut y) = ([0.0; N], [0.0; N], [0.0; N]);
    for (p, w) in points.iter().zip(weights) {
        for k in 0..N {
            total[k] += w[k];
            x[k] += w[k] * p[0];
            y[k] += w[k] * p[1];
        }
    }
    // A state that lost its points takes the shape of the whole.
    let lost = total.map(|t| t < 1e-6);
    let (x, y): ([f64; N], [f64; N]) =
        (std::array::from_fn(|k| x[k] / total[k]), std::array::from_fn(|k| y[k] / total[k]));
    let (mut xx, mut xy, mut yy) = ([0.0; N], [0.0; N], [0.0; N]);
    for (p, w) in points.iter().zip(weights) {
        for k in 0..N {
            let (dx, dy) = (p[0] - x[k], p[1] - y[k]);
            xx[k] += w[k] * dx * dx;
            xy[k] += w[k] * dx * dy;
            yy[k] += w[k] * dy * dy;
        }
    }
    let plain = Gaussian::new([0.0; 2], [[1.0, 0.0], [0.0, 1.0]])?;
    let mut out = std::array::from_fn(|_| plain.clone());
    for k in (0..N).filter(|&k| !lost[k]) {
        let (xx, xy, yy) = (xx[k] / total[k] + MIN_VARIANCE, xy[k] / total[k], yy[k] / total[k] + MIN_VARIANCE);
        out[k] = Gaussian::new([x[k], y[k]], [[xx, xy], [xy, yy]])?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(k: usize) -> f64 {
        // Sum of three incommensurable waves: irregular enough, the same on every machine.
        let x = k as f64;
        (x * 1.37).sin() + (x * 2.93).sin() + (x * 0.71).sin()
    }

    fn two_regimes() -> Vec<Point> {
        (0..400)
            .map(|k| {
                let wild = (k / 50) % 2 == 1;
                let size = if wild { 0.03 } else { 0.005 };
                [size * noise(k), f64::ln(size) + 0.1 * noise(k + 1_000)]
            })
            .collect()
    }

    #[test]
    fn finds_planted_regimes() {
        let points = two_regimes();
        let hmm = Hmm::fit::<2>(&points, 20).unwrap();
        let mut belief = Belief::new();
        let mut right = 0;
        for (k, p) in points.iter().enumerate() {
            hmm.filter(&mut belief, p);
            assert!((belief.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let wild = (k / 50) % 2 == 1;
            right += usize::from((hmm.role(&belief).0 == Role::Volatile) == wild);
        }
        assert!(right > 390, "{right}");
    }

    #[test]
    fn filter_is_bayes_rule() {
        let model = HmmModel {
            center: [0.0, 0.0],
            scale: [1.0, 1.0],
            start: vec![0.6, 0.4],
            transition: vec![vec![0.9, 0.1], vec![0.2, 0.8]],
            means: vec![[0.0, 0.0], [1.0, 1.0]],
            covariances: vec![[[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.5], [0.5, 1.0]]],
            roles: None,
            from_ts: None,
        };
        let hmm = Hmm::from_model(&model).unwrap();
        assert_eq!(hmm.roles, [Role::Trend, Role::Volatile]);
        let density = |x: Point, m: Point, c: [Point; 2]| {
            let det: f64 = c[0][0] * c[1][1] - c[0][1] * c[1][0];
            let (dx, dy) = (x[0] - m[0], x[1] - m[1]);
            let q = (c[1][1] * dx * dx - 2.0 * c[0][1] * dx * dy + c[0][0] * dy * dy) / det;
            (-0.5 * q).exp() / (std::f64::consts::TAU * det.sqrt())
        };
        let d =
            |x| [density(x, model.means[0], model.covariances[0]), density(x, model.means[1], model.covariances[1])];
        let (x0, x1) = ([0.3, -0.2], [1.5, 0.9]);
        let mut belief = Belief::new();
        hmm.filter(&mut belief, &x0);
        let (a, b) = (0.6 * d(x0)[0], 0.4 * d(x0)[1]);
        assert!((belief[0] - a / (a + b)).abs() < 1e-12);
        hmm.filter(&mut belief, &x1);
        let (p, q) = (a / (a + b), b / (a + b));
        let (a, b) = ((0.9 * p + 0.2 * q) * d(x1)[0], (0.1 * p + 0.8 * q) * d(x1)[1]);
        assert!((belief[0] - a / (a + b)).abs() < 1e-12);
    }

    #[test]
    fn flat_series_and_short_series() {
        let flat = vec![[0.0, -18.0]; 100];
        let hmm = Hmm::fit::<3>(&flat, 10).unwrap();
        let mut belief = Belief::new();
        hmm.filter(&mut belief, &flat[0]);
        assert!(belief.iter().all(|p| p.is_finite()));
        assert!(Hmm::fit::<3>(&flat[..5], 10).is_none());
    }

    #[test]
    fn refuses_what_is_no_model() {
        let good = r#"{"center": [0, 0], "scale": [1, 1], "start": [0.5, 0.5], "transition": [[0.5, 0.5], [0.5, 0.5]],
            "means": [[0, 0], [1, 1]], "covariances": [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]}"#;
        let parse = |text: &str| serde_json::from_str::<HmmModel>(text).unwrap();
        assert!(Hmm::from_model(&parse(good)).is_ok());
        for (from, to, field) in [
            ("\"start\": [0.5, 0.5]", "\"start\": [0.5, 0.6]", "start"),
            ("[[0.5, 0.5], [0.5, 0.5]]", "[[0.5, 0.5]]", "transition"),
            ("\"scale\": [1, 1]", "\"scale\": [1, 0]", "scale"),
            ("[[[1, 0], [0, 1]], [[1, 0], [0, 1]]]", "[[[1, 0], [0, 1]], [[1, 2], [2, 1]]]", "covariances"),
        ] {
            let error = Hmm::from_model(&parse(&good.replace(from, to))).unwrap_err().to_string();
            assert!(error.starts_with(&format!("regime_change.model.{field}")), "{error}");
        }
    }
}
