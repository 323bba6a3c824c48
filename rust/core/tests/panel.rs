//! Many symbols: threads, column choice and streaming change no value.
#![allow(clippy::unwrap_used)]

mod market;

use market::market;
use mirrorfast_core::bars::Bars;
use mirrorfast_core::features::{Col, FeatureConfig, FeatureRow, FeatureState, Kind};
use mirrorfast_core::panel::{self, Buffer, MISSING, PanelStream, Plan};
use mirrorfast_core::types::Bar;
use mirrorfast_core::{CoreError, snapshot};
use proptest::prelude::*;

fn table(parts: &[(&str, &[Bar])]) -> Bars {
    let column = |f: fn(&Bar) -> f64| parts.iter().flat_map(|(_, bars)| bars.iter().map(f)).collect::<Vec<_>>().into();
    Bars::try_new(
        parts.iter().map(|(name, bars)| ((*name).to_owned(), bars.len())).collect(),
        parts.iter().flat_map(|(_, bars)| bars.iter().map(|b| b.ts)).collect::<Vec<_>>().into(),
        [column(|b| b.open), column(|b| b.high), column(|b| b.low), column(|b| b.close), column(|b| b.volume)],
    )
    .unwrap()
}

/// Owned buffers of a plan, all values as floats to compare.
#[derive(Debug, Clone)]
enum Owned {
    Float(Vec<f64>),
    Code(Vec<u8>),
}

impl Owned {
    fn of(columns: &[Col], rows: usize) -> Vec<Self> {
        let one = |c: &Col| match c.kind() {
            Kind::Float => Self::Float(vec![0.0; rows]),
            _ => Self::Code(vec![0; rows]),
        };
        columns.iter().map(one).collect()
    }

    fn buffer(&mut self) -> Buffer<'_> {
        match self {
            Self::Float(values) => Buffer::Float(values),
            Self::Code(values) => Buffer::Code(values),
        }
    }

    fn bits(&self, row: usize) -> u64 {
        match self {
            Self::Float(values) if values[row].is_nan() => u64::MAX,
            Self::Float(values) => values[row].to_bits(),
            Self::Code(values) => u64::from(values[row]),
        }
    }
}

fn compute(bars: &Bars, columns: &[Col], last_only: bool, threads: usize) -> Vec<Owned> {
    let plan = Plan::new(&FeatureConfig::default(), columns).unwrap();
    let mut owned = Owned::of(columns, if last_only { bars.symbols().len() } else { bars.len() });
    let buffers = owned.iter_mut().map(Owned::buffer).collect();
    panel::compute(bars, &plan, last_only, buffers, threads).unwrap();
    owned
}

/// What the buffers should hold, from one state a symbol.
fn expected(bars: &Bars) -> Vec<FeatureRow> {
    let mut rows = vec![];
    for k in 0..bars.symbols().len() {
        let mut state = FeatureState::new(&FeatureConfig::default()).unwrap();
        let series = bars.series(k);
        for i in 0..series.len() {
            let mut row = FeatureRow::default();
            state.push(&series.bar(i));
            state.row(&mut row);
            rows.push(row);
        }
    }
    rows
}

fn bits(row: &FeatureRow, col: Col) -> u64 {
    let v = row[col];
    match col.kind() {
        Kind::Float if v.is_nan() => u64::MAX,
        Kind::Float => v.to_bits(),
        _ if v.is_nan() => u64::from(MISSING),
        Kind::Int => (v + 1.0) as u64,
        Kind::Bool | Kind::Label(_) => v as u64,
    }
}

#[test]
fn threads_and_choice_of_columns_change_no_value() {
    let markets: Vec<Vec<Bar>> = (0..7).map(|k| market(k, 150 + 40 * k as usize, 10.0, 100.0)).collect();
    let names = ["A", "B", "C", "D", "E", "F", "G"];
    let parts: Vec<(&str, &[Bar])> = names.iter().copied().zip(markets.iter().map(Vec::as_slice)).collect();
    let bars = table(&parts);
    let rows = expected(&bars);
    for threads in [1, 0, 2, 5] {
        let all = compute(&bars, Col::ALL, false, threads);
        for (i, row) in rows.iter().enumerate() {
            for (&col, column) in Col::ALL.iter().zip(&all) {
                assert_eq!(column.bits(i), bits(row, col), "{} row {i}, {threads} threads", col.name());
            }
        }
        let last = compute(&bars, Col::ALL, true, threads);
        for k in 0..names.len() {
            let row = &rows[bars.offset(k) + bars.series(k).len() - 1];
            for (&col, column) in Col::ALL.iter().zip(&last) {
                assert_eq!(column.bits(k), bits(row, col), "{} of {}", col.name(), names[k]);
            }
        }
    }
    // Every column alone, in particular without the levels that it does not need.
    for &col in Col::ALL {
        let one = compute(&bars, &[col], false, 1);
        for (i, row) in rows.iter().enumerate().step_by(7) {
            assert_eq!(one[0].bits(i), bits(row, col), "{} row {i}", col.name());
        }
    }
}

