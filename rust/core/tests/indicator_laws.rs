//! Laws that every row of the registry obeys, whatever it computes.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use mirrorfast_core::CoreError;
use mirrorfast_core::indicators::Erased;
use mirrorfast_core::indicators::registry::{self, Input, Row};
use proptest::prelude::*;
use support::{Rng, Table};

/// Rows that may have no value after the warm-up: a moment of a window without spread is undefined, and a level does not exist
/// before the first swing or session has passed.
const MAY_BE_UNDEFINED: [&str; 6] = ["hurst", "kurtosis", "pivots_session", "skew", "support_resistance", "swings"];

fn may_be_undefined(row: &Row) -> bool {
    MAY_BE_UNDEFINED.contains(&row.name)
}

type Columns = Vec<Vec<f64>>;

/// Parameters of a row: the defaults for seed 0, else small random values that its rule accepts.
fn parameters(row: &Row, seed: u64) -> Vec<(&'static str, f64)> {
    let mut rng = Rng::new(seed);
    for _ in 0..50 {
        let given: Vec<(&str, f64)> = row
            .params
            .iter()
            .map(|p| {
                let span = (p.max.min(p.min + 30.0) - p.min).max(0.0);
                let value = p.min + span * rng.uniform();
                (
                    p.name,
                    if seed == 0 {
                        p.default
                    } else if p.integer {
                        value.floor()
                    } else {
                        value
                    },
                )
            })
            .collect();
        if row.resolve(&given).is_ok() {
            return given;
        }
    }
    row.params.iter().map(|p| (p.name, p.default)).collect()
}

fn build(row: &Row, seed: u64) -> Box<dyn Erased> {
    row.build_with(&parameters(row, seed)).unwrap()
}

fn inputs(row: &Row, table: &Table) -> Columns {
    row.inputs.iter().map(|&i| table.input(i).to_vec()).collect()
}

fn batch(indicator: &mut dyn Erased, inputs: &[Vec<f64>]) -> Columns {
    let n = inputs[0].len();
    let mut out = vec![vec![0.0; n]; indicator.outputs()];
    let columns: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let mut slices: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
    indicator.run(&columns, &mut slices).unwrap();
    out
}

/// Every other output of the batch, by `run_wanted`.
fn every_other(indicator: &mut dyn Erased, inputs: &[Vec<f64>]) -> Vec<Option<Vec<f64>>> {
    let n = inputs[0].len();
    let mut out: Vec<_> = (0..indicator.outputs()).map(|k| (k % 2 == 1).then(|| vec![0.0; n])).collect();
    let columns: Vec<&[f64]> = inputs.iter().map(Vec::as_slice).collect();
    let mut slices: Vec<Option<&mut [f64]>> = out.iter_mut().map(|c| c.as_deref_mut()).collect();
    indicator.run_wanted(&columns, &mut slices).unwrap();
    out
}

fn stream(indicator: &mut dyn Erased, inputs: &[Vec<f64>], rows: std::ops::Range<usize>) -> Columns {
    let mut out = vec![Vec::new(); indicator.outputs()];
    let mut y = vec![0.0; out.len()];
    for i in rows {
        let x: Vec<f64> = inputs.iter().map(|c| c[i]).collect();
        indicator.update(&x, &mut y).unwrap();
        for (column, v) in out.iter_mut().zip(&y) {
            column.push(*v);
        }
    }
    out
}

/// Every bit, with all NaNs alike.
fn bits(columns: &[Vec<f64>]) -> Vec<Vec<u64>> {
    let bits = |v: &f64| if v.is_nan() { u64::MAX } else { v.to_bits() };
    columns.iter().map(|c| c.iter().map(bits).collect()).collect()
}

fn cut(columns: &[Vec<f64>], rows: std::ops::Range<usize>) -> Columns {
    columns.iter().map(|c| c[rows.clone()].to_vec()).collect()
}

