//! The volume family against TA-Lib and against written-out formulas.
#![allow(clippy::unwrap_used)] // a test may

mod oracle;

use oracle::{Bars, Rng, aligned, all, assert_close, ours, rolling, scale, walk, warm_up};
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
fn cumulative_lines_follow_talib() {
    let core = Core::new();
    each(|what, b| {
        let n = b.len();
        let mut out = vec![0.0; n];
        let range = core.obv(0, n - 1, &b.close, &b.volume, &mut out);
        let expected = aligned(n, range, &out);
        // A line may cross zero: relative to how far it went.
        assert_close(&format!("obv {what}"), &ours("obv", &[], b)[0], &expected, TOLERANCE, scale(&b.volume));
        let range = core.ad(0, n - 1, &b.high, &b.low, &b.close, &b.volume, &mut out);
        let expected = aligned(n, range, &out);
        assert_close(&format!("ad {what}"), &ours("ad", &[], b)[0], &expected, TOLERANCE, scale(&b.volume));
        for (fast, slow) in [(3, 10), (10, 3), (2, 40)] {
            let range = core.adosc(0, n - 1, &b.high, &b.low, &b.close, &b.volume, fast, slow, &mut out);
            let expected = aligned(n, range, &out);
            let got = &ours("adosc", &[("fast_period", f64::from(fast)), ("slow_period", f64::from(slow))], b)[0];
            assert_close(&format!("adosc {fast} {slow} {what}"), got, &expected, TOLERANCE, scale(&b.volume));
        }
    });
}

#[test]
fn flows_follow_talib() {
    let core = Core::new();
    for period in [2, 14, 60] {
        each(|what, b| {
            let n = b.len();
            let (h, l, c, v) = (&b.high, &b.low, &b.close, &b.volume);
            let param = [("period", f64::from(period))];
            let mut out = vec![0.0; n];
            let range = core.cmf(0, n - 1, h, l, c, v, period, &mut out);
            let expected = aligned(n, range, &out);
            assert_close(&format!("cmf {period} {what}"), &ours("cmf", &param, b)[0], &expected, TOLERANCE, 1.0);

            let range = core.mfi(0, n - 1, h, l, c, v, period, &mut out);
            let mut expected = aligned(n, range, &out);
            // No flow at all: 50 here, 0 in TA-Lib.
            let flow = |i: usize| {
                let typical = |i: usize| (h[i] + l[i] + c[i]) / 3.0;
                v[i] > 0.0 && typical(i) != typical(i - 1)
            };
            for (i, value) in expected.iter_mut().enumerate().skip(period as usize) {
                if (i + 1 - period as usize..=i).all(|k| !flow(k)) {
                    assert_eq!(*value, 0.0);
                    *value = 50.0;
                }
            }
            assert_close(&format!("mfi {period} {what}"), &ours("mfi", &param, b)[0], &expected, TOLERANCE, 1.0);

            let range = core.efi(0, n - 1, c, v, period, &mut out);
            let expected = aligned(n, range, &out);
            let force = scale(&expected);
            assert_close(
                &format!("efi {period} {what}"),
                &ours("force_index", &param, b)[0],
                &expected,
                TOLERANCE,
                force,
            );

            let range = core.emv(0, n - 1, h, l, v, period, 1e4, &mut out);
            let expected = aligned(n, range, &out);
            let ease = scale(&expected);
            let got = &ours("ease_of_movement", &param, b)[0];
            assert_close(&format!("emv {period} {what}"), got, &expected, TOLERANCE, ease);
        });
    }
}

#[test]
fn a_window_without_flow_is_neutral() {
    let (_, flat) = all().into_iter().find(|(what, _)| *what == "constant").unwrap();
    assert!(ours("mfi", &[], &flat)[0][14..].iter().all(|&v| v == 50.0));
    let (_, none) = all().into_iter().find(|(what, _)| *what == "no volume").unwrap();
    assert!(ours("mfi", &[], &none)[0][14..].iter().all(|&v| v == 50.0));
    assert!(ours("volume_ratio", &[], &none)[0][19..].iter().all(|&v| v == 1.0));
    assert!(ours("obv_slope", &[], &none)[0][20..].iter().all(|&v| v == 0.0));
    assert!(ours("cmf", &[], &none)[0][19..].iter().all(|&v| v == 0.0));
}

fn typical(b: &Bars, i: usize) -> f64 {
    (b.high[i] + b.low[i] + b.close[i]) / 3.0
}

/// Mean typical price of some rows, weighted by volume where there is any.
fn mean_price(b: &Bars, rows: std::ops::Range<usize>) -> f64 {
    let volume: f64 = rows.clone().map(|i| b.volume[i]).sum();
    if volume > 0.0 {
        rows.map(|i| typical(b, i) * b.volume[i]).sum::<f64>() / volume
    } else {
        rows.clone().map(|i| typical(b, i)).sum::<f64>() / rows.len() as f64
    }
}

#[test]
fn vwap_follows_talib_once_something_traded() {
    let core = Core::new();
    each(|what, b| {
        let n = b.len();
        let mut out = vec![0.0; n];
        let range = core.vwap(0, n - 1, &b.high, &b.low, &b.close, &b.volume, &mut out);
        let mut expected = aligned(n, range, &out);
        for i in 0..n {
            if b.volume[..=i].iter().all(|&v| v == 0.0) {
                assert_eq!(expected[i], 0.0);
                expected[i] = mean_price(b, 0..i + 1);
            }
        }
        assert_close(what, &ours("vwap", &[], b)[0], &expected, TOLERANCE, 0.0);
    });
}