#[test]
fn wrong_buffers_are_refused() {
    let bars = table(&[("A", &market(1, 5, 10.0, 1.0))]);
    let plan = Plan::new(&FeatureConfig::default(), &[Col::Rsi, Col::Signal]).unwrap();
    let (mut f, mut g, mut c) = (vec![0.0; 5], vec![0.0; 4], vec![0_u8; 5]);
    let shape = |result: Result<(), CoreError>, word: &str| match result {
        Err(e @ CoreError::Shape { .. }) => assert!(e.to_string().contains(word), "{e}"),
        other => panic!("{other:?}"),
    };
    shape(panel::compute(&bars, &plan, false, vec![Buffer::Float(&mut f)], 1), "number of column buffers");
    shape(panel::compute(&bars, &plan, false, vec![Buffer::Float(&mut g), Buffer::Code(&mut c)], 1), "rows of rsi");
    let mut other = vec![0.0; 5];
    let kinds = vec![Buffer::Float(&mut f), Buffer::Float(&mut other)];
    shape(panel::compute(&bars, &plan, false, kinds, 1), "signal");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_stream_in_pieces_equals_the_batch(seed in any::<u64>(), cuts in prop::collection::vec((1..40_usize, 0..40_usize), 1..8)) {
        let (a, b) = (market(seed, 400, 10.0, 100.0), market(seed ^ 1, 400, 0.002, 1e9));
        let mut stream = PanelStream::new(&FeatureConfig::default(), Col::ALL).unwrap();
        let (mut i, mut j) = (0, 0);
        let mut seen_a: Vec<Vec<Owned>> = vec![];
        for (k, (m, n)) in cuts.into_iter().enumerate() {
            let mut parts: Vec<(&str, &[Bar])> = vec![("A", &a[i..i + m])];
            if n > 0 {
                parts.push(("B", &b[j..j + n]));
            }
            (i, j) = (i + m, j + n);
            let bars = table(&parts);
            let mut owned = Owned::of(Col::ALL, bars.len());
            stream.update(&bars, owned.iter_mut().map(Owned::buffer).collect(), k % 3).unwrap();
            seen_a.push(owned);
            let bytes = snapshot::to_bytes(&stream).unwrap();
            stream = PanelStream::new(&FeatureConfig::default(), Col::ALL).unwrap();
            stream.restore(&bytes).unwrap();
        }
        let whole = table(&[("A", &a[..i])]);
        let rows = expected(&whole);
        // The rows of A come first in every piece.
        let mut at = 0;
        let symbols: Vec<(String, usize)> = stream.symbols().map(|(s, n)| (s.to_owned(), n)).collect();
        prop_assert_eq!(&symbols[0], &("A".to_owned(), i));
        for piece in &seen_a {
            let Owned::Float(price) = &piece[0] else { panic!("price is a number") };
            let n = price.iter().zip(&a[at..]).take_while(|(p, bar)| **p == bar.close).count();
            for k in 0..n {
                for (&col, column) in Col::ALL.iter().zip(piece) {
                    prop_assert_eq!(column.bits(k), bits(&rows[at + k], col), "{} row {}", col.name(), at + k);
                }
            }
            at += n;
        }
        prop_assert_eq!(at, i);
    }
}

#[test]
fn a_bar_that_was_taken_in_is_refused_and_nothing_changes() {
    let bars = market(3, 10, 10.0, 1.0);
    let columns = [Col::Rsi];
    let mut stream = PanelStream::new(&FeatureConfig::default(), &columns).unwrap();
    let feed = |stream: &mut PanelStream, parts: &[(&str, &[Bar])]| {
        let bars = table(parts);
        let mut out = vec![0.0; bars.len()];
        stream.update(&bars, vec![Buffer::Float(&mut out)], 1)
    };
    feed(&mut stream, &[("A", &bars[..5])]).unwrap();
    let before = snapshot::to_bytes(&stream).unwrap();
    let error = feed(&mut stream, &[("B", &bars[..2]), ("A", &bars[4..6])]).unwrap_err().to_string();
    assert!(error.contains("A: timestamp") && error.contains("row 2"), "{error}");
    assert_eq!(snapshot::to_bytes(&stream).unwrap(), before);
    feed(&mut stream, &[("B", &bars[..2]), ("A", &bars[5..6])]).unwrap();
    assert_eq!(stream.symbols().collect::<Vec<_>>(), [("A", 6), ("B", 2)]);
    let error = PanelStream::new(&FeatureConfig::default(), &[Col::Atr]).unwrap().restore(&before).unwrap_err();
    assert!(error.to_string().contains("other settings"), "{error}");
    assert!(stream.restore(&before[..before.len() - 1]).is_err());
    stream.set_alternative(10.0, 40.0).unwrap();
    assert!(stream.set_alternative(1e3, 40.0).is_err());
}

#[test]
fn a_plan_survives_a_snapshot_and_an_unknown_column_does_not() {
    let plan = Plan::new(&FeatureConfig::default(), &[Col::Signal, Col::Atr]).unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    assert!(
        serde_json::from_str::<Plan>(&text.replace("\"atr\"", "\"atrr\"")).unwrap_err().to_string().contains("atr")
    );
}
