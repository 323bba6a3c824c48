//! Two-step cointegration test of Engle and Granger (1987).

/// A straight line through a cloud of points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) intercept: f64,
    pub(super) slope: f64,
    /// Root of the mean squared residual.
    pub(super) deviation: f64,
}

/// Least squares of `y` on `x` and a constant; none where `x` does not move.
pub(super) fn regress(y: &[f64], x: &[f64]) -> Option<Line> {
    let n = y.len() as f64;
    let (my, mx) = (y.iter().sum::<f64>() / n, x.iter().sum::<f64>() / n);
    let (mut xx, mut xy) = (0.0, 0.0);
    for (y, x) in y.iter().zip(x) {
        xx += (x - mx) * (x - mx);
        xy += (x - mx) * (y - my);
    }
    if xx <= 1e-18 * n {
        return None;
    }
    let slope = xy / xx;
    let intercept = my - slope * mx;
    let rest: f64 = y.iter().zip(x).map(|(y, x)| (y - my - slope * (x - mx)).powi(2)).sum();
    Some(Line { intercept, slope, deviation: (rest / n).sqrt() })
}

/// Pearson's correlation of the changes of two series; none where one does not move.
pub(super) fn correlation_of_changes(y: &[f64], x: &[f64]) -> Option<f64> {
    let n = (y.len() - 1) as f64;
    let (my, mx) = ((y[y.len() - 1] - y[0]) / n, (x[x.len() - 1] - x[0]) / n);
    let [mut xx, mut xy, mut yy] = [0.0; 3];
    for (y, x) in y.windows(2).zip(x.windows(2)) {
        let (dy, dx) = (y[1] - y[0] - my, x[1] - x[0] - mx);
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    let scale = (xx * yy).sqrt();
    (scale > 1e-18 * n).then(|| xy / scale)
}

/// t-statistic of the augmented Dickey–Fuller test with one lag and no constant: of `γ` in `Δe_t = γ·e_(t−1) + φ·Δe_(t−1) + u`.
///
/// None where the residuals do not move.
pub(super) fn dickey_fuller(e: &[f64]) -> Option<f64> {
    let rows = e.len().checked_sub(2).filter(|&n| n > 2)?;
    let [mut aa, mut ab, mut bb, mut ay, mut by, mut yy] = [0.0; 6];
    for t in 2..e.len() {
        let (a, b, y) = (e[t - 1], e[t - 1] - e[t - 2], e[t] - e[t - 1]);
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ay += a * y;
        by += b * y;
        yy += y * y;
    }
    let determinant = aa * bb - ab * ab;
    if determinant <= 1e-12 * aa * bb || aa <= 0.0 {
        return None;
    }
    let gamma = (ay * bb - by * ab) / determinant;
    let phi = (by * aa - ay * ab) / determinant;
    let rest = yy - gamma * ay - phi * by;
    let variance = rest / (rows - 2) as f64 * bb / determinant;
    (variance > 0.0).then(|| gamma / variance.sqrt())
}

/// Critical value of that statistic for the residuals of two series over `n` rows, constant in the first step; `MacKinnon` (2010).
pub(super) fn critical_value(significance: Significance, n: usize) -> f64 {
    let [limit, first, second] = match significance {
        Significance::One => [-3.896_44, -10.951_9, -33.527],
        Significance::Five => [-3.336_13, -6.110_1, -6.823],
        Significance::Ten => [-3.044_45, -4.241_2, -2.720],
    };
    let n = (n - 1) as f64;
    limit + first / n + second / (n * n)
}

/// Chance of calling unrelated series cointegrated, in per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Significance {
    One,
    Five,
    Ten,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> (Vec<f64>, Vec<f64>) {
        // Chirps: as irregular as noise, the same on every machine.
        let mut x = vec![4.0];
        for k in 1..60 {
            x.push(x[x.len() - 1] + 0.02 * (f64::from(k * k) * 0.7).sin());
        }
        let y = x.iter().enumerate().map(|(k, x)| 1.0 + 0.8 * x + 0.01 * ((k * k) as f64 * 0.31).sin()).collect();
        (y, x)
    }

    #[test]
    fn line_through_points() {
        let line = regress(&[1.0, 3.0, 5.0, 7.5], &[0.0, 1.0, 2.0, 3.0]).unwrap();
        assert!((line.slope - 2.15).abs() < 1e-12 && (line.intercept - 0.9).abs() < 1e-12);
        assert!(regress(&[1.0, 2.0], &[1.0, 1.0]).is_none());
    }

    // Values of statsmodels 0.15: `coint(y, x, trend="c", maxlag=1, autolag=None)` and `np.corrcoef(diff)`.
    #[test]
    fn engle_granger_as_statsmodels() {
        let (y, x) = series();
        let line = regress(&y, &x).unwrap();
        let residuals: Vec<f64> = y.iter().zip(&x).map(|(y, x)| y - line.intercept - line.slope * x).collect();
        let t = dickey_fuller(&residuals).unwrap();
        assert!((t + 6.842_772_928_735_323).abs() < 1e-8, "{t}");
        for (significance, expected) in [
            (Significance::One, -4.091_696_851_479_46),
            (Significance::Five, -3.441_651_085_894_858),
            (Significance::Ten, -3.117_116_130_422_292),
        ] {
            assert!((critical_value(significance, 60) - expected).abs() < 1e-9);
        }
        assert!((correlation_of_changes(&y, &x).unwrap() - 0.721_369_687_418_929).abs() < 1e-12);
    }

    #[test]
    fn flat_series_have_no_statistic() {
        assert!(dickey_fuller(&[0.0; 30]).is_none());
        assert!(correlation_of_changes(&[1.0; 30], &[2.0; 30]).is_none());
    }
}