#[test]
fn other_averages_of_price_are_their_formulas() {
    each(|what, b| {
        for n in [1, 20] {
            let expected = rolling(b.len(), n, |w| mean_price(b, w));
            let got = &ours("vwap_rolling", &[("period", n as f64)], b)[0];
            assert_close(&format!("vwap_rolling {n} {what}"), got, &expected, TOLERANCE, 0.0);
        }
        for hour in [0, 7] {
            let day = |i: usize| ((b.ts[i] as i64) - hour * 3_600_000).div_euclid(86_400_000);
            let expected: Vec<f64> = (0..b.len())
                .map(|i| {
                    let start = (0..=i).rev().take_while(|&k| day(k) == day(i)).last().unwrap();
                    mean_price(b, start..i + 1)
                })
                .collect();
            let got = &ours("vwap_session", &[("start_hour", hour as f64)], b)[0];
            assert_close(&format!("vwap_session {hour} {what}"), got, &expected, TOLERANCE, 0.0);
        }
    });
}

#[test]
fn ratios_are_their_formulas() {
    each(|what, b| {
        for n in [1_usize, 20] {
            let expected = rolling(b.len(), n, |w| {
                let mean = b.volume[w.clone()].iter().sum::<f64>() / n as f64;
                if mean == 0.0 { 1.0 } else { b.volume[w.end - 1] / mean }
            });
            let got = &ours("volume_ratio", &[("period", n as f64)], b)[0];
            assert_close(&format!("volume_ratio {n} {what}"), got, &expected, TOLERANCE, 0.0);

            let obv = &ours("obv", &[], b)[0];
            let expected = rolling(b.len(), n + 1, |w| {
                let total: f64 = b.volume[w.start + 1..w.end].iter().sum();
                if total == 0.0 { 0.0 } else { (obv[w.end - 1] - obv[w.start]) / total }
            });
            let got = &ours("obv_slope", &[("period", n as f64)], b)[0];
            assert_close(&format!("obv_slope {n} {what}"), got, &expected, TOLERANCE, 1.0);
        }
    });
}

#[test]
fn period_one_is_the_bar_itself() {
    each(|what, b| {
        let period = [("period", 1.0)];
        let rows = b.len();
        let location = |i: usize| {
            let range = b.high[i] - b.low[i];
            if range > 0.0 && b.volume[i] > 0.0 { (2.0 * b.close[i] - b.high[i] - b.low[i]) / range } else { 0.0 }
        };
        let expected: Vec<f64> = (0..rows).map(location).collect();
        assert_close(what, &ours("cmf", &period, b)[0], &expected, 1e-6, 1.0);
        let force: Vec<f64> =
            (0..rows).map(|i| if i == 0 { f64::NAN } else { (b.close[i] - b.close[i - 1]) * b.volume[i] }).collect();
        assert_close(what, &ours("force_index", &period, b)[0], &force, TOLERANCE, 0.0);
    });
}

#[test]
fn warm_up_is_where_the_first_value_is() {
    let bars = &all()[0].1;
    for name in [
        "obv",
        "obv_slope",
        "ad",
        "adosc",
        "cmf",
        "mfi",
        "vwap",
        "vwap_session",
        "vwap_rolling",
        "force_index",
        "ease_of_movement",
        "volume_ratio",
        "volume_profile",
        "anchored_profile",
        "fixed_range_profile",
    ] {
        let first = warm_up(name, &[]);
        for column in ours(name, &[], bars) {
            assert_eq!(column.iter().position(|v| !v.is_nan()), Some(first), "{name}");
            assert!(column[first..].iter().all(|v| v.is_finite()), "{name}");
        }
    }
}

#[test]
fn ratios_do_not_depend_on_units() {
    let mut rng = Rng(77);
    for seed in 0..20 {
        let bars = walk(seed, 300, 10.0, 0.02);
        let (price, volume) = ((20.0 * rng.normal()).exp2(), (20.0 * rng.normal()).exp2());
        let scaled = bars.scaled(price, volume);
        for name in ["cmf", "mfi", "volume_ratio", "obv_slope"] {
            assert_close(name, &ours(name, &[], &scaled)[0], &ours(name, &[], &bars)[0], 1e-9, 1.0);
        }
        for name in ["vwap", "vwap_rolling", "vwap_session"] {
            let expected: Vec<f64> = ours(name, &[], &bars)[0].iter().map(|v| v * price).collect();
            assert_close(name, &ours(name, &[], &scaled)[0], &expected, 1e-9, 0.0);
        }
        // Prices of a profile scale, shares and counts do not.
        for (name, prices) in [
            ("volume_profile", &[true, true, true, false, false, true][..]),
            ("anchored_profile", &[true, true, true, false]),
            ("fixed_range_profile", &[true, true, true]),
        ] {
            let (a, b) = (ours(name, &[], &scaled), ours(name, &[], &bars));
            for (k, &is_price) in prices.iter().enumerate() {
                let factor = if is_price { price } else { 1.0 };
                let expected: Vec<f64> = b[k].iter().map(|v| v * factor).collect();
                assert_close(&format!("{name} {k}"), &a[k], &expected, 1e-9, 0.0);
            }
        }
    }
}
