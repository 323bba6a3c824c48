//! No error builds up: after a long history every windowed kernel gives what a fresh one gives on its window alone, and a cumulative
//! line is still its exact sum.
#![allow(clippy::unwrap_used)] // a test may

mod oracle;

use mirrorfast_core::indicators::registry;
use oracle::{Bars, Rng, assert_close, ours};

/// Windowed rows with tolerance and floor of the comparison.
const WINDOWED: &[(&str, f64, f64)] = &[
    ("bbands", 1e-10, 1e-3),
    ("stddev", 1e-10, 0.0),
    ("variance", 1e-10, 0.0),
    ("donchian", 0.0, 0.0),
    ("realised_volatility", 1e-10, 0.0),
    ("parkinson", 1e-10, 0.0),
    ("garman_klass", 1e-10, 0.0),
    ("choppiness", 1e-10, 1.0),
    ("ulcer_index", 1e-10, 1e-9),
    ("obv_slope", 1e-10, 1.0),
    ("cmf", 1e-10, 1.0),
    ("mfi", 1e-10, 1.0),
    ("vwap_rolling", 1e-10, 0.0),
    ("ease_of_movement", 1e-10, 1e-6),
    ("volume_ratio", 1e-10, 0.0),
    ("volume_profile", 0.0, 0.0),
    ("anchored_profile", 0.0, 0.0),
    ("fixed_range_profile", 0.0, 0.0),
    ("rolling_mean", 1e-10, 0.0),
    ("rolling_min", 0.0, 0.0),
    ("rolling_max", 0.0, 0.0),
    ("zscore", 1e-9, 1.0),
    ("skew", 1e-9, 1.0),
    ("kurtosis", 1e-9, 1.0),
    ("percent_rank", 0.0, 0.0),
    ("percentile", 0.0, 0.0),
    ("correlation", 1e-9, 1.0),
    ("beta", 1e-9, 1.0),
    ("autocorrelation", 1e-9, 1.0),
    ("hurst", 1e-9, 1.0),
    ("fibonacci", 0.0, 0.0),
];

/// A walk that swings over eight orders of magnitude, with bad ticks a million times too large on the way.
fn long(n: usize) -> Bars {
    let mut rng = Rng(42);
    let mut bars = Bars::default();
    let mut log = 0.0_f64;
    for i in 0..n {
        log = 0.9999 * log + 0.05 * (rng.unit() - 0.5);
        let mut close = (10.0 * log).exp();
        if i % 9_973 == 4_000 {
            close *= 1e6;
        }
        let open = close * (1.0 + 0.01 * (rng.unit() - 0.5));
        bars.ts.push(3.6e6 * i as f64);
        bars.open.push(open);
        bars.high.push(open.max(close) * (1.0 + 0.01 * rng.unit()));
        bars.low.push(open.min(close) * (1.0 - 0.01 * rng.unit()));
        bars.close.push(close);
        bars.volume.push((rng.unit() * 1e6).floor() * if i % 7_919 == 1_000 { 1e9 } else { 1.0 });
    }
    bars
}

fn windows_do_not_drift(n: usize) {
    let bars = long(n);
    // The last tick that was wild lies before this tail, but within the history that the long run has seen.
    let tail = 1_500;
    let short = Bars {
        ts: bars.ts[n - tail..].to_vec(),
        open: bars.open[n - tail..].to_vec(),
        high: bars.high[n - tail..].to_vec(),
        low: bars.low[n - tail..].to_vec(),
        close: bars.close[n - tail..].to_vec(),
        volume: bars.volume[n - tail..].to_vec(),
    };
    for &(name, tolerance, floor) in WINDOWED {
        let (full, fresh) = (ours(name, &[], &bars), ours(name, &[], &short));
        // Two windows of the longest, so that every block of the fresh kernel is full.
        let from = 250;
        for (k, (a, b)) in full.iter().zip(&fresh).enumerate() {
            let a = &a[n - tail + from..];
            assert!(a.iter().all(|v| v.is_finite()), "{name} {k}");
            assert_close(&format!("{name} {k}"), a, &b[from..], tolerance, floor);
        }
    }
}

/// OBV and VWAP in integers: volumes are whole numbers, prices multiples of 2^-10.
fn lines_do_not_drift(n: usize) {
    let mut rng = Rng(43);
    let mut obv = registry::find("obv").unwrap().build_with(&[]).unwrap();
    let mut vwap = registry::find("vwap").unwrap().build_with(&[]).unwrap();
    let (mut line, mut flow, mut volume) = (0_i128, 0_i128, 0_i128);
    let mut previous = None;
    let mut out = [0.0];
    for i in 0..n {
        let price = 60_000 * 1024 + (rng.unit() * 1024.0 * 1000.0) as i128;
        let traded = (rng.unit() * 1e6) as i128 + if i == 1_000 { 1_i128 << 60 } else { 0 };
        line += match previous {
            Some(p) if price > p => traded,
            Some(p) if price < p => -traded,
            Some(_) => 0,
            None => traded,
        };
        previous = Some(price);
        flow += price * traded;
        volume += traded;
        let (p, v) = (price as f64 / 1024.0, traded as f64);
        obv.update(&[p, v], &mut out).unwrap();
        if i + 1 == n {
            assert_eq!(out[0], line as f64);
        }
        // A typical price of three equal prices is rounded once in its sum and once in the third.
        vwap.update(&[p, p, p, v], &mut out).unwrap();
    }
    let truth = flow as f64 / volume as f64 / 1024.0;
    assert!((out[0] / truth - 1.0).abs() < 1e-15, "{} {truth}", out[0]);
}

#[test]
fn a_hundred_thousand_bars() {
    windows_do_not_drift(100_000);
    lines_do_not_drift(1_000_000);
}

#[test]
#[ignore = "minutes without optimisation: cargo test --release -- --ignored"]
fn ten_million_bars() {
    windows_do_not_drift(10_000_000);
    lines_do_not_drift(10_000_000);
}
