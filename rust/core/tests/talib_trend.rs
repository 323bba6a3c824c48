//! The trend family against the official Rust port of TA-Lib.
#![allow(clippy::unwrap_used)] // a test may
#![allow(missing_docs)]

mod support;

use support::{check, check_one, column, columns, compare, ours, tables};
use ta_lib::MAType;

macro_rules! of_bars {
    ($($name:ident: $talib:ident, [$($period:literal),+];)+) => {$(
        #[test]
        fn $name() {
            for period in [$($period),+] {
                check_one(stringify!($name), &[("period", f64::from(period))], |t| {
                    column(t.close.len(), |core, end, out| core.$talib(0, end, &t.high, &t.low, &t.close, period, out))
                });
            }
        }
    )+};
}

of_bars! {
    adx: adx, [2, 3, 5, 14, 50];
    adxr: adxr, [2, 3, 5, 14];
    dx: dx, [2, 3, 5, 14, 50];
    plus_di: plus_di, [2, 3, 5, 14, 50];
    minus_di: minus_di, [2, 3, 5, 14, 50];
}

macro_rules! of_close {
    ($($name:ident: $talib:ident, [$($period:literal),+];)+) => {$(
        #[test]
        fn $name() {
            for period in [$($period),+] {
                check_one(stringify!($name), &[("period", f64::from(period))], |t| {
                    column(t.close.len(), |core, end, out| core.$talib(0, end, &t.close, period, out))
                });
            }
        }
    )+};
}

of_close! {
    trix: trix, [1, 2, 5, 15, 30];
    linreg: linearreg, [2, 3, 14, 50];
    linreg_slope: linearreg_slope, [2, 3, 14, 50];
    linreg_intercept: linearreg_intercept, [2, 3, 14, 50];
}

#[test]
fn macd() {
    for (fast, slow, signal) in [(12, 26, 9), (2, 3, 1), (5, 35, 5), (3, 10, 16)] {
        let params =
            [("fast_period", f64::from(fast)), ("slow_period", f64::from(slow)), ("signal_period", f64::from(signal))];
        check("macd", &params, |t| {
            columns(t.close.len(), |core, end, [a, b, c]| core.macd(0, end, &t.close, fast, slow, signal, a, b, c))
        });
    }
}

#[test]
fn apo_and_ppo() {
    for (fast, slow) in [(12, 26), (2, 3), (5, 35)] {
        let params = [("fast_period", f64::from(fast)), ("slow_period", f64::from(slow))];
        check_one("apo", &params, |t| {
            column(t.close.len(), |core, end, out| core.apo(0, end, &t.close, fast, slow, MAType::EMA, out))
        });
        check_one("ppo", &params, |t| {
            column(t.close.len(), |core, end, out| core.ppo(0, end, &t.close, fast, slow, MAType::EMA, out))
        });
    }
}

#[test]
fn aroon() {
    for period in [2, 5, 14, 25] {
        check("aroon", &[("period", f64::from(period))], |t| {
            let [down, up] =
                columns(t.close.len(), |core, end, [down, up]| core.aroon(0, end, &t.high, &t.low, period, down, up));
            let osc = column(t.close.len(), |core, end, out| core.aroonosc(0, end, &t.high, &t.low, period, out));
            [up, down, osc]
        });
    }
}

#[test]
fn sar() {
    for (acceleration, maximum) in [(0.02, 0.2), (0.05, 0.05), (0.1, 1.0), (0.0, 0.2)] {
        check_one("sar", &[("acceleration", acceleration), ("maximum", maximum)], |t| {
            column(t.close.len(), |core, end, out| core.sar(0, end, &t.high, &t.low, acceleration, maximum, out))
        });
    }
}

#[test]
fn vortex() {
    for period in [1, 2, 14, 30] {
        check("vortex", &[("period", f64::from(period))], |t| {
            columns(t.close.len(), |core, end, [a, b]| core.vortex(0, end, &t.high, &t.low, &t.close, period, a, b))
        });
    }
}

#[test]
fn supertrend() {
    for (period, multiplier) in [(10, 3.0), (2, 1.0), (7, 0.0), (14, 2.5)] {
        check("supertrend", &[("period", f64::from(period)), ("multiplier", multiplier)], |t| {
            let n = t.close.len();
            let mut trend = vec![0; n];
            let mut first = n;
            let line = column(n, |core, end, out| {
                let range = core.supertrend(0, end, &t.high, &t.low, &t.close, period, multiplier, out, &mut trend)?;
                first = range.beg_idx;
                Ok(range)
            });
            let filled = line.iter().filter(|v| !v.is_nan()).count();
            let mut direction = vec![f64::NAN; n];
            for (slot, &v) in direction[n - filled..].iter_mut().zip(&trend) {
                *slot = f64::from(v);
            }
            [line, direction]
        });
    }
}

