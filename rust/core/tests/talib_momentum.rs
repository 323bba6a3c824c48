//! The momentum family against the official Rust port of TA-Lib.
#![allow(clippy::unwrap_used)] // a test may
#![allow(missing_docs)]

mod support;

use support::{Table, check, check_one, column, columns, ours};
use ta_lib::MAType;

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
    rsi: rsi, [2, 5, 14, 50];
    cmo: cmo, [2, 5, 14, 50];
    roc: roc, [1, 2, 10, 50];
    mom: mom, [1, 2, 10, 50];
}

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
    willr: willr, [2, 5, 14, 50];
    cci: cci, [2, 3, 5, 14, 20, 50];
}

#[test]
fn stoch() {
    for (fastk, slowk, slowd) in [(14, 3, 3), (5, 3, 3), (1, 1, 1), (2, 5, 1), (30, 4, 7)] {
        let params = [
            ("fastk_period", f64::from(fastk)),
            ("slowk_period", f64::from(slowk)),
            ("slowd_period", f64::from(slowd)),
        ];
        check("stoch", &params, |t| {
            columns(t.close.len(), |core, end, [k, d]| {
                core.stoch(0, end, &t.high, &t.low, &t.close, fastk, slowk, MAType::SMA, slowd, MAType::SMA, k, d)
            })
        });
    }
}

#[test]
fn stochf() {
    for (fastk, fastd) in [(14, 3), (5, 3), (1, 1), (2, 5)] {
        check("stochf", &[("fastk_period", f64::from(fastk)), ("fastd_period", f64::from(fastd))], |t| {
            columns(t.close.len(), |core, end, [k, d]| {
                core.stochf(0, end, &t.high, &t.low, &t.close, fastk, fastd, MAType::SMA, k, d)
            })
        });
    }
}

#[test]
fn stochrsi() {
    for (period, fastk, fastd) in [(14, 5, 3), (14, 14, 3), (2, 2, 1), (5, 20, 4)] {
        let params =
            [("period", f64::from(period)), ("fastk_period", f64::from(fastk)), ("fastd_period", f64::from(fastd))];
        check("stochrsi", &params, |t| {
            columns(t.close.len(), |core, end, [k, d]| {
                core.stochrsi(0, end, &t.close, period, fastk, fastd, MAType::SMA, k, d)
            })
        });
    }
}

#[test]
fn ultosc() {
    for (short, medium, long) in [(7, 14, 28), (1, 2, 3), (5, 5, 5)] {
        let params = [
            ("short_period", f64::from(short)),
            ("medium_period", f64::from(medium)),
            ("long_period", f64::from(long)),
        ];
        check_one("ultosc", &params, |t| {
            column(t.close.len(), |core, end, out| {
                core.ultosc(0, end, &t.high, &t.low, &t.close, short, medium, long, out)
            })
        });
    }
}

#[test]
fn tsi() {
    for (first, second) in [(25, 13), (2, 2), (13, 7)] {
        check_one("tsi", &[("first_period", f64::from(first)), ("second_period", f64::from(second))], |t| {
            column(t.close.len(), |core, end, out| core.tsi(0, end, &t.close, first, second, out))
        });
    }
}

#[test]
fn ao() {
    for (fast, slow) in [(5, 34), (2, 3), (10, 20)] {
        check_one("ao", &[("fast_period", f64::from(fast)), ("slow_period", f64::from(slow))], |t| {
            column(t.close.len(), |core, end, out| core.ao(0, end, &t.high, &t.low, fast, slow, out))
        });
    }
}

#[test]
fn coppock() {
    for (wma, first, second) in [(10, 11, 14), (1, 1, 2), (5, 20, 3)] {
        let params =
            [("wma_period", f64::from(wma)), ("roc1_period", f64::from(first)), ("roc2_period", f64::from(second))];
        check_one("coppock", &params, |t| {
            column(t.close.len(), |core, end, out| core.coppock(0, end, &t.close, wma, first, second, out))
        });
    }
}

#[test]
fn bop() {
    check_one("bop", &[], |t| {
        column(t.close.len(), |core, end, out| core.bop(0, end, &t.open, &t.high, &t.low, &t.close, out))
    });
}

#[test]
fn rsi_of_a_flat_series_is_50() {
    let flat = Table::around("flat", vec![3.0; 40], 0.0, 1);
    assert_eq!(ours("rsi", &[], &flat)[0][14..], [50.0; 26]);
    assert_eq!(ours("rsi", &[("period", 1.0)], &flat)[0][1..], [50.0; 39]);
}

#[test]
fn divergence_needs_both_directions() {
    // A fall, a rise past the first high on fading gains, and the mirror image.
    let mut close: Vec<f64> = (0..40).map(|i| 100.0 + 3.0 * f64::from(i)).collect();
    close.extend((0..20).map(|i| 217.0 + 0.1 * f64::from(i) - f64::from(i % 2)));
    let table = Table::around("fading", close.clone(), 0.0, 1);
    let got = ours("rsi_divergence", &[], &table);
    let rsi = ours("rsi", &[], &table);
    assert!(got[0][23].is_nan() && got[1][23].is_nan());
    for i in 24..close.len() {
        let bearish = close[i] > close[i - 10] && rsi[0][i] < rsi[0][i - 10];
        let bullish = close[i] < close[i - 10] && rsi[0][i] > rsi[0][i - 10];
        assert_eq!((got[0][i], got[1][i]), (f64::from(u8::from(bearish)), f64::from(u8::from(bullish))));
    }
    assert!(got[0].contains(&1.0));
}
