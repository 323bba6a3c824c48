//! Candlestick patterns against TA-Lib.
#![allow(clippy::unwrap_used)] // a test may

mod oracle;

use oracle::{Bars, Rng, aligned, all, ours, warm_up};
use ta_lib::{Core, OutRange, RetCode};

type Function = fn(&Core, &Bars, &mut [i32]) -> Result<OutRange, RetCode>;

macro_rules! plain {
    ($name:ident) => {
        |c, b, out| c.$name(0, b.len() - 1, &b.open, &b.high, &b.low, &b.close, out)
    };
    ($name:ident, $penetration:expr) => {
        |c, b, out| c.$name(0, b.len() - 1, &b.open, &b.high, &b.low, &b.close, $penetration, out)
    };
}

const PATTERNS: &[(&str, Function)] = &[
    ("cdl_doji", plain!(cdldoji)),
    ("cdl_dragonfly_doji", plain!(cdldragonflydoji)),
    ("cdl_gravestone_doji", plain!(cdlgravestonedoji)),
    ("cdl_hammer", plain!(cdlhammer)),
    ("cdl_inverted_hammer", plain!(cdlinvertedhammer)),
    ("cdl_hanging_man", plain!(cdlhangingman)),
    ("cdl_shooting_star", plain!(cdlshootingstar)),
    ("cdl_engulfing", plain!(cdlengulfing)),
    ("cdl_harami", plain!(cdlharami)),
    ("cdl_harami_cross", plain!(cdlharamicross)),
    ("cdl_piercing", plain!(cdlpiercing)),
    ("cdl_dark_cloud_cover", plain!(cdldarkcloudcover, 0.5)),
    ("cdl_morning_star", plain!(cdlmorningstar, 0.3)),
    ("cdl_evening_star", plain!(cdleveningstar, 0.3)),
    ("cdl_morning_doji_star", plain!(cdlmorningdojistar, 0.3)),
    ("cdl_evening_doji_star", plain!(cdleveningdojistar, 0.3)),
    ("cdl_three_white_soldiers", plain!(cdl3whitesoldiers)),
    ("cdl_three_black_crows", plain!(cdl3blackcrows)),
    ("cdl_three_inside", plain!(cdl3inside)),
    ("cdl_three_outside", plain!(cdl3outside)),
    ("cdl_marubozu", plain!(cdlmarubozu)),
    ("cdl_belt_hold", plain!(cdlbelthold)),
    ("cdl_spinning_top", plain!(cdlspinningtop)),
];

/// Candles with gaps, short and long bodies and shadows, on a grid of 1/64 so that equal prices occur and sums are exact.
fn candles(seed: u64, n: usize) -> Bars {
    let mut rng = Rng(seed);
    let mut bars = Bars::default();
    let grid = |v: f64| (v * 64.0).round() / 64.0;
    let mut close = 100.0;
    for i in 0..n {
        let gap = if rng.unit() < 0.4 { 0.0 } else { 0.6 * rng.normal() };
        let open = grid(close + gap);
        let body = if rng.unit() < 0.3 { 0.02 } else { 1.0 } * rng.normal();
        close = grid((open + body).clamp(50.0, 200.0));
        let shadow = |rng: &mut Rng| if rng.unit() < 0.5 { 0.03 * rng.unit() } else { 1.5 * rng.unit() };
        bars.high.push(grid(open.max(close) + shadow(&mut rng)));
        bars.low.push(grid(open.min(close) - shadow(&mut rng)));
        bars.open.push(open);
        bars.close.push(close);
        bars.volume.push(1.0);
        bars.ts.push(i as f64);
    }
    bars
}

fn theirs(function: Function, bars: &Bars) -> Vec<f64> {
    let mut out = vec![0; bars.len()];
    let range = function(&Core::new(), bars, &mut out);
    aligned(bars.len(), range, &out)
}

#[test]
fn every_pattern_follows_talib() {
    let mut series: Vec<Bars> = (0..8).map(|seed| candles(seed, 20_000)).collect();
    series.extend(all().into_iter().map(|(_, bars)| bars));
    series.push(candles(99, 1));
    series.push(candles(99, 9));
    for &(name, function) in PATTERNS {
        let mut seen = std::collections::BTreeMap::<i64, usize>::new();
        for bars in &series {
            let (got, expected) = (&ours(name, &[], bars)[0], theirs(function, bars));
            for (i, (&a, &b)) in got.iter().zip(&expected).enumerate() {
                assert!(a == b || (a.is_nan() && b.is_nan()), "{name} row {i}: {a} instead of {b}");
                assert!(a != 0.0 || a.is_sign_positive(), "{name} row {i}: -0");
                if !a.is_nan() {
                    *seen.entry(a as i64).or_default() += 1;
                }
            }
        }
        // Every pattern occurred, in each of its directions and strengths.
        let expected: &[i64] = match name {
            "cdl_engulfing" | "cdl_harami" | "cdl_harami_cross" => &[-100, -80, 80, 100],
            "cdl_three_inside" | "cdl_three_outside" | "cdl_marubozu" | "cdl_belt_hold" | "cdl_spinning_top" => {
                &[-100, 100]
            }
            "cdl_hanging_man"
            | "cdl_shooting_star"
            | "cdl_dark_cloud_cover"
            | "cdl_evening_star"
            | "cdl_evening_doji_star"
            | "cdl_three_black_crows" => &[-100],
            _ => &[100],
        };
        for score in expected {
            assert!(seen.contains_key(score), "{name}: {score} never occurred: {seen:?}");
        }
        assert_eq!(seen.len(), expected.len() + 1, "{name}: {seen:?}");
    }
}

#[test]
fn penetration_follows_talib() {
    let bars = candles(5, 20_000);
    let cases: [(&str, f64, Function); 4] = [
        ("cdl_dark_cloud_cover", 0.1, plain!(cdldarkcloudcover, 0.1)),
        ("cdl_morning_star", 0.9, plain!(cdlmorningstar, 0.9)),
        ("cdl_evening_star", 0.0, plain!(cdleveningstar, 0.0)),
        ("cdl_morning_doji_star", 0.6, plain!(cdlmorningdojistar, 0.6)),
    ];
    for (name, penetration, function) in cases {
        let got = &ours(name, &[("penetration", penetration)], &bars)[0];
        assert_eq!(format!("{got:?}"), format!("{:?}", theirs(function, &bars)), "{name}");
    }
}

#[test]
fn one_pass_gives_every_pattern() {
    let bars = candles(6, 5_000);
    let columns = ours("cdl_patterns", &[], &bars);
    assert_eq!(columns.len(), PATTERNS.len());
    for (column, &(name, _)) in columns.iter().zip(PATTERNS) {
        assert_eq!(format!("{column:?}"), format!("{:?}", ours(name, &[], &bars)[0]), "{name}");
    }
}

#[test]
fn warm_up_is_where_the_first_value_is() {
    let bars = candles(7, 100);
    for &(name, _) in PATTERNS {
        assert_eq!(ours(name, &[], &bars)[0].iter().position(|v| !v.is_nan()), Some(warm_up(name, &[])), "{name}");
    }
    let last = ours("cdl_patterns", &[], &bars).iter().filter_map(|c| c.iter().position(|v| !v.is_nan())).max();
    assert_eq!(last, Some(warm_up("cdl_patterns", &[])));
}
