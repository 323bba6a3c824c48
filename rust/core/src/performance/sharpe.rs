//! How sure one may be of a Sharpe ratio.

use super::normal;
use super::ratios::Moments;

/// Euler's constant γ.
const EULER: f64 = 0.577_215_664_901_532_9;

/// Probability that the true Sharpe ratio a bar is above `benchmark` (Bailey & López de Prado, *The Sharpe Ratio Efficient Frontier*,
/// 2012): `Φ((SR − SR*)·√(n − 1) / √(1 − γ₃·SR + (γ₄ − 1)/4·SR²))` with the skewness γ₃ and kurtosis γ₄ of the returns.
pub fn probabilistic_sharpe(moments: &Moments, benchmark: f64) -> f64 {
    let sharpe = moments.sharpe();
    let skew = moments.m3 / moments.m2.powf(1.5);
    let kurtosis = moments.m4 / (moments.m2 * moments.m2);
    let variance = 1.0 - skew * sharpe + 0.25 * (kurtosis - 1.0) * sharpe * sharpe;
    normal::cdf((sharpe - benchmark) * (moments.n - 1.0).sqrt() / variance.sqrt())
}

/// Sharpe ratio that the best of `n_trials` strategies without skill is expected to show, their ratios having this variance:
/// `√V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e)))`; 0 for a single trial.
pub fn expected_maximum_sharpe(n_trials: f64, variance: f64) -> f64 {
    if n_trials <= 1.0 {
        return 0.0;
    }
    // The upper quantiles by symmetry: 1 − 1/N would lose the digits of 1/N.
    let first = -normal::quantile(1.0 / n_trials);
    let second = -normal::quantile((-1.0_f64).exp() / n_trials);
    variance.sqrt() * ((1.0 - EULER) * first + EULER * second)
}

/// Probability that the true Sharpe ratio is above [`expected_maximum_sharpe`] (Bailey & López de Prado, *The Deflated Sharpe Ratio*,
/// 2014). Where the variance of the trials' ratios is not known, `1 / (n − 1)` stands in: what chance alone gives.
pub fn deflated_sharpe(moments: &Moments, n_trials: f64, variance: Option<f64>) -> f64 {
    let variance = variance.unwrap_or(1.0 / (moments.n - 1.0));
    probabilistic_sharpe(moments, expected_maximum_sharpe(n_trials, variance))
}
