//! The volatility family against TA-Lib and against written-out formulas.
#![allow(clippy::unwrap_used)] // a test may

mod oracle;

use oracle::{Bars, aligned, all, assert_close, ours, rolling, scale, warm_up};
use ta_lib::{Core, MAType};

const TOLERANCE: f64 = 1e-9;

fn each(f: impl Fn(&str, &Bars)) {
    let series = all();
    assert!(series.len() > 5);
    for (what, bars) in &series {
        f(what, bars);
        // Shorter than any warm-up.
        f(what, &bars.head(1));
        f(what, &bars.head(7));
    }
}

type HighLowClose = fn(&Core, &Bars, i32, &mut [f64]) -> Result<ta_lib::OutRange, ta_lib::RetCode>;

#[test]
fn atr_family_follows_talib() {
    let core = Core::new();
    let cases: [(&str, HighLowClose, &[i32]); 3] = [
        ("atr", |c, b, n, out| c.atr(0, b.len() - 1, &b.high, &b.low, &b.close, n, out), &[1, 2, 14, 50]),
        ("natr", |c, b, n, out| c.natr(0, b.len() - 1, &b.high, &b.low, &b.close, n, out), &[2, 14, 50]),
        ("choppiness", |c, b, n, out| c.chop(0, b.len() - 1, &b.high, &b.low, &b.close, n, out), &[2, 14, 50]),
    ];
    for (name, function, periods) in cases {
        for &n in periods {
            each(|what, bars| {
                let mut out = vec![0.0; bars.len()];
                let range = function(&core, bars, n, &mut out);
                let expected = aligned(bars.len(), range, &out);
                let got = &ours(name, &[("period", f64::from(n))], bars)[0];
                // The choppiness of a straight run is a logarithm near 0: relative to its scale of 100.
                let floor = if name == "choppiness" { 1.0 } else { 0.0 };
                assert_close(&format!("{name} {n} {what}"), got, &expected, TOLERANCE, floor);
            });
        }
    }
}

#[test]
fn true_range_follows_talib() {
    let core = Core::new();
    each(|what, bars| {
        let mut out = vec![0.0; bars.len()];
        let range = core.trange(0, bars.len() - 1, &bars.high, &bars.low, &bars.close, &mut out);
        let expected = aligned(bars.len(), range, &out);
        // A gap is a difference of prices: relative to them.
        assert_close(what, &ours("true_range", &[], bars)[0], &expected, TOLERANCE, 1e-6 * scale(&bars.close));
    });
}

#[test]
fn natr_of_one_bar_stays_a_percentage() {
    each(|what, bars| {
        let ranges = &ours("true_range", &[], bars)[0];
        let expected: Vec<f64> = ranges.iter().zip(&bars.close).map(|(r, c)| 100.0 * r / c).collect();
        assert_close(what, &ours("natr", &[("period", 1.0)], bars)[0], &expected, TOLERANCE, 0.0);
    });
}

