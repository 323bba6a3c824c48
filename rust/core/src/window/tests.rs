//! Every window against its definition.

use proptest::prelude::*;

use super::*;

fn windows(xs: &[f64], n: usize) -> impl Iterator<Item = Option<&[f64]>> {
    (0..xs.len()).map(move |i| (i + 1).checked_sub(n).map(|start| &xs[start..=i]))
}

fn close(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-12 * scale.abs().max(1.0)
}

proptest! {
    #[test]
    fn every_window_equals_its_definition(
        xs in prop::collection::vec(-1e3..1e3_f64, 0..120),
        n in 1_usize..20,
    ) {
        let (mut sum, mut max, mut min) = (RollingSum::new(n), RollingMax::new(n), RollingMin::new(n));
        let mut mean_only = RollingMean::new(n);
        let (mut moments, mut line) = (RollingMoments::new(n), RollingLine::new(n));
        for (&x, window) in xs.iter().zip(windows(&xs, n)) {
            let got = (sum.push(x), max.push(x), min.push(x), mean_only.push(x));
            let (spread, l) = (moments.push(x), line.push(x));
            let Some(w) = window else {
                for v in [got.0, got.1, got.2, got.3, spread.mean, spread.variance, l.sum, l.weighted] {
                    prop_assert!(v.is_nan());
                }
                continue;
            };
            let total: f64 = w.iter().sum();
            let mean = total / n as f64;
            let variance = w.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n as f64;
            let weighted: f64 = w.iter().enumerate().map(|(k, v)| k as f64 * v).sum();
            let positions = (n * (n - 1) / 2) as f64;
            prop_assert!(close(got.0, total, 1e4));
            let highest = w.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let lowest = w.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert_eq!(got.1, highest);
            prop_assert_eq!(got.2, lowest);
            prop_assert!(close(got.3, mean, 1e4));
            prop_assert!(close(spread.mean, mean, 1e4));
            prop_assert!(close(spread.variance, variance, 1e7));
            prop_assert!(close(l.shift * n as f64 + l.sum, total, 1e5));
            prop_assert!(close(l.shift * positions + l.weighted, weighted, 1e6));
        }
    }
}

#[test]
fn variance_far_from_zero_is_exact() {
    // Multiples of 2^-20 around 60,000: every difference is exact, so the definition in integers is the truth.
    let steps: Vec<i64> = (0..500).map(|i: i64| (i * 7919) % 101 - 50).collect();
    let n = 20;
    let mut moments = RollingMoments::new(n);
    for (i, &s) in steps.iter().enumerate() {
        let got = moments.push(60_000.0 + s as f64 / 1_048_576.0);
        if i + 1 >= n {
            let w = &steps[i + 1 - n..=i];
            let (sum, square) = (w.iter().sum::<i64>(), w.iter().map(|v| v * v).sum::<i64>());
            let truth = (n as i64 * square - sum * sum) as f64 / (n * n) as f64 / 1_048_576.0_f64.powi(2);
            assert!((got.variance / truth - 1.0).abs() < 1e-12, "{} {truth}", got.variance);
        }
    }
}

#[test]
fn a_huge_value_leaves_no_trace() {
    let (mut sum, mut moments, mut line) = (RollingSum::new(5), RollingMoments::new(5), RollingLine::new(5));
    for x in [1.0, 1e300, 2.0] {
        sum.push(x);
        moments.push(x);
        line.push(x);
    }
    let mut last = (0.0, Spread { mean: 0.0, variance: 0.0 }, Line { shift: 0.0, sum: 0.0, weighted: 0.0 });
    for _ in 0..5 {
        last = (sum.push(3.0), moments.push(3.0), line.push(3.0));
    }
    assert_eq!(last.0, 15.0);
    assert_eq!(last.1, Spread { mean: 3.0, variance: 0.0 });
    assert_eq!(last.2, Line { shift: 3.0, sum: 0.0, weighted: 0.0 });
}

#[test]
fn reset_forgets() {
    let (mut max, mut mean, mut delay) = (RollingMax::new(2), RollingMean::new(2), Delay::new(2, 1));
    for x in [5.0, 6.0, 7.0] {
        max.push(x);
        mean.push(x);
        delay.push([x]);
    }
    max.reset();
    mean.reset();
    delay.reset();
    assert!(max.push(1.0).is_nan() && mean.push(1.0).is_nan() && delay.push([1.0])[0].is_nan());
    assert_eq!((max.push(0.5), mean.push(2.0)), (1.0, 1.5));
}

