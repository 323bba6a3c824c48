//! The three laws of SPEC, and the ranges of a vote, over every row of the catalogue.

use proptest::prelude::*;

use crate::strategies::Vote;
use crate::strategies::registry::rows;
use crate::strategies::testing::{Feed, bars, build, run};
use crate::types::Bar;

fn same(a: &[Vote], b: &[Vote]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(x, y)| x.signal.to_bits() == y.signal.to_bits() && x.confidence.to_bits() == y.confidence.to_bits())
}

fn near(a: &[Vote], b: &[Vote]) -> Option<usize> {
    a.iter().zip(b).position(|(x, y)| {
        x.is_warm() != y.is_warm()
            || (x.is_warm() && !((x.signal - y.signal).abs() <= 1e-9 && (x.confidence - y.confidence).abs() <= 1e-9))
    })
}

fn scaled(tape: &[Bar], k: f64, m: f64) -> Vec<Bar> {
    let by = |b: &Bar| Bar {
        ts: b.ts,
        open: b.open * k,
        high: b.high * k,
        low: b.low * k,
        close: b.close * k,
        volume: b.volume * m,
    };
    tape.iter().map(by).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn votes_are_in_range_and_start_after_the_warm_up(tape in bars(400)) {
        for row in rows() {
            let mut strategy = build(row);
            let votes = run(&mut *strategy, &tape);
            for (i, vote) in votes.iter().enumerate() {
                // A label may be known before every feature is, never after.
                let due = i >= strategy.warm_up();
                prop_assert!(vote.is_warm() == due || (!due && strategy.needs_features()), "{} at {}", row.name, i);
                if vote.is_warm() {
                    prop_assert!((-1.0..=1.0).contains(&vote.signal), "{} at {}: {:?}", row.name, i, vote);
                    prop_assert!((0.0..=1.0).contains(&vote.confidence), "{} at {}: {:?}", row.name, i, vote);
                }
            }
        }
    }

    #[test]
    fn the_future_changes_nothing(tape in bars(300), cut in 0..300_usize, jump in 0.5..2.0_f64) {
        for row in rows() {
            let votes = run(&mut *build(row), &tape);
            let mut other = tape.clone();
            let tail = scaled(&other[cut..], jump, 3.0);
            other.truncate(cut);
            other.extend(tail);
            let changed = run(&mut *build(row), &other);
            prop_assert!(same(&votes[..cut], &changed[..cut]), "{}", row.name);
        }
    }

    #[test]
    fn a_snapshot_goes_on_bit_for_bit(tape in bars(300), cut in 0..300_usize) {
        for row in rows() {
            let mut first = build(row);
            let mut feed = Feed::new(&*first);
            let mut votes = feed.run(&mut *first, &tape[..cut]);
            let bytes = first.snapshot().unwrap();
            let mut copy = first.boxed_clone();
            let mut second = build(row);
            second.restore(&bytes).unwrap();
            let rest = feed.clone().run(&mut *second, &tape[cut..]);
            prop_assert!(same(&rest, &feed.run(&mut *copy, &tape[cut..])), "{}", row.name);
            votes.extend(rest);
            prop_assert!(same(&votes, &run(&mut *build(row), &tape)), "{}", row.name);
            second.reset();
            prop_assert!(same(&votes, &run(&mut *second, &tape)), "{} after reset", row.name);
        }
    }

    #[test]
    fn units_do_not_matter(tape in bars(300), k in -20.0..20.0_f64, m in -10.0..10.0_f64) {
        let other = scaled(&tape, k.exp(), m.exp());
        for row in rows() {
            let (a, b) = (run(&mut *build(row), &tape), run(&mut *build(row), &other));
            if let Some(i) = near(&a, &b) {
                prop_assert!(false, "{} at {}: {:?} but {:?}", row.name, i, a[i], b[i]);
            }
        }
    }

    #[test]
    fn a_missing_value_gets_no_vote_and_leaves_the_state_alone(tape in bars(200), at in 0..200_usize, column in 0..5_u8) {
        for row in rows() {
            let mut bad = tape[at];
            match column {
                0 => bad.open = f64::NAN,
                1 => bad.high = f64::INFINITY,
                2 => bad.low = f64::NAN,
                3 => bad.close = f64::NAN,
                _ => bad.volume = f64::NAN,
            }
            let mut with = tape.clone();
            with.insert(at, bad);
            let mut votes = run(&mut *build(row), &with);
            let hole = votes.remove(at);
            prop_assert!(!hole.is_warm());
            prop_assert!(same(&votes, &run(&mut *build(row), &tape)), "{}", row.name);
        }
    }
}

#[test]
fn a_snapshot_of_another_strategy_is_refused_or_at_least_not_garbage() {
    for row in rows() {
        assert!(build(row).restore(&[]).is_err(), "{}", row.name);
        assert!(build(row).restore(&[1, 2, 3]).is_err(), "{}", row.name);
    }
}

#[test]
fn flat_and_silent_bars_are_ordinary_input() {
    let flat: Vec<Bar> = (0..400)
        .map(|k| Bar { ts: k * 3_600_000, open: 1e-7, high: 1e-7, low: 1e-7, close: 1e-7, volume: 0.0 })
        .collect();
    for row in rows() {
        let mut strategy = build(row);
        let warm_up = strategy.warm_up();
        for vote in &run(&mut *strategy, &flat)[warm_up..] {
            assert_eq!(vote.signal, 0.0, "{}: {vote:?}", row.name);
        }
    }
}

#[test]
fn random_markets_make_every_strategy_act() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for row in rows() {
        let (mut long, mut short) = (0, 0);
        for _ in 0..20 {
            let tape = bars(400).new_tree(&mut runner).unwrap().current();
            for vote in run(&mut *build(row), &tape) {
                long += usize::from(vote.signal > 0.0);
                short += usize::from(vote.signal < 0.0);
            }
        }
        assert!(long > 20 && short > 20, "{}: {long} long, {short} short", row.name);
    }
}

#[test]
fn rows_are_well_formed() {
    let all: Vec<_> = rows().collect();
    assert!(all.len() >= 3);
    for (k, row) in all.iter().enumerate() {
        assert!(all[..k].iter().all(|r| r.name != row.name && r.class != row.class), "{} comes twice", row.name);
        assert!(row.class.ends_with("Agent") && row.summary.ends_with('.'), "{}", row.name);
        assert!(row.resolve(&[]).is_ok(), "{}", row.name);
        for p in row.params {
            assert!(row.resolve(&[(p.name, p.max * 2.0 + 1.0)]).is_err(), "{}.{}", row.name, p.name);
        }
        let error = row.resolve(&[("no_such", 1.0)]).unwrap_err().to_string();
        let expected = if row.params.is_empty() { "no parameter" } else { "one of " };
        assert!(error.starts_with(&format!("{}.no_such = 1: expected {expected}", row.name)), "{error}");
    }
    let near = super::registry::find("ut_bott").err().map(|e| e.to_string()).unwrap_or_default();
    assert!(near.contains("such as ut_bot"), "{near}");
}
