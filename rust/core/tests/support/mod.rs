//! What the comparisons with TA-Lib share: series of several kinds, and the comparison itself.
#![allow(dead_code)] // each comparison uses its part

use mirrorfast_core::indicators::registry::{self, Input};
use ta_lib::{Core, OutRange, RetCode};

/// Columns of a series.
pub(crate) struct Table {
    pub(crate) label: &'static str,
    pub(crate) open: Vec<f64>,
    pub(crate) high: Vec<f64>,
    pub(crate) low: Vec<f64>,
    pub(crate) close: Vec<f64>,
    pub(crate) volume: Vec<f64>,
    /// Open times in milliseconds, one hour apart.
    pub(crate) timestamp: Vec<f64>,
}

/// `SplitMix64` as a uniform number in [0, 1): the same series on every machine.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Table {
    /// Bars around a path of closes: each opens at the close before and reaches a little beyond both.
    pub(crate) fn around(label: &'static str, close: Vec<f64>, spread: f64, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let open: Vec<f64> = (0..close.len()).map(|i| close[i.saturating_sub(1)]).collect();
        let body = open.iter().zip(&close);
        let high = body.clone().map(|(o, c)| o.max(*c) * (1.0 + spread * rng.uniform())).collect();
        let low = body.map(|(o, c)| o.min(*c) * (1.0 - spread * rng.uniform())).collect();
        let volume = (0..close.len()).map(|_| 10.0 + 1e3 * rng.uniform()).collect();
        let timestamp = (0..close.len()).map(|i| 1.6e12 + 3.6e6 * i as f64).collect();
        Self { label, open, high, low, close, volume, timestamp }
    }

    pub(crate) fn walk(label: &'static str, rows: usize, start: f64, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let mut price = start;
        let close = (0..rows)
            .map(|_| {
                price *= 1.0 + 0.04 * (rng.uniform() - 0.5);
                price
            })
            .collect();
        Self::around(label, close, 0.01, seed + 1)
    }

    pub(crate) fn input(&self, input: Input) -> &[f64] {
        match input {
            Input::Open | Input::Real2 => &self.open,
            Input::High => &self.high,
            Input::Low => &self.low,
            Input::Volume => &self.volume,
            Input::Close | Input::Real => &self.close,
            Input::Timestamp => &self.timestamp,
        }
    }

    fn cut(&self, rows: usize) -> Self {
        let head = |c: &[f64]| c[..rows].to_vec();
        Self {
            label: "short",
            open: head(&self.open),
            high: head(&self.high),
            low: head(&self.low),
            close: head(&self.close),
            volume: head(&self.volume),
            timestamp: head(&self.timestamp),
        }
    }
}

/// Series on which every indicator is compared.
pub(crate) fn tables() -> Vec<Table> {
    let walk = Table::walk("walk", 700, 100.0, 1);
    let mut quiet = Table::walk("flat stretches", 600, 50.0, 5);
    for range in [0..40, 200..290, 500..540] {
        let value = quiet.close[range.start];
        for c in [&mut quiet.open, &mut quiet.high, &mut quiet.low, &mut quiet.close] {
            c[range.clone()].fill(value);
        }
    }
    let mut silent = Table::walk("gaps in volume", 300, 20.0, 9);
    for i in 0..300 {
        if i % 3 == 0 {
            silent.volume[i] = 0.0;
        }
    }
    let rising = (0..300).map(|i| 10.0 + f64::from(i)).collect();
    let waves = (0..500).map(|i| 60_000.0 + 900.0 * (f64::from(i) / 9.0).sin()).collect();
    vec![
        walk.cut(1),
        walk.cut(3),
        walk.cut(15),
        walk.cut(40),
        walk,
        quiet,
        silent,
        Table::walk("tiny prices", 500, 1e-7, 13),
        Table::walk("large prices", 500, 6e4, 17),
        Table::around("rising", rising, 0.0, 21),
        Table::around("waves", waves, 0.002, 23),
    ]
}

/// A reference column from one TA-Lib call: NaN up to the first value.
pub(crate) fn column(
    rows: usize,
    call: impl FnOnce(&Core, usize, &mut [f64]) -> Result<OutRange, RetCode>,
) -> Vec<f64> {
    let [out] = columns(rows, |core, end, [a]| call(core, end, a));
    out
}

/// Reference columns from one TA-Lib call with several outputs.
pub(crate) fn columns<const N: usize>(
    rows: usize,
    call: impl FnOnce(&Core, usize, [&mut [f64]; N]) -> Result<OutRange, RetCode>,
) -> [Vec<f64>; N] {
    let mut out: [Vec<f64>; N] = std::array::from_fn(|_| vec![0.0; rows]);
    let range =
        call(&Core::new(), rows - 1, out.each_mut().map(Vec::as_mut_slice)).expect("TA-Lib takes these parameters");
    out.map(|values| {
        let mut shifted = vec![f64::NAN; rows];
        shifted[range.beg_idx..range.beg_idx + range.count].copy_from_slice(&values[..range.count]);
        shifted
    })
}

/// Output columns of a registry row.
pub(crate) fn ours(name: &str, params: &[(&str, f64)], table: &Table) -> Vec<Vec<f64>> {
    let row = registry::find(name).expect("a known indicator");
    let mut indicator = row.build_with(params).expect("parameters in range");
    let inputs: Vec<&[f64]> = row.inputs.iter().map(|&i| table.input(i)).collect();
    let mut out = vec![vec![0.0; table.close.len()]; row.outputs.len()];
    let mut slices: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
    indicator.run(&inputs, &mut slices).expect("columns of one length");
    for (k, column) in out.iter().enumerate() {
        for (i, v) in column.iter().enumerate() {
            assert!(!v.is_infinite(), "{name}{params:?} output {k} of {} at row {i}: {v}", table.label);
        }
    }
    out
}

/// Same rows filled, same values to 1e-9 of themselves or of the column's usual size. The histogram of a MACD is a difference of
/// differences of prices: on a straight line it is zero, and may be their rounding.
pub(crate) fn compare(what: &str, table: &Table, got: &[f64], want: &[f64]) {
    let filled = want.iter().filter(|v| !v.is_nan());
    let size = (filled.clone().map(|v| v * v).sum::<f64>() / filled.count().max(1) as f64).sqrt();
    let largest = table.close.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let rounding = if what.starts_with("macd") { 4.0 * f64::EPSILON * largest } else { 0.0 };
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        assert_eq!(g.is_nan(), w.is_nan(), "{what} on {}: row {i} is {g}, TA-Lib has {w}", table.label);
        let tolerance = (1e-9 * w.abs().max(size)).max(rounding);
        assert!(w.is_nan() || (g - w).abs() <= tolerance, "{what} on {}: row {i} is {g}, TA-Lib has {w}", table.label);
    }
}

/// Compares every output of an indicator with its reference, on every series.
pub(crate) fn check<const N: usize>(name: &str, params: &[(&str, f64)], reference: impl Fn(&Table) -> [Vec<f64>; N]) {
    for table in tables() {
        let got = ours(name, params, &table);
        let want = reference(&table);
        for k in 0..N {
            compare(&format!("{name}{params:?} output {k}"), &table, &got[k], &want[k]);
        }
    }
}

/// [`check`] of an indicator with one output.
pub(crate) fn check_one(name: &str, params: &[(&str, f64)], reference: impl Fn(&Table) -> Vec<f64>) {
    check(name, params, |table| [reference(table)]);
}
