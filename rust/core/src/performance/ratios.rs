//! Ratios of a series of returns.

use super::quotient;
use crate::indicators::statistic::CompensatedSum;

/// A sum whose error does not grow with the number of values.
pub(super) fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut total = CompensatedSum::default();
    values.for_each(|x| total.add(x));
    total.value()
}

/// Mean and central moments, about the mean found in a first pass.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    pub(super) n: f64,
    pub(super) mean: f64,
    /// Central moments: means of the second, third and fourth powers of the distance from the mean.
    pub(super) m2: f64,
    pub(super) m3: f64,
    pub(super) m4: f64,
}

impl Moments {
    /// Moments of a series.
    pub fn of(returns: &[f64]) -> Self {
        let n = returns.len() as f64;
        let mean = sum(returns.iter().copied()) / n;
        let power = |k: i32| sum(returns.iter().map(|r| (r - mean).powi(k))) / n;
        let mut moments = Self { n, mean, m2: power(2), m3: power(3), m4: power(4) };
        // Returns that differ by float noise alone do not vary: a Sharpe ratio of 1e14 would be made of nothing.
        if moments.m2.sqrt() <= 4.0 * f64::EPSILON * (1.0 + mean.abs()) {
            moments = Self { m2: 0.0, m3: 0.0, m4: 0.0, ..moments };
        }
        moments
    }

    /// Sample standard deviation, NaN of fewer than two values.
    pub(super) fn deviation(&self) -> f64 {
        if self.n < 2.0 { f64::NAN } else { (self.m2 * self.n / (self.n - 1.0)).sqrt() }
    }

    /// `mean / deviation`, a bar.
    pub(super) fn sharpe(&self) -> f64 {
        quotient(self.mean, self.deviation())
    }

    /// `G₁ = √(n(n − 1)) / (n − 2) · m₃ / m₂^1.5`; NaN of fewer than three values.
    pub(super) fn skew(&self) -> f64 {
        let n = self.n;
        if n < 3.0 { f64::NAN } else { quotient(self.m3, self.m2.powf(1.5)) * (n * (n - 1.0)).sqrt() / (n - 2.0) }
    }

    /// `G₂ = (n − 1) / ((n − 2)(n − 3)) · ((n + 1)·(m₄ / m₂² − 3) + 6)`; NaN of fewer than four values.
    pub(super) fn kurtosis(&self) -> f64 {
        let n = self.n;
        if n < 4.0 {
            return f64::NAN;
        }
        let excess = quotient(self.m4, self.m2 * self.m2) - 3.0;
        (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * excess + 6.0)
    }
}

/// `mean / √(mean of min(r, 0)²)`, a bar; NaN without a loss.
pub(super) fn sortino(excess: &[f64]) -> f64 {
    let n = excess.len() as f64;
    let downside = sum(excess.iter().map(|r| r.min(0.0) * r.min(0.0))) / n;
    quotient(sum(excess.iter().copied()) / n, downside.sqrt())
}

/// `Σ gains / Σ losses`; NaN without a loss.
pub(super) fn omega(excess: &[f64]) -> f64 {
    let gains = sum(excess.iter().map(|r| r.max(0.0)));
    let losses = sum(excess.iter().map(|r| (-r).max(0.0)));
    quotient(gains, losses)
}

/// What the ends of the distribution look like.
pub(super) struct Tails {
    pub(super) value_at_risk: f64,
    pub(super) conditional: f64,
    pub(super) ratio: f64,
}

/// `VaR`, `CVaR` and tail ratio; reorders the returns. `CVaR` is the mean of the lowest `⌊(n − 1)·tail⌋ + 1` returns.
pub(super) fn tails(returns: &mut [f64], tail: f64) -> Tails {
    let high = quantile(returns, 0.95);
    let low = quantile(returns, 0.05);
    let value_at_risk = quantile(returns, tail);
    let count = ((returns.len() - 1) as f64 * tail) as usize + 1;
    returns.select_nth_unstable_by(count - 1, f64::total_cmp);
    let conditional = returns[..count].iter().sum::<f64>() / count as f64;
    Tails { value_at_risk, conditional, ratio: quotient(high.abs(), low.abs()) }
}

/// Quantile by linear interpolation between the two nearest order statistics, `NumPy`'s default; selects instead of sorting.
fn quantile(values: &mut [f64], q: f64) -> f64 {
    let at = (values.len() - 1) as f64 * q;
    let k = at as usize;
    let (_, &mut below, above) = values.select_nth_unstable_by(k, f64::total_cmp);
    let weight = at - k as f64;
    if weight == 0.0 {
        return below;
    }
    let next = above.iter().copied().fold(f64::INFINITY, f64::min);
    below + weight * (next - below)
}
