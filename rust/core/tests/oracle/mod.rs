//! Series and comparisons shared by the tests against TA-Lib and against written-out formulas.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use mirrorfast_core::indicators::registry;
use ta_lib::{OutRange, RetCode};

/// Bars as columns.
#[derive(Debug, Clone, Default)]
pub struct Bars {
    pub ts: Vec<f64>,
    pub open: Vec<f64>,
    pub high: Vec<f64>,
    pub low: Vec<f64>,
    pub close: Vec<f64>,
    pub volume: Vec<f64>,
}

impl Bars {
    pub fn len(&self) -> usize {
        self.close.len()
    }

    pub fn column(&self, name: &str) -> &[f64] {
        match name {
            "open" => &self.open,
            // The second series of a pair is one that moves partly with the first.
            "high" | "other" => &self.high,
            "low" => &self.low,
            "close" => &self.close,
            "volume" => &self.volume,
            "timestamp" => &self.ts,
            _ => panic!("no column {name}"),
        }
    }

    pub fn head(&self, n: usize) -> Self {
        let cut = |c: &[f64]| c[..n.min(c.len())].to_vec();
        Self {
            ts: cut(&self.ts),
            open: cut(&self.open),
            high: cut(&self.high),
            low: cut(&self.low),
            close: cut(&self.close),
            volume: cut(&self.volume),
        }
    }

    pub fn scaled(&self, price: f64, volume: f64) -> Self {
        let by = |c: &[f64], k: f64| c.iter().map(|v| v * k).collect();
        Self {
            ts: self.ts.clone(),
            open: by(&self.open, price),
            high: by(&self.high, price),
            low: by(&self.low, price),
            close: by(&self.close, price),
            volume: by(&self.volume, volume),
        }
    }
}

/// A generator good enough for test series (splitmix64).
pub struct Rng(pub u64);

impl Rng {
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// A random walk from `price` with steps of `sigma`; opens near the close before, hourly bars.
pub fn walk(seed: u64, n: usize, price: f64, sigma: f64) -> Bars {
    let mut rng = Rng(seed);
    let mut bars = Bars::default();
    let mut close = price;
    for i in 0..n {
        let open = close * (1.0 + 0.1 * sigma * rng.normal());
        close = open * (sigma * rng.normal()).exp();
        let high = open.max(close) * (1.0 + 0.5 * sigma * rng.unit());
        let low = open.min(close) * (1.0 - 0.5 * sigma * rng.unit());
        bars.ts.push(1.6e12 + 3.6e6 * i as f64);
        bars.open.push(open);
        bars.high.push(high);
        bars.low.push(low);
        bars.close.push(close);
        bars.volume.push(1000.0 * (0.7 * rng.normal()).exp());
    }
    bars
}

/// The ordinary and the awkward: random walks, a coarse price grid with flat bars, a constant series, prices of 1e-7, volume
/// that is mostly or always zero, a jump by a factor of a thousand.
pub fn all() -> Vec<(&'static str, Bars)> {
    let mut out = vec![
        ("walk 1", walk(1, 600, 100.0, 0.01)),
        ("walk 2", walk(2, 600, 30_000.0, 0.002)),
        ("wild", walk(3, 400, 5.0, 0.08)),
        ("tiny prices", walk(4, 400, 1e-7, 0.02)),
    ];
    let mut grid = walk(5, 500, 20.0, 0.01);
    for c in [&mut grid.open, &mut grid.high, &mut grid.low, &mut grid.close] {
        for v in c.iter_mut() {
            *v = (*v * 4.0).round() / 4.0;
        }
    }
    out.push(("coarse grid", grid));
    let mut flat = walk(6, 120, 1.0, 0.0);
    for c in [&mut flat.open, &mut flat.high, &mut flat.low, &mut flat.close] {
        c.fill(0.1);
    }
    out.push(("constant", flat));
    let mut rare = walk(7, 400, 50.0, 0.01);
    for (i, v) in rare.volume.iter_mut().enumerate() {
        if i % 37 != 30 {
            *v = 0.0;
        }
    }
    out.push(("rare volume", rare));
    let mut none = walk(8, 200, 50.0, 0.01);
    none.volume.fill(0.0);
    out.push(("no volume", none));
    let mut jump = walk(9, 300, 1.0, 0.01);
    for c in [&mut jump.open, &mut jump.high, &mut jump.low, &mut jump.close] {
        for v in &mut c[150..] {
            *v *= 1000.0;
        }
    }
    out.push(("jump", jump));
    out
}

/// Outputs of a registry row over bars.
pub fn ours(name: &str, params: &[(&str, f64)], bars: &Bars) -> Vec<Vec<f64>> {
    let row = registry::find(name).unwrap();
    let inputs: Vec<&[f64]> = row.inputs.iter().map(|i| bars.column(i.name())).collect();
    let mut kernel = row.build_with(params).unwrap();
    let mut columns = vec![vec![0.0; bars.len()]; row.outputs.len()];
    let mut outputs: Vec<&mut [f64]> = columns.iter_mut().map(Vec::as_mut_slice).collect();
    kernel.run(&inputs, &mut outputs).unwrap();
    columns
}

/// Rows before the first value of every output, as the row says it.
pub fn warm_up(name: &str, params: &[(&str, f64)]) -> usize {
    registry::find(name).unwrap().build_with(params).unwrap().warm_up()
}

/// A TA-Lib result as a column with NaN before its first row.
pub fn aligned<T: Copy + Into<f64>>(n: usize, range: Result<OutRange, RetCode>, values: &[T]) -> Vec<f64> {
    let range = range.unwrap();
    let mut out = vec![f64::NAN; n];
    for (k, v) in values[..range.count].iter().enumerate() {
        out[range.beg_idx + k] = (*v).into();
    }
    out
}

/// Equal to `tolerance`, relative to the value or, where larger, to `floor`; NaN in the same rows.
pub fn assert_close(what: &str, got: &[f64], expected: &[f64], tolerance: f64, floor: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    for (i, (&a, &b)) in got.iter().zip(expected).enumerate() {
        assert_eq!(a.is_nan(), b.is_nan(), "{what} row {i}: {a} instead of {b}");
        if !a.is_nan() {
            let scale = b.abs().max(floor);
            assert!((a - b).abs() <= tolerance * scale || a == b, "{what} row {i}: {a} instead of {b}");
        }
    }
}

/// Largest absolute value that is a number.
pub fn scale(values: &[f64]) -> f64 {
    values.iter().filter(|v| v.is_finite()).fold(0.0, |a, v| v.abs().max(a))
}

/// `f` over every full window of `n` rows, NaN before.
pub fn rolling(rows: usize, n: usize, f: impl Fn(std::ops::Range<usize>) -> f64) -> Vec<f64> {
    (0..rows).map(|i| if i + 1 >= n { f(i + 1 - n..i + 1) } else { f64::NAN }).collect()
}
