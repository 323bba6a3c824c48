//! The statistic family against TA-Lib and against written-out formulas.
#![allow(clippy::unwrap_used)] // a test may

mod oracle;

use oracle::{Bars, Rng, aligned, all, assert_close, ours, rolling, walk, warm_up};
use ta_lib::Core;

const TOLERANCE: f64 = 1e-9;

fn each(f: impl Fn(&str, &Bars)) {
    let series = all();
    assert!(series.len() > 5);
    for (what, bars) in &series {
        f(what, bars);
        f(what, &bars.head(1));
        f(what, &bars.head(7));
    }
}

#[test]
fn order_statistics_follow_talib_exactly() {
    let core = Core::new();
    for n in [2, 14, 100, 250] {
        each(|what, b| {
            let rows = b.len();
            let x = &b.close;
            let period = ("period", f64::from(n));
            let mut out = vec![0.0; rows];
            let range = core.max(0, rows - 1, x, n, &mut out);
            let max = aligned(rows, range, &out);
            assert_close(&format!("max {n} {what}"), &ours("rolling_max", &[period], b)[0], &max, 0.0, 0.0);
            let range = core.min(0, rows - 1, x, n, &mut out);
            let min = aligned(rows, range, &out);
            assert_close(&format!("min {n} {what}"), &ours("rolling_min", &[period], b)[0], &min, 0.0, 0.0);
            let range = core.percentrank(0, rows - 1, x, n, &mut out);
            let rank = aligned(rows, range, &out);
            assert_close(&format!("rank {n} {what}"), &ours("percent_rank", &[period], b)[0], &rank, 0.0, 0.0);
            for percent in [0.0, 10.0, 29.0, 50.0, 85.0, 100.0] {
                let range = core.percentile(0, rows - 1, x, n, percent, &mut out);
                let expected = aligned(rows, range, &out);
                let got = &ours("percentile", &[period, ("percent", percent)], b)[0];
                assert_close(&format!("percentile {percent} {n} {what}"), got, &expected, 0.0, 0.0);
            }
        });
    }
}

/// Whether all values of a window are equal.
fn still(w: &[f64]) -> bool {
    w.iter().all(|v| *v == w[0])
}

#[test]
fn moments_follow_talib_and_their_formulas() {
    let core = Core::new();
    for n in [4_usize, 30, 100] {
        each(|what, b| {
            let rows = b.len();
            let x = &b.close;
            let size = n as f64;
            let period = ("period", size);
            let mut out = vec![0.0; rows];
            let range = core.kurtosis(0, rows - 1, x, n as i32, &mut out);
            let expected = aligned(rows, range, &out);
            let got = &ours("kurtosis", &[period], b)[0];
            assert_close(&format!("kurtosis {n} {what}"), got, &expected, TOLERANCE, 1.0);

            let centred = |w: std::ops::Range<usize>, p: i32| {
                let mean = x[w.clone()].iter().sum::<f64>() / size;
                x[w].iter().map(|v| (v - mean).powi(p)).sum::<f64>() / size
            };
            let skew = rolling(rows, n, |w| {
                if still(&x[w.clone()]) {
                    return f64::NAN;
                }
                let g = centred(w.clone(), 3) / centred(w, 2).powf(1.5);
                (size * (size - 1.0)).sqrt() / (size - 2.0) * g
            });
            assert_close(&format!("skew {n} {what}"), &ours("skew", &[period], b)[0], &skew, TOLERANCE, 1.0);

            let mean = rolling(rows, n, |w| x[w].iter().sum::<f64>() / size);
            assert_close(&format!("mean {n} {what}"), &ours("rolling_mean", &[period], b)[0], &mean, TOLERANCE, 0.0);
            for ddof in [0.0, 1.0] {
                let z = rolling(rows, n, |w| {
                    let last = x[w.end - 1];
                    if still(&x[w.clone()]) {
                        return 0.0;
                    }
                    (last - mean[w.end - 1]) / (centred(w, 2) * size / (size - ddof)).sqrt()
                });
                let got = &ours("zscore", &[period, ("ddof", ddof)], b)[0];
                assert_close(&format!("zscore {n} {what}"), got, &z, TOLERANCE, 1.0);
            }
        });
    }
}

