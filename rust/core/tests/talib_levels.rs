//! The levels family against TA-Lib and against written-out formulas.
#![allow(clippy::unwrap_used)] // a test may

mod oracle;

use mirrorfast_core::indicators::levels::zones::{Zone, merge, nearest};
use oracle::{Bars, Rng, aligned, all, assert_close, ours, walk, warm_up};
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
fn fractals_follow_talib() {
    let core = Core::new();
    for (left, right) in [(2, 2), (1, 1), (5, 3), (1, 20)] {
        each(|what, b| {
            let n = b.len();
            let (mut up, mut down) = (vec![0; n], vec![0; n]);
            let range = core.fractal(0, n - 1, &b.high, &b.low, left, right, &mut up, &mut down);
            let got = ours("fractal", &[("left", f64::from(left)), ("right", f64::from(right))], b);
            assert_close(&format!("high {left} {right} {what}"), &got[0], &aligned(n, range, &up), 0.0, 0.0);
            assert_close(&format!("low {left} {right} {what}"), &got[1], &aligned(n, range, &down), 0.0, 0.0);
        });
    }
}

#[allow(clippy::needless_range_loop)]
#[test]
fn swings_are_the_last_confirmed_fractals() {
    each(|what, b| {
        let flags = ours("fractal", &[], b);
        let (mut high, mut low) = (f64::NAN, f64::NAN);
        let mut expected = [vec![], vec![]];
        for i in 0..b.len() {
            if flags[0][i] == 100.0 {
                high = b.high[i - 2];
            }
            if flags[1][i] == 100.0 {
                low = b.low[i - 2];
            }
            expected[0].push(high);
            expected[1].push(low);
        }
        let got = ours("swings", &[], b);
        assert_close(what, &got[0], &expected[0], 0.0, 0.0);
        assert_close(what, &got[1], &expected[1], 0.0, 0.0);
    });
}

#[test]
fn pivots_are_their_formula() {
    each(|what, b| {
        let levels = |h: f64, l: f64, c: f64| {
            let p = (h + l + c) / 3.0;
            [p, 2.0 * p - l, 2.0 * p - h, p + h - l, p - h + l, h + 2.0 * (p - l), l - 2.0 * (h - p)]
        };
        let n = b.len();
        let bar = |i: usize| levels(b.high[i], b.low[i], b.close[i]);
        let expected: Vec<[f64; 7]> = (0..n).map(|i| if i == 0 { [f64::NAN; 7] } else { bar(i - 1) }).collect();
        let got = ours("pivots", &[], b);
        let day = |i: usize| (b.ts[i] as i64 - 5 * 3_600_000).div_euclid(86_400_000);
        let session: Vec<[f64; 7]> = (0..n)
            .map(|i| {
                let before: Vec<usize> = (0..i).filter(|&k| day(k) == day(i) - 1).collect();
                if before.is_empty() {
                    return [f64::NAN; 7];
                }
                let of = |c: &[f64]| before.iter().map(|&k| c[k]).collect::<Vec<f64>>();
                let high = of(&b.high).into_iter().fold(f64::MIN, f64::max);
                let low = of(&b.low).into_iter().fold(f64::MAX, f64::min);
                levels(high, low, b.close[before[before.len() - 1]])
            })
            .collect();
        let by_session = ours("pivots_session", &[("start_hour", 5.0)], b);
        for k in 0..7 {
            let column = |rows: &[[f64; 7]]| rows.iter().map(|r| r[k]).collect::<Vec<f64>>();
            assert_close(&format!("pivots {k} {what}"), &got[k], &column(&expected), TOLERANCE, 0.0);
            assert_close(&format!("session {k} {what}"), &by_session[k], &column(&session), TOLERANCE, 0.0);
        }
    });
}

#[test]
fn fibonacci_is_its_formula() {
    for n in [1_usize, 2, 55] {
        each(|what, b| {
            let got = ours("fibonacci", &[("lookback", n as f64)], b);
            for i in 0..b.len() {
                if i + 1 < n {
                    assert!(got.iter().all(|c| c[i].is_nan()), "{what} {i}");
                    continue;
                }
                let window = i + 1 - n..i + 1;
                let high = b.high[window.clone()].iter().copied().fold(f64::MIN, f64::max);
                let low = b.low[window.clone()].iter().copied().fold(f64::MAX, f64::min);
                let top = window.clone().rev().find(|&k| b.high[k] == high).unwrap();
                let bottom = window.clone().rev().find(|&k| b.low[k] == low).unwrap();
                let up = if top == bottom { 2.0 * b.close[top] >= high + low } else { top > bottom };
                let range = high - low;
                assert_eq!((got[1][i], got[2][i]), (high, low), "{what} {i}");
                assert_eq!(
                    got[0][i],
                    if range == 0.0 {
                        0.0
                    } else if up {
                        1.0
                    } else {
                        -1.0
                    },
                    "{what} {i}"
                );
                let level = |share: f64| if up { high - share * range } else { low + share * range };
                let ratios = [0.0, 0.236, 0.382, 0.5, 0.618, 0.786, 1.0, -0.272, -0.618, -1.0];
                for (k, ratio) in ratios.into_iter().enumerate() {
                    let away = (got[3 + k][i] - level(ratio)).abs();
                    assert!(away <= TOLERANCE * high, "{what} {i} {ratio}: {} {}", got[3 + k][i], level(ratio));
                }
                for (nearest, among) in [(13, 3..10), (14, 10..13)] {
                    let closest = among.map(|k| (got[k][i] - b.close[i]).abs()).fold(f64::MAX, f64::min);
                    let away = (got[nearest][i] - b.close[i]).abs();
                    assert!(away <= closest + 1e-8 * range, "{what} {i}: {away} {closest}");
                }
            }
        });
    }
}