/// A walk with flat stretches, repeated prices and bars without volume, as real series have them.
fn bars(seed: u64, rows: usize) -> Table {
    let mut table = Table::walk("random", rows, 10.0_f64.powi((seed % 9) as i32 - 4), seed);
    let mut rng = Rng::new(seed ^ 0xbeef);
    let mut i = 0;
    while i < rows {
        let length = (rng.uniform() * 60.0) as usize + 1;
        if rng.uniform() < 0.2 {
            let value = table.close[i];
            for k in i..(i + length / 2).min(rows) {
                (table.open[k], table.high[k], table.low[k], table.close[k]) = (value, value, value, value);
                table.volume[k] = if rng.uniform() < 0.5 { 0.0 } else { table.volume[k] };
            }
        }
        i += length;
    }
    table
}

#[test]
fn the_catalogue_is_consistent() {
    let mut names = BTreeSet::new();
    for row in registry::rows() {
        assert!(names.insert(row.name), "{} twice", row.name);
        let outputs: BTreeSet<_> = row.outputs.iter().collect();
        assert_eq!(outputs.len(), row.outputs.len(), "{}: an output name twice", row.name);
        assert!(row.outputs.len() > 1 || row.outputs == [row.name], "{}: a single output has the row's name", row.name);
        assert!(!row.inputs.is_empty() && row.summary.ends_with('.'), "{}", row.name);
        let params: BTreeSet<_> = row.params.iter().map(|p| p.name).collect();
        assert_eq!(params.len(), row.params.len(), "{}: a parameter name twice", row.name);
        for p in row.params {
            assert!(p.min <= p.default && p.default <= p.max, "{}.{}: default out of range", row.name, p.name);
        }
        let built = build(row, 0);
        assert_eq!((built.inputs(), built.outputs()), (row.inputs.len(), row.outputs.len()), "{}", row.name);
        assert!(registry::find(row.name).is_ok());
    }
    for name in MAY_BE_UNDEFINED {
        assert!(names.contains(name), "{name} is no row");
    }
    assert!(names.len() >= 100, "only {} rows", names.len());
}

#[test]
fn bad_parameters_are_named() {
    for row in registry::rows() {
        let fails = |given: &[(&str, f64)], name: &str| match row.build_with(given) {
            Err(CoreError::Parameter { name: found, .. }) => assert_eq!(found, format!("{}.{name}", row.name)),
            other => panic!("{}{given:?}: {:?}", row.name, other.err()),
        };
        fails(&[("no_such", 1.0)], "no_such");
        for p in row.params {
            for value in [p.min - 1.0, p.max * 2.0 + 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                fails(&[(p.name, value)], p.name);
            }
            if p.integer {
                fails(&[(p.name, p.default + 0.5)], p.name);
            }
        }
    }
    let Err(CoreError::Parameter { expected, .. }) = registry::find("rsii") else { panic!("rsii is no indicator") };
    assert!(expected.contains("rsi"), "{expected}");
}

#[test]
fn wrong_shapes_are_refused() {
    for row in registry::rows() {
        let mut indicator = build(row, 0);
        let (i, o) = (row.inputs.len(), row.outputs.len());
        assert!(matches!(indicator.update(&vec![1.0; i + 1], &mut vec![0.0; o]), Err(CoreError::Shape { .. })));
        assert!(matches!(indicator.update(&vec![1.0; i], &mut vec![0.0; o + 1]), Err(CoreError::Shape { .. })));
        let short = vec![1.0; 4];
        let long = vec![1.0; 5];
        let columns: Vec<&[f64]> = (0..i).map(|_| long.as_slice()).collect();
        let mut out = vec![vec![0.0; 4]; o];
        let mut slices: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
        assert!(matches!(indicator.run(&columns, &mut slices), Err(CoreError::Shape { .. })));
        if i > 1 {
            let mut columns = columns.clone();
            columns[1] = &short;
            let mut out = vec![vec![0.0; 5]; o];
            let mut slices: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
            assert!(matches!(indicator.run(&columns, &mut slices), Err(CoreError::Shape { .. })));
        }
    }
}

#[test]
fn truncated_snapshots_are_refused() {
    for row in registry::rows() {
        let mut indicator = build(row, 0);
        let table = bars(3, 100);
        batch(&mut *indicator, &inputs(row, &table));
        let bytes = indicator.snapshot().unwrap();
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(indicator.restore(&longer).is_err(), "{}", row.name);
        if let Some((_, shorter)) = bytes.split_last() {
            assert!(indicator.restore(shorter).is_err(), "{}", row.name);
        }
        indicator.restore(&bytes).unwrap();
    }
}

