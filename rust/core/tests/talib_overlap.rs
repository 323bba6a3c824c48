//! The overlap family against the official Rust port of TA-Lib.
#![allow(clippy::unwrap_used)] // a test may
#![allow(missing_docs)]

mod support;

use support::{check_one, column, ours, tables};

macro_rules! one_period {
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

one_period! {
    sma: sma, [1, 2, 5, 20, 50];
    ema: ema, [1, 2, 5, 20, 50];
    wma: wma, [1, 2, 5, 20, 50];
    dema: dema, [1, 2, 5, 20];
    tema: tema, [1, 2, 5, 20];
    hma: hma, [1, 2, 3, 4, 9, 16, 20];
    kama: kama, [2, 5, 10, 30];
    rma: rma, [1, 2, 14, 50];
    trima: trima, [1, 2, 3, 4, 5, 20, 21];
    midpoint: midpoint, [2, 5, 14, 50];
}

#[test]
fn t3() {
    for (period, factor) in [(1, 0.7), (2, 0.7), (5, 0.7), (5, 0.0), (5, 1.0), (14, 0.5)] {
        check_one("t3", &[("period", f64::from(period)), ("volume_factor", factor)], |t| {
            column(t.close.len(), |core, end, out| core.t3(0, end, &t.close, period, factor, out))
        });
    }
}

#[test]
fn midprice() {
    for period in [2, 5, 14, 50] {
        check_one("midprice", &[("period", f64::from(period))], |t| {
            column(t.close.len(), |core, end, out| core.midprice(0, end, &t.high, &t.low, period, out))
        });
    }
}

#[test]
fn vwma() {
    for period in [2, 5, 20] {
        check_one("vwma", &[("period", f64::from(period))], |t| {
            column(t.close.len(), |core, end, out| core.vwma(0, end, &t.close, &t.volume, period, out))
        });
    }
}

#[test]
fn vwma_without_volume_is_the_mean() {
    let mut table = tables().remove(4);
    table.volume.fill(0.0);
    let (vwma, sma) = (ours("vwma", &[("period", 20.0)], &table), ours("sma", &[("period", 20.0)], &table));
    // The one sums prices, the other their distances from one of them.
    for (vwma, sma) in vwma[0].iter().zip(&sma[0]).skip(19) {
        assert!((vwma / sma - 1.0).abs() < 1e-14, "{vwma} {sma}");
    }
}