#[test]
fn pairs_follow_talib() {
    let core = Core::new();
    for n in [1, 2, 5, 30, 120] {
        each(|what, b| {
            let rows = b.len();
            let period = [("period", f64::from(n))];
            let mut out = vec![0.0; rows];
            let range = core.correl(0, rows - 1, &b.close, &b.high, n, &mut out);
            let expected = aligned(rows, range, &out);
            assert_close(&format!("correl {n} {what}"), &ours("correlation", &period, b)[0], &expected, TOLERANCE, 1.0);
            let range = core.beta(0, rows - 1, &b.close, &b.high, n, &mut out);
            let expected = aligned(rows, range, &out);
            let got = &ours("beta", &period, b)[0];
            // Nearly equal returns: TA-Lib's running sums have lost digits that two passes over the window keep.
            let agreed: Vec<f64> = (0..rows)
                .map(|i| {
                    let near = (got[i] - expected[i]).abs() <= TOLERANCE * expected[i].abs().max(1.0);
                    if near || expected[i].is_nan() { expected[i] } else { two_pass_beta(b, i, n as usize) }
                })
                .collect();
            assert_close(&format!("beta {n} {what}"), got, &agreed, TOLERANCE, 1.0);
        });
    }
}

fn two_pass_beta(b: &Bars, row: usize, n: usize) -> f64 {
    let change = |x: &[f64], i: usize| (x[i] - x[i - 1]) / x[i - 1];
    let rows = row + 1 - n..row + 1;
    let mean = |x: &[f64]| rows.clone().map(|i| change(x, i)).sum::<f64>() / n as f64;
    let (mx, my) = (mean(&b.close), mean(&b.high));
    let xy: f64 = rows.clone().map(|i| (change(&b.close, i) - mx) * (change(&b.high, i) - my)).sum();
    let xx: f64 = rows.clone().map(|i| (change(&b.close, i) - mx).powi(2)).sum();
    xy / xx
}

#[test]
fn correlation_stays_within_one() {
    let bars = walk(11, 2_000, 1e-7, 1e-6);
    let mut twin = bars.clone();
    twin.high = bars.close.iter().map(|c| 3.0 - 1e6 * c).collect();
    for value in &ours("correlation", &[], &twin)[0][29..] {
        assert!((value + 1.0).abs() < 1e-6 && *value >= -1.0, "{value}");
    }
}

#[test]
fn autocorrelation_is_the_correlation_of_its_pairs() {
    for (n, lag) in [(3, 1), (30, 1), (30, 7), (60, 58)] {
        each(|what, b| {
            let rows = b.len();
            let x = &b.close;
            let expected = rolling(rows, n, |w| {
                let (a, z) = (&x[w.start + lag..w.end], &x[w.start..w.end - lag]);
                let count = (n - lag) as f64;
                let (ma, mz) = (a.iter().sum::<f64>() / count, z.iter().sum::<f64>() / count);
                let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(z).map(|(&p, &q)| f(p - ma, q - mz)).sum::<f64>();
                if still(a) || still(z) {
                    return 0.0;
                }
                sum(&|p, q| p * q) / (sum(&|p, _| p * p) * sum(&|_, q| q * q)).sqrt()
            });
            let got = &ours("autocorrelation", &[("period", n as f64), ("lag", lag as f64)], b)[0];
            assert_close(&format!("autocorrelation {n} {lag} {what}"), got, &expected, 1e-8, 1.0);
        });
    }
}