#[test]
fn the_mean_of_equal_values_is_that_value() {
    for n in 1..60 {
        let mut mean = RollingMean::new(n);
        for i in 0..200 {
            let got = mean.push(0.1);
            assert!(if i + 1 < n { got.is_nan() } else { got == 0.1 });
        }
    }
}

#[test]
fn delay_keeps_series_apart() {
    let mut delay = Delay::new(2, 3);
    for i in 0..7 {
        let row = [f64::from(i), f64::from(10 * i), f64::from(-i)];
        let past = delay.push(row);
        if i < 2 {
            assert!(past.iter().all(|v| v.is_nan()));
        } else {
            assert_eq!(past, [f64::from(i - 2), f64::from(10 * (i - 2)), f64::from(2 - i)]);
        }
    }
    assert_eq!(delay.capacity(), 6);
}

#[test]
fn choices_without_a_branch() {
    assert_eq!((keep_if(true, -1.5), keep_if(false, -1.5)), (-1.5, 0.0));
    assert_eq!((pick(true, 1.0, f64::NAN), pick(false, f64::INFINITY, 2.0)), (1.0, 2.0));
}

#[test]
fn ring_holds_the_newest() {
    let mut ring = Ring::new(3);
    assert!(ring.is_empty());
    for x in [1.0, 2.0, 3.0] {
        assert!(ring.push(x).is_nan());
    }
    assert_eq!(ring.push(4.0), 1.0);
    assert_eq!((ring.get(0), ring.back(0), ring.len(), ring.capacity()), (2.0, 4.0, 3, 3));
    assert_eq!(ring.iter().collect::<Vec<_>>(), [2.0, 3.0, 4.0]);
    ring.reset();
    assert!(ring.is_empty() && !ring.is_full());
}

proptest! {
    #[test]
    fn every_window_over_two_series_equals_its_definition(
        rows in prop::collection::vec((0_u8..12, 0_u8..12), 0..120),
        n in 1_usize..20,
    ) {
        let rows: Vec<(f64, f64)> = rows.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).collect();
        let (mut sums, mut range, mut age) = (RollingSums::new(n), RollingRange::new(n), RangeAge::new(n));
        for (i, &(a, b)) in rows.iter().enumerate() {
            let (sum, extremes, since) = (sums.push([a, b]), range.push(a, b), age.push(a, b));
            if i + 1 < n {
                for v in [sum[0], sum[1], extremes.0, extremes.1, since.0, since.1] {
                    prop_assert!(v.is_nan());
                }
                continue;
            }
            let w = &rows[i + 1 - n..=i];
            prop_assert_eq!(sum, [w.iter().map(|r| r.0).sum::<f64>(), w.iter().map(|r| r.1).sum::<f64>()]);
            let highest = w.iter().map(|r| r.0).fold(f64::NEG_INFINITY, f64::max);
            let lowest = w.iter().map(|r| r.1).fold(f64::INFINITY, f64::min);
            prop_assert_eq!(extremes, (highest, lowest));
            let (h, l) = (w.iter().rev().position(|r| r.0 == highest), w.iter().rev().position(|r| r.1 == lowest));
            prop_assert_eq!(since, (h.unwrap() as f64, l.unwrap() as f64));
        }
    }
}

#[test]
fn pairs_forget() {
    let (mut sums, mut range, mut age) = (RollingSums::new(2), RollingRange::new(2), RangeAge::new(2));
    for x in [5.0, 6.0, 7.0] {
        sums.push([x, x]);
        range.push(x, x);
        age.push(x, x);
    }
    sums.reset();
    range.reset();
    age.reset();
    assert!(sums.push([1.0; 2])[0].is_nan() && range.push(1.0, 1.0).0.is_nan() && age.push(1.0, 1.0).0.is_nan());
    assert_eq!((sums.push([2.0; 2]), range.push(2.0, 0.5), age.push(0.5, 2.0)), ([3.0; 2], (2.0, 0.5), (1.0, 1.0)));
    assert_eq!((sums.period(), range.period(), age.period()), (2, 2, 2));
}
