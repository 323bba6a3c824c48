//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// `Φ(x)`: near 0 by its Taylor series (Marsaglia, 2004), in the tails by Laplace's continued fraction; to 1e-14 relative.
pub(super) fn cdf(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    let z = x.abs();
    if z < 3.0 {
        let (mut term, mut sum, mut k) = (x, x, 1.0);
        loop {
            k += 2.0;
            term *= x * x / k;
            let next = sum + term;
            if next == sum {
                return 0.5 + sum * density(x);
            }
            sum = next;
        }
    }
    // 1 − Φ(z) = φ(z) / (z + 1/(z + 2/(z + 3/(z + …)))).
    let tail = if z > 39.0 { 0.0 } else { density(z) / (1..160).rev().fold(z, |f, k| z + f64::from(k) / f) };
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// `Φ⁻¹(p)` for p in (0, 1); −∞ and ∞ at its ends, NaN outside. Newton's steps on `Φ`, from the quantile of the logistic distribution.
pub(super) fn quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    if p > 0.5 {
        // By symmetry, so that only the lower tail, where Φ keeps its digits, is ever solved.
        return -quantile(1.0 - p);
    }
    let mut x = if p < 0.02 { -(-2.0 * (p * SQRT_2).ln()).sqrt() } else { (p / (1.0 - p)).ln() / 1.702 };
    for _ in 0..60 {
        let error = cdf(x) - p;
        // Halley's step: Newton's, with the curvature of the density.
        let newton = error / density(x);
        let step = newton / (1.0 + 0.5 * x * newton).max(0.5);
        x -= step;
        if step.abs() <= 1e-15 * x.abs().max(1e-300) {
            break;
        }
    }
    x
}