#[test]
fn ichimoku_is_shifted_forward() {
    for table in tables() {
        let n = table.close.len();
        let got = ours("ichimoku", &[], &table);
        for (k, period) in [(0, 9), (1, 26)] {
            let want = column(n, |core, end, out| core.midprice(0, end, &table.high, &table.low, period, out));
            compare(&format!("ichimoku output {k}"), &table, &got[k], &want);
        }
        let [_, _, a, b] =
            columns(n, |core, end, [t, k, a, b]| core.ichimoku(0, end, &table.high, &table.low, 9, 26, 52, t, k, a, b));
        for i in 0..n {
            let then = i.checked_sub(26);
            // TA-Lib starts all lines together; ours draw the first span as soon as its own windows are full.
            if let Some(j) = then.filter(|&j| !b[j].is_nan()) {
                assert!((got[2][i] - a[j]).abs() <= 1e-9 * a[j] && (got[3][i] - b[j]).abs() <= 1e-9 * b[j]);
            }
            assert_eq!(got[2][i].is_nan(), i < 51, "row {i}");
            assert_eq!(got[3][i].is_nan(), i < 77, "row {i}");
            match then {
                Some(j) => assert_eq!(got[4][i], table.close[i] / table.close[j]),
                None => assert!(got[4][i].is_nan()),
            }
        }
    }
}

#[test]
fn directional_indicators_of_one_bar_are_percent() {
    let table = tables().remove(4);
    let (n, params) = (table.close.len(), [("period", 1.0)]);
    let percent = |v: Vec<f64>| v.into_iter().map(|x| 100.0 * x).collect::<Vec<f64>>();
    let plus = column(n, |core, end, out| core.plus_di(0, end, &table.high, &table.low, &table.close, 1, out));
    let minus = column(n, |core, end, out| core.minus_di(0, end, &table.high, &table.low, &table.close, 1, out));
    compare("plus_di of one bar", &table, &ours("plus_di", &params, &table)[0], &percent(plus));
    compare("minus_di of one bar", &table, &ours("minus_di", &params, &table)[0], &percent(minus));
}

#[test]
fn r2_is_the_squared_correlation_with_time() {
    for table in tables() {
        let n = table.close.len();
        let time: Vec<f64> = (0..n).map(|i| i as f64).collect();
        let correlation = column(n, |core, end, out| core.correl(0, end, &table.close, &time, 14, out));
        let got = &ours("linreg_r2", &[], &table)[0];
        for (i, (g, c)) in got.iter().zip(&correlation).enumerate() {
            assert_eq!(g.is_nan(), c.is_nan());
            assert!(c.is_nan() || (g - c * c).abs() < 1e-8, "{} row {i}: {g} {}", table.label, c * c);
        }
    }
}

/// The study's rule written out row by row, in the words of its script.
#[test]
fn ut_bot_follows_its_script() {
    for table in tables() {
        let atr = &ours("atr", &[("period", 10.0)], &table)[0];
        let got = ours("ut_bot", &[], &table);
        let (mut stop, mut side) = (f64::NAN, 0.0);
        for (i, (&src, &loss)) in table.close.iter().zip(atr).enumerate() {
            if loss.is_nan() {
                assert!(got[0][i].is_nan() && got[1][i].is_nan());
                continue;
            }
            if stop.is_nan() {
                stop = src - loss;
            } else {
                let past = table.close[i - 1];
                let last = stop;
                stop = if src > last && past > last {
                    last.max(src - loss)
                } else if src < last && past < last {
                    last.min(src + loss)
                } else if src > last {
                    src - loss
                } else {
                    src + loss
                };
                side = if past < last && src > last {
                    1.0
                } else if past > last && src < last {
                    -1.0
                } else {
                    side
                };
            }
            assert_eq!((got[0][i], got[1][i]), (stop, side), "{} row {i}", table.label);
        }
    }
}

#[test]
fn gradient_trend_is_three_averages() {
    for table in tables() {
        let n = table.close.len();
        let ema = |values: &[f64]| {
            let start = values.iter().position(|v| !v.is_nan()).unwrap_or(n);
            let mut out = vec![f64::NAN; n];
            if start < n {
                let tail = &values[start..];
                let got = column(n - start, |core, end, out| core.ema(0, end, tail, 25, out));
                out[start..].copy_from_slice(&got);
            }
            out
        };
        let range: Vec<f64> = table.high.iter().zip(&table.low).map(|(h, l)| h - l).collect();
        let (filter, width) = (ema(&ema(&ema(&table.close))), ema(&ema(&ema(&range))));
        let got = ours("gradient_trend", &[], &table);
        let blank =
            |v: &[f64]| v.iter().enumerate().map(|(i, &x)| if i < 72 { f64::NAN } else { x }).collect::<Vec<_>>();
        compare("gradient", &table, &got[0], &blank(&filter));
        compare("gradient_range", &table, &got[1], &blank(&width));
        for i in 0..n {
            let past = i.checked_sub(2).map_or(f64::NAN, |j| got[0][j]);
            let slope = got[0][i] - past;
            let want = if slope.is_nan() {
                f64::NAN
            } else {
                f64::from(u8::from(slope > 0.0)) - f64::from(u8::from(slope < 0.0))
            };
            assert!(got[2][i] == want || want.is_nan() && got[2][i].is_nan(), "{} row {i}", table.label);
        }
    }
}
