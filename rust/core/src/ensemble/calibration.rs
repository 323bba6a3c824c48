//! Calibrated confidence: a monotone map from what a strategy claims to what it earned.

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};

/// A piecewise linear map of confidence, constant beyond its first and last knot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    knots: Vec<[f64; 2]>,
}

impl Calibration {
    /// `knots`: (confidence, calibrated confidence), both in [0, 1], confidence rising.
    ///
    /// # Errors
    /// [`CoreError::Parameter`] naming the first bad knot; `name` stands before it.
    pub fn new(name: &str, knots: Vec<[f64; 2]>) -> Result<Self> {
        if knots.is_empty() {
            return Err(CoreError::parameter(name, "[]", "at least one knot [confidence, calibrated]"));
        }
        for (k, knot) in knots.iter().enumerate() {
            let rising = k == 0 || knots[k - 1][0] < knot[0];
            if !(knot.iter().all(|v| (0.0..=1.0).contains(v)) && rising) {
                return Err(CoreError::parameter(
                    format!("{name}[{k}]"),
                    format!("{knot:?}"),
                    "two numbers from 0 to 1, the first of each knot above that of the knot before",
                ));
            }
        }
        Ok(Self { knots })
    }

    /// The knots.
    pub fn knots(&self) -> &[[f64; 2]] {
        &self.knots
    }

    /// The calibrated confidence.
    pub fn apply(&self, confidence: f64) -> f64 {
        let after = self.knots.partition_point(|k| k[0] <= confidence);
        if after == 0 {
            return self.knots[0][1];
        }
        let [x0, y0] = self.knots[after - 1];
        match self.knots.get(after) {
            None => y0,
            Some([x1, y1]) => y0 + (y1 - y0) * (confidence - x0) / (x1 - x0),
        }
    }

    /// Fits the map to past votes: isotonic regression of hits on confidence, as the edge `max(0, 2·P(hit) − 1)`.
    ///
    /// A hit is a vote whose direction the next return had; `hits` holds 1 and 0, or any share between. Votes of the same
    /// confidence are pooled, then neighbours that would make the map fall (pool adjacent violators). Each pool of `prior` or
    /// more votes keeps its place; `prior` imaginary votes of probability ½ shrink small pools towards no edge.
    ///
    /// # Errors
    /// [`CoreError::Shape`] when the lengths differ, [`CoreError::Parameter`] on a value outside [0, 1] or when there is no vote.
    pub fn fit(confidences: &[f64], hits: &[f64], prior: f64) -> Result<Self> {
        if confidences.len() != hits.len() {
            return Err(CoreError::shape("number of hits", hits.len(), confidences.len()));
        }
        for (name, values) in [("confidence", confidences), ("hit", hits)] {
            if let Some(bad) = values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
                return Err(CoreError::parameter(name, bad, "a number from 0 to 1"));
            }
        }
        if !(prior >= 0.0 && prior.is_finite()) {
            return Err(CoreError::parameter("prior", prior, "a number >= 0"));
        }
        if confidences.is_empty() {
            return Err(CoreError::parameter("confidences", "[]", "at least one past vote"));
        }
        let mut order: Vec<usize> = (0..confidences.len()).collect();
        order.sort_by(|&a, &b| confidences[a].total_cmp(&confidences[b]));
        let mut pools: Vec<Pool> = Vec::new();
        for k in order {
            let (x, y) = (confidences[k], hits[k]);
            match pools.last_mut() {
                Some(last) if last.first == x => {
                    last.votes += 1.0;
                    last.hits += y;
                }
                _ => pools.push(Pool { first: x, last: x, votes: 1.0, hits: y }),
            }
        }
        let mut merged: Vec<Pool> = Vec::new();
        for pool in pools {
            merged.push(pool);
            while let [.., a, b] = merged.as_slice() {
                if a.rate(0.0) < b.rate(0.0) {
                    break;
                }
                let joined = Pool { first: a.first, last: b.last, votes: a.votes + b.votes, hits: a.hits + b.hits };
                merged.truncate(merged.len() - 2);
                merged.push(joined);
            }
        }
        let mut knots: Vec<[f64; 2]> = Vec::new();
        for pool in &merged {
            let edge = (2.0 * pool.rate(prior) - 1.0).clamp(0.0, 1.0);
            // Shrinking a small pool more than its neighbour must not make the map fall.
            let edge = knots.last().map_or(edge, |k| k[1].max(edge));
            knots.push([pool.first, edge]);
            if pool.last > pool.first {
                knots.push([pool.last, edge]);
            }
        }
        Self::new("calibration", knots)
    }
}

#[derive(Debug, Clone, Copy)]
struct Pool {
    first: f64,
    last: f64,
    votes: f64,
    hits: f64,
}

impl Pool {
    fn rate(&self, prior: f64) -> f64 {
        (self.hits + 0.5 * prior) / (self.votes + prior)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_between_knots() {
        let c = Calibration::new("c", vec![[0.2, 0.1], [0.6, 0.5]]).unwrap();
        assert_eq!((c.apply(0.0), c.apply(0.2), c.apply(1.0)), (0.1, 0.1, 0.5));
        assert!((c.apply(0.4) - 0.3).abs() < 1e-15);
    }

    #[test]
    fn refuses_bad_knots() {
        for knots in [vec![], vec![[0.5, 1.5]], vec![[0.5, 0.1], [0.5, 0.2]], vec![[f64::NAN, 0.1]]] {
            assert!(Calibration::new("c", knots).is_err());
        }
    }

    #[test]
    fn fit_pools_violators() {
        // Rates 0.8, 0.4 and 0.9 at confidence .2, .5 and .8: the first two are pooled to 0.6.
        let mut x = Vec::new();
        let mut y = Vec::new();
        for (confidence, wins) in [(0.2, 8), (0.5, 4), (0.8, 9)] {
            for k in 0..10 {
                x.push(confidence);
                y.push(f64::from(u8::from(k < wins)));
            }
        }
        let c = Calibration::fit(&x, &y, 0.0).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(c.apply(0.2), 0.2) && near(c.apply(0.5), 0.2) && near(c.apply(0.8), 0.8));
        let shrunk = Calibration::fit(&x, &y, 10.0).unwrap();
        assert!(near(shrunk.apply(0.8), 2.0 * 14.0 / 20.0 - 1.0));
    }

    #[test]
    fn worse_than_a_coin_has_no_edge() {
        let c = Calibration::fit(&[0.3, 0.9, 0.9], &[0.0, 0.0, 1.0], 0.0).unwrap();
        assert_eq!((c.apply(0.3), c.apply(0.9)), (0.0, 0.0));
        assert!(Calibration::fit(&[], &[], 1.0).is_err());
        assert!(Calibration::fit(&[0.5], &[2.0], 1.0).is_err());
    }
}