#[test]
fn flat_bars_without_volume_have_values() {
    for row in registry::rows().filter(|row| !may_be_undefined(row)) {
        for price in [100.0, 0.1, 1e-7, 6e4] {
            let mut table = Table::around("flat", vec![price; 500], 0.0, 1);
            table.volume.fill(0.0);
            let mut indicator = build(row, 0);
            let out = batch(&mut *indicator, &inputs(row, &table));
            for (name, column) in row.outputs.iter().zip(&out) {
                for (i, v) in column.iter().enumerate().skip(indicator.warm_up()) {
                    assert!(v.is_finite(), "{}.{name} of flat bars at {price}, row {i}: {v}", row.name);
                }
            }
        }
    }
}

/// Exponent `p` with `after = before · factor^p` in every row to 1e-9 of the column's size, if there is one.
fn exponent(before: &[f64], after: &[f64], factor: f64) -> Option<i32> {
    let size = before.iter().filter(|v| !v.is_nan()).fold(0.0_f64, |m, v| m.max(v.abs()));
    (-3..=3).find(|&p| {
        let scale = factor.powi(p);
        let same = |(b, a): (&f64, &f64)| (b - a / scale).abs() <= 1e-9 * size || b.is_nan() && a.is_nan();
        before.iter().zip(after).all(same)
    })
}

#[test]
fn outputs_scale_with_prices_and_volumes() {
    for row in registry::rows() {
        for seed in 0..4 {
            let table = bars(seed * 31 + 4, 400);
            let plain = inputs(row, &table);
            let before = batch(&mut *build(row, seed), &plain);
            for volume in [false, true] {
                let scaled = |factor: f64| -> Columns {
                    let wanted = |i: Input| i != Input::Timestamp && (i == Input::Volume) == volume;
                    let scale = |(c, &i): (&Vec<f64>, &Input)| {
                        c.iter().map(|v| if wanted(i) { v * factor } else { *v }).collect()
                    };
                    plain.iter().zip(row.inputs).map(scale).collect()
                };
                // A power of two changes no mantissa, 3.7 changes them all.
                let exact = batch(&mut *build(row, seed), &scaled(512.0));
                let rough = batch(&mut *build(row, seed), &scaled(3.7));
                for (k, name) in row.outputs.iter().enumerate() {
                    let (p, q) = (exponent(&before[k], &exact[k], 512.0), exponent(&before[k], &rough[k], 3.7));
                    assert!(p.is_some() && p == q, "{}.{name}, seed {seed}, volume {volume}: {p:?} {q:?}", row.name);
                }
            }
        }
    }
}