#[test]
fn bbands_follow_talib() {
    let core = Core::new();
    for (n, multiplier) in [(2, 1.0), (20, 2.0), (100, 3.5)] {
        each(|what, bars| {
            let rows = bars.len();
            let x = &bars.close;
            let mut columns = vec![vec![0.0; rows]; 3];
            let [upper, middle, lower] = &mut columns[..] else { unreachable!() };
            let range = core.bbands(0, rows - 1, x, n, multiplier, multiplier, MAType::SMA, upper, middle, lower);
            let got = ours("bbands", &[("period", f64::from(n)), ("multiplier", multiplier)], bars);
            for (k, column) in columns.iter().enumerate() {
                let expected = aligned(rows, range, column);
                assert_close(&format!("bbands {k} {n} {what}"), &got[k], &expected, TOLERANCE, 0.0);
            }
            let mut out = vec![0.0; rows];
            let range = core.bbw(0, rows - 1, x, n, multiplier, multiplier, MAType::SMA, &mut out);
            let expected: Vec<f64> = aligned(rows, range, &out).iter().map(|v| v / 100.0).collect();
            // The width is a difference of bands: TA-Lib rounds it at their level.
            assert_close(&format!("width {n} {what}"), &got[3], &expected, TOLERANCE, 1e-6);
            let range = core.percentb(0, rows - 1, x, n, multiplier, multiplier, MAType::SMA, &mut out);
            let expected = aligned(rows, range, &out);
            for (i, (&a, &b)) in got[4].iter().zip(&expected).enumerate() {
                if got[3][i] == 0.0 {
                    assert_eq!(a, 0.5, "%b of a band without width: {what} row {i}");
                } else {
                    let fine = (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * b.abs().max(1.0);
                    assert!(fine || got[3][i] < 1e-6, "%b {n} {what} row {i}: {a} instead of {b}");
                }
            }
        });
    }
}

#[test]
fn deviation_follows_talib() {
    let core = Core::new();
    for n in [2, 5, 20, 100] {
        each(|what, bars| {
            let rows = bars.len();
            let mut out = vec![0.0; rows];
            let range = core.stddev(0, rows - 1, &bars.close, n, 1.0, &mut out);
            let expected = aligned(rows, range, &out);
            let period = ("period", f64::from(n));
            assert_close(&format!("stddev {n} {what}"), &ours("stddev", &[period], bars)[0], &expected, TOLERANCE, 0.0);
            let range = core.var(0, rows - 1, &bars.close, n, 1.0, &mut out);
            let expected = aligned(rows, range, &out);
            let got = &ours("variance", &[period], bars)[0];
            assert_close(&format!("variance {n} {what}"), got, &expected, TOLERANCE, 0.0);
            let factor = f64::from(n) / f64::from(n - 1);
            let sample: Vec<f64> = expected.iter().map(|v| v * factor).collect();
            let got = &ours("variance", &[period, ("ddof", 1.0)], bars)[0];
            assert_close(&format!("sample variance {n} {what}"), got, &sample, TOLERANCE, 0.0);
        });
    }
}

#[test]
fn channels_follow_talib() {
    let core = Core::new();
    for (n, atr, multiplier) in [(2, 1, 1.0), (20, 10, 2.0), (5, 30, 2.5)] {
        each(|what, bars| {
            let rows = bars.len();
            let mut columns = vec![vec![0.0; rows]; 3];
            let [upper, middle, lower] = &mut columns[..] else { unreachable!() };
            let (h, l, c) = (&bars.high, &bars.low, &bars.close);
            let range = core.kc(0, rows - 1, h, l, c, n, atr, multiplier, upper, middle, lower);
            let params = [("period", f64::from(n)), ("atr_period", f64::from(atr)), ("multiplier", multiplier)];
            let got = ours("keltner", &params, bars);
            for (k, column) in columns.iter().enumerate() {
                let expected = aligned(rows, range, column);
                assert_close(&format!("keltner {k} {n} {what}"), &got[k], &expected, TOLERANCE, 0.0);
            }
            let [upper, middle, lower] = &mut columns[..] else { unreachable!() };
            let range = core.donchian(0, rows - 1, h, l, n, upper, middle, lower);
            let got = ours("donchian", &params[..1], bars);
            for (k, column) in columns.iter().enumerate() {
                assert_eq!(
                    format!("{:?}", got[k]),
                    format!("{:?}", aligned(rows, range, column)),
                    "donchian {k} {n} {what}"
                );
            }
        });
    }
}

#[test]
fn estimators_are_their_formulas() {
    for n in [2_usize, 20] {
        each(|what, bars| {
            let rows = bars.len();
            let size = n as f64;
            let period = ("period", size);
            let year = ("periods_per_year", 365.0);
            let returns: Vec<f64> =
                (0..rows).map(|i| if i == 0 { f64::NAN } else { (bars.close[i] / bars.close[i - 1]).ln() }).collect();
            let realised = rolling(rows, n + 1, |w| {
                let w = &returns[w.start + 1..w.end];
                let mean = w.iter().sum::<f64>() / size;
                (365.0 * w.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (size - 1.0)).sqrt()
            });
            let got = &ours("realised_volatility", &[period, year], bars)[0];
            assert_close(&format!("realised {n} {what}"), got, &realised, TOLERANCE, 1e-9);

            let parkinson = rolling(rows, n, |w| {
                let sum: f64 = w.map(|i| (bars.high[i] / bars.low[i]).ln().powi(2)).sum();
                (365.0 * sum / (size * 4.0 * 2.0_f64.ln())).sqrt()
            });
            let got = &ours("parkinson", &[period, year], bars)[0];
            assert_close(&format!("parkinson {n} {what}"), got, &parkinson, TOLERANCE, 0.0);

            let garman_klass = rolling(rows, n, |w| {
                let sum: f64 = w
                    .map(|i| {
                        let (range, body) = ((bars.high[i] / bars.low[i]).ln(), (bars.close[i] / bars.open[i]).ln());
                        0.5 * range * range - (2.0 * 2.0_f64.ln() - 1.0) * body * body
                    })
                    .sum();
                (365.0 * (sum / size).max(0.0)).sqrt()
            });
            let got = &ours("garman_klass", &[period, year], bars)[0];
            assert_close(&format!("garman_klass {n} {what}"), got, &garman_klass, TOLERANCE, 1e-9);

            let top = |i: usize| bars.close[i + 1 - n..=i].iter().copied().fold(f64::MIN, f64::max);
            let ulcer = rolling(rows, 2 * n - 1, |w| {
                let sum: f64 = (w.end - n..w.end).map(|i| (100.0 * (bars.close[i] - top(i)) / top(i)).powi(2)).sum();
                (sum / size).sqrt()
            });
            let got = &ours("ulcer_index", &[period], bars)[0];
            assert_close(&format!("ulcer {n} {what}"), got, &ulcer, TOLERANCE, 1e-9);
        });
    }
}

#[test]
fn prices_without_logarithm_leave_no_trace() {
    let mut bars = all().remove(0).1;
    let clean = bars.clone();
    for c in [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close] {
        c.insert(100, -1.0);
        c.insert(200, 0.0);
    }
    bars.volume.extend([1.0, 1.0]);
    bars.ts.extend([0.0, 0.0]);
    for name in ["realised_volatility", "parkinson", "garman_klass"] {
        let mut got = ours(name, &[], &bars).remove(0);
        assert!(got.remove(200).is_nan() && got.remove(100).is_nan(), "{name}");
        assert_eq!(format!("{got:?}"), format!("{:?}", ours(name, &[], &clean)[0]), "{name}");
    }
}

#[test]
fn warm_up_is_where_the_first_value_is() {
    let bars = &all()[0].1;
    for name in [
        "true_range",
        "atr",
        "natr",
        "bbands",
        "keltner",
        "donchian",
        "stddev",
        "variance",
        "realised_volatility",
        "parkinson",
        "garman_klass",
        "choppiness",
        "ulcer_index",
    ] {
        let first = warm_up(name, &[]);
        for column in ours(name, &[], bars) {
            assert_eq!(column.iter().position(|v| !v.is_nan()), Some(first), "{name}");
            assert!(column[first..].iter().all(|v| v.is_finite()), "{name}");
        }
    }
}