#[test]
fn hurst_is_the_slope_of_its_formula() {
    for (n, max_lag) in [(8_usize, 4_usize), (100, 16), (100, 20)] {
        each(|what, b| {
            let rows = b.len();
            let logs: Vec<f64> = b.close.iter().map(|c| c.ln()).collect();
            let lags: Vec<usize> = [1, 2, 4, 8, 16].into_iter().filter(|&l| l <= max_lag).collect();
            let expected = rolling(rows, n, |w| {
                let points: Vec<(f64, f64)> = lags
                    .iter()
                    .map(|&lag| {
                        let squares = (w.start + lag..w.end).map(|i| (logs[i] - logs[i - lag]).powi(2));
                        ((lag as f64).ln(), (squares.sum::<f64>() / (n - lag) as f64).ln() / 2.0)
                    })
                    .collect();
                let count = points.len() as f64;
                let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), p| (a + p.0 / count, b + p.1 / count));
                let slope = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>()
                    / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>();
                if slope.is_finite() { slope } else { f64::NAN }
            });
            let got = &ours("hurst", &[("period", n as f64), ("max_lag", max_lag as f64)], b)[0];
            assert_close(&format!("hurst {n} {what}"), got, &expected, 1e-8, 1.0);
        });
    }
}

#[test]
fn hurst_tells_walks_from_trends_and_returns() {
    let mut rng = Rng(5);
    let mut bars = walk(21, 5_000, 100.0, 0.01);
    let params = [("period", 2_000.0), ("max_lag", 64.0)];
    let last = |b: &Bars| *ours("hurst", &params, b)[0].last().unwrap();
    assert!((last(&bars) - 0.5).abs() < 0.1, "{}", last(&bars));
    for (i, c) in bars.close.iter_mut().enumerate() {
        *c = (0.001 * i as f64).exp();
    }
    assert!((last(&bars) - 1.0).abs() < 1e-9, "{}", last(&bars));
    for c in &mut bars.close {
        *c = 100.0 + rng.unit();
    }
    assert!(last(&bars).abs() < 0.05, "{}", last(&bars));
}

#[test]
fn rules_over_several_parameters_are_checked() {
    let row = |name| mirrorfast_core::indicators::registry::find(name).unwrap();
    let errors = [
        row("autocorrelation").build_with(&[("period", 10.0), ("lag", 9.0)]).err(),
        row("hurst").build_with(&[("period", 20.0), ("max_lag", 11.0)]).err(),
        row("zscore").build_with(&[("period", 1.0), ("ddof", 1.0)]).err(),
        row("stddev").build_with(&[("period", 1.0), ("ddof", 1.0)]).err(),
        row("variance").build_with(&[("period", 1.0), ("ddof", 1.0)]).err(),
    ];
    let texts = [
        "autocorrelation.lag = 9: expected at most period - 2",
        "hurst.max_lag = 11: expected at most half of period",
        "zscore.period = 1: expected more than ddof",
        "stddev.period = 1: expected more than ddof",
        "variance.period = 1: expected more than ddof",
    ];
    for (error, text) in errors.into_iter().zip(texts) {
        assert_eq!(error.unwrap().to_string(), text);
    }
}

#[test]
fn warm_up_is_where_the_first_value_is() {
    let bars = &all()[0].1;
    for name in [
        "rolling_mean",
        "rolling_min",
        "rolling_max",
        "zscore",
        "skew",
        "kurtosis",
        "percent_rank",
        "percentile",
        "correlation",
        "beta",
        "autocorrelation",
        "hurst",
    ] {
        let first = warm_up(name, &[]);
        for column in ours(name, &[], bars) {
            assert_eq!(column.iter().position(|v| !v.is_nan()), Some(first), "{name}");
            assert!(column[first..].iter().all(|v| v.is_finite()), "{name}");
        }
    }
}

#[test]
fn shapes_do_not_depend_on_units() {
    let mut rng = Rng(78);
    for seed in 0..20 {
        let bars = walk(seed, 300, 10.0, 0.02);
        let scaled = bars.scaled((20.0 * rng.normal()).exp2(), 1.0);
        for name in ["zscore", "skew", "kurtosis", "percent_rank", "correlation", "beta", "autocorrelation", "hurst"] {
            assert_close(name, &ours(name, &[], &scaled)[0], &ours(name, &[], &bars)[0], 1e-9, 1.0);
        }
    }
}