/// Long enough for several tiles of a column, where whole tiles and halves of them meet missing values, ties and zeros of both signs.
#[test]
fn long_batches_equal_streams() {
    let rows = 3 * mirrorfast_core::indicators::LONG_TILE + 77;
    for row in registry::rows() {
        for seed in 0..3 {
            let mut columns = inputs(row, &bars(seed * 7 + 1, rows));
            let mut rng = Rng::new(seed);
            for i in 0..rows {
                let (luck, which) = (rng.uniform(), (rng.uniform() * columns.len() as f64) as usize);
                if luck < 0.0007 * seed as f64 {
                    columns[which][i] = f64::NAN;
                } else if luck < 0.004 * seed as f64 && row.inputs == [Input::Real] {
                    columns[which][i] = [0.0, -0.0][i % 2];
                }
            }
            // The expensive ones are left at their defaults.
            let seed = if row.params.iter().any(|p| p.name == "bins") { 0 } else { seed };
            let whole = batch(&mut *build(row, seed), &columns);
            let mut streamed = build(row, seed);
            let got = stream(&mut *streamed, &columns, 0..rows);
            assert_eq!(bits(&got), bits(&whole), "{} with {:?}", row.name, parameters(row, seed));
            let mut other = build(row, seed);
            for (k, column) in every_other(&mut *other, &columns).into_iter().enumerate() {
                assert!(column.is_none_or(|c| bits(&[c]) == bits(&whole[k..=k])), "{} output {k} alone", row.name);
            }
            // The state is that of the stream: both go on alike.
            let further = inputs(row, &bars(seed + 99, 300));
            let next = bits(&stream(&mut *streamed, &further, 0..300));
            assert_eq!(bits(&stream(&mut *other, &further, 0..300)), next, "{} after a batch", row.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn batch_equals_stream_and_past_is_closed(seed in 0_u64..1_000_000, rows in 1_usize..300, at in 0.0..1.0_f64) {
        let table = bars(seed, rows);
        let cut_at = (at * rows as f64) as usize;
        for row in registry::rows() {
            let columns = inputs(row, &table);
            let whole = batch(&mut *build(row, seed), &columns);
            let label = row.name;

            let mut streamed = build(row, seed);
            let got = stream(&mut *streamed, &columns, 0..rows);
            prop_assert_eq!(bits(&got), bits(&whole), "{} as a stream", label);

            // Another object takes up the state in the middle, by batch; the first one is then reset.
            let mut first = build(row, seed);
            let head = batch(&mut *first, &cut(&columns, 0..cut_at));
            prop_assert_eq!(bits(&head), bits(&cut(&whole, 0..cut_at)), "{} without the future", label);
            let mut second = build(row, seed);
            second.restore(&first.snapshot().unwrap()).unwrap();
            let mut third = first.boxed_clone();
            let tail = bits(&cut(&whole, cut_at..rows));
            prop_assert_eq!(bits(&batch(&mut *second, &cut(&columns, cut_at..rows))), tail.clone(), "{} restored", label);
            prop_assert_eq!(bits(&stream(&mut *third, &columns, cut_at..rows)), tail, "{} cloned", label);
            first.reset();
            prop_assert_eq!(bits(&batch(&mut *first, &columns)), bits(&whole), "{} after reset", label);
        }
    }

    #[test]
    fn a_missing_value_is_one_missing_row(seed in 0_u64..1_000_000, rows in 1_usize..300) {
        let table = bars(seed, rows);
        for row in registry::rows() {
            let mut rng = Rng::new(seed);
            let clean = inputs(row, &table);
            let mut broken = clean.clone();
            let mut kept = vec![Vec::new(); clean.len()];
            let mut missing = vec![false; rows];
            for i in 0..rows {
                if rng.uniform() < 0.15 {
                    missing[i] = true;
                    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][(rng.uniform() * 3.0) as usize];
                    let which = (rng.uniform() * clean.len() as f64) as usize;
                    broken[which][i] = bad;
                } else {
                    for (column, source) in kept.iter_mut().zip(&clean) {
                        column.push(source[i]);
                    }
                }
            }
            let got = batch(&mut *build(row, seed), &broken);
            let want = batch(&mut *build(row, seed), &kept);
            for (k, name) in row.outputs.iter().enumerate() {
                let mut rest = want[k].iter();
                for i in 0..rows {
                    let expected = if missing[i] { f64::NAN } else { *rest.next().unwrap() };
                    let same = got[k][i].to_bits() == expected.to_bits() || got[k][i].is_nan() && expected.is_nan();
                    prop_assert!(same, "{}.{} row {}: {} {}", row.name, name, i, got[k][i], expected);
                }
            }
        }
    }

    #[test]
    fn warm_up_is_the_first_complete_row(seed in 0_u64..1_000_000) {
        let table = bars(seed, 600);
        for row in registry::rows() {
            let mut indicator = build(row, seed);
            let out = batch(&mut *indicator, &inputs(row, &table));
            let complete = (0..600).find(|&i| out.iter().all(|c| !c[i].is_nan()));
            let want = indicator.warm_up();
            if may_be_undefined(row) {
                prop_assert!(complete.is_none_or(|i| i >= want), "{} {:?}", row.name, parameters(row, seed));
                continue;
            }
            prop_assert_eq!(complete, (want < 600).then_some(want), "{} {:?}", row.name, parameters(row, seed));
            for (name, column) in row.outputs.iter().zip(&out) {
                for (i, v) in column.iter().enumerate() {
                    prop_assert!(v.is_finite() || i < want && v.is_nan(), "{}.{} row {}: {}", row.name, name, i, v);
                }
            }
        }
    }
}