#[test]
fn prices_join_zones_within_the_tolerance() {
    let mut zones = Vec::new();
    merge(&[100.0, 100.4, 101.5, 110.0, 110.3, 110.5, 200.0], 0.005, &mut zones);
    let touches: Vec<u32> = zones.iter().map(|z| z.touches).collect();
    assert_eq!(touches, [2, 1, 3, 1]);
    assert!((zones[2].price - 110.266_666_666_666_67).abs() < 1e-9);
    assert_eq!(nearest(&zones, 105.0), (Some(zones[1]), Some(zones[2])));
    assert_eq!(nearest(&zones, 50.0), (None, Some(zones[0])));
    assert_eq!(nearest(&zones, 200.0), (Some(Zone { price: 200.0, touches: 1 }), None));
    merge(&[], 0.005, &mut zones);
    assert!(zones.is_empty());
}

#[allow(clippy::needless_range_loop)]
#[test]
fn zones_are_those_of_the_swings_in_the_look_back() {
    for (lookback, right, tolerance) in [(100_usize, 2_usize, 0.005), (20, 3, 0.05), (400, 1, 0.0)] {
        each(|what, b| {
            let params = [("lookback", lookback as f64), ("right", right as f64), ("tolerance", tolerance)];
            let got = ours("support_resistance", &params, b);
            let flags = ours("fractal", &params[1..2], b);
            for i in 0..b.len() {
                if i < 2 + right {
                    assert!(got.iter().all(|c| c[i].is_nan()), "{what} {i}");
                    continue;
                }
                let mut turns = Vec::new();
                for k in right..=i {
                    if k - right + lookback > i {
                        turns.extend((flags[0][k] == 100.0).then(|| b.high[k - right]));
                        turns.extend((flags[1][k] == 100.0).then(|| b.low[k - right]));
                    }
                }
                turns.sort_by(f64::total_cmp);
                let mut zones = Vec::new();
                merge(&turns, tolerance, &mut zones);
                let support = zones.iter().rev().find(|z| z.price <= b.close[i]);
                let resistance = zones.iter().find(|z| z.price > b.close[i]);
                for (k, zone) in [(0, support), (2, resistance)] {
                    let expected = zone.map_or((f64::NAN, 0.0), |z| (z.price, f64::from(z.touches)));
                    let same = got[k][i] == expected.0 || (got[k][i].is_nan() && expected.0.is_nan());
                    assert!(same && got[k + 1][i] == expected.1, "{what} {i}: {expected:?}");
                }
            }
        });
    }
}

#[test]
fn the_look_back_must_outlast_the_confirmation() {
    let row = mirrorfast_core::indicators::registry::find("support_resistance").unwrap();
    let error = row.build_with(&[("lookback", 3.0), ("right", 3.0)]).err().unwrap();
    assert_eq!(error.to_string(), "support_resistance.lookback = 3: expected more than right");
}

#[test]
fn warm_up_is_where_the_first_value_is() {
    let bars = &all()[0].1;
    for name in ["fibonacci", "pivots", "fractal"] {
        let first = warm_up(name, &[]);
        for column in ours(name, &[], bars) {
            assert_eq!(column.iter().position(|v| !v.is_nan()), Some(first), "{name}");
            assert!(column[first..].iter().all(|v| v.is_finite()), "{name}");
        }
    }
    // These wait for something to happen, never less than their warm-up.
    for name in ["pivots_session", "swings", "support_resistance"] {
        for column in ours(name, &[], bars) {
            let first = column.iter().position(|v| !v.is_nan()).unwrap();
            assert!(first >= warm_up(name, &[]) && first < 40, "{name} {first}");
        }
    }
}

#[test]
fn levels_scale_with_the_price() {
    let mut rng = Rng(79);
    for seed in 0..20 {
        let bars = walk(seed, 300, 10.0, 0.02);
        let k = (20.0 * rng.normal()).exp2();
        let scaled = bars.scaled(k, 1.0);
        for name in ["fibonacci", "pivots", "pivots_session", "fractal", "swings", "support_resistance"] {
            let (a, b) = (ours(name, &[], &scaled), ours(name, &[], &bars));
            for (column, (got, plain)) in a.iter().zip(&b).enumerate() {
                let unitless = name == "fractal"
                    || (name == "fibonacci" && column == 0)
                    || (name == "support_resistance" && column % 2 == 1);
                let factor = if unitless { 1.0 } else { k };
                let expected: Vec<f64> = plain.iter().map(|v| v * factor).collect();
                assert_close(&format!("{name} {column}"), got, &expected, 1e-9, 0.0);
            }
        }
    }
}
