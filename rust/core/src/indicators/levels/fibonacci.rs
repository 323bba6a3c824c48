//! Fibonacci retracements and extensions.

use serde::{Deserialize, Serialize};

use crate::indicators::registry::{Family, Input, Param, Row};
use crate::indicators::{Indicator, erase};
use crate::window::{RangeAge, Ring, RollingRange, chains, larger, smaller};

/// Retracements as shares of the swing, counted back from its end.
pub const RETRACEMENTS: [f64; 7] = [0.0, 0.236, 0.382, 0.5, 0.618, 0.786, 1.0];

/// Extensions as multiples of the swing, counted from its start.
pub const EXTENSIONS: [f64; 3] = [1.272, 1.618, 2.0];

/// Distances within this share of the swing are ties: far above rounding, so that a change of unit moves no level.
const TIE: f64 = 1e-9;

/// Levels of the swing between the highest high and the lowest low of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fibonacci {
    /// +1: the high came after the low, −1: before it, 0: no range at all.
    pub direction: f64,
    /// Highest high.
    pub high: f64,
    /// Lowest low.
    pub low: f64,
    /// Prices at [`RETRACEMENTS`]: `high − r·range` of an upswing, `low + r·range` of a downswing.
    pub retracements: [f64; 7],
    /// Prices at [`EXTENSIONS`]: `low + e·range` of an upswing, `high − e·range` of a downswing.
    pub extensions: [f64; 3],
    /// The retracement nearest the last close, the smaller ratio of two equally near.
    pub nearest_retracement: f64,
    /// The extension nearest the last close.
    pub nearest_extension: f64,
}

impl Fibonacci {
    /// Levels of nothing.
    pub const EMPTY: Self = Self {
        direction: f64::NAN,
        high: f64::NAN,
        low: f64::NAN,
        retracements: [f64::NAN; 7],
        extensions: [f64::NAN; 3],
        nearest_retracement: f64::NAN,
        nearest_extension: f64::NAN,
    };

    /// All ten levels and then `others`: how many lie within `share` of the nearest retracement, itself included, 20 points each
    /// up to 100 (SPEC §3 takes POC and VWAP as the others and a share of 0.005).
    #[inline]
    pub fn confluence(&self, others: &[f64], share: f64) -> f64 {
        let centre = self.nearest_retracement;
        let reach = share * (1.0 + TIE) * centre.abs();
        let levels = self.retracements.iter().chain(&self.extensions).chain(others);
        let near = levels.filter(|&&level| (level - centre).abs() <= reach).count();
        if centre.is_nan() { f64::NAN } else { smaller(100.0, 20.0 * near as f64) }
    }
}

/// Levels of a window of bars, oldest first.
///
/// Of equal highs (or lows) the latest counts. Where one bar holds both ends, the swing goes up if that bar closed in the upper half
/// of its range.
pub fn fibonacci(high: &[f64], low: &[f64], close: &[f64]) -> Fibonacci {
    let Some(&last) = close.last() else { return Fibonacci::EMPTY };
    let (highest, lowest) = (chains(high, f64::NEG_INFINITY, larger), chains(low, f64::INFINITY, smaller));
    let latest = |values: &[f64], v: f64| values.iter().rposition(|&x| x == v).unwrap_or(0);
    let (top, bottom) = (latest(high, highest), latest(low, lowest));
    let upward = if top == bottom { upper_half(high[top], low[top], close[top]) } else { top > bottom };
    swing_levels(high[top], low[bottom], upward, last)
}

/// Whether a bar closed in the upper half of its range, the middle included.
#[inline(always)]
fn upper_half(high: f64, low: f64, close: f64) -> bool {
    2.0 * close - high - low >= -TIE * (high - low)
}

/// Levels of a swing from `low` up to `high` or, not `upward`, from `high` down to `low`; `last` is the price to be near to.
#[inline(always)]
pub fn swing_levels(high: f64, low: f64, upward: bool, last: f64) -> Fibonacci {
    let range = high - low;
    let (start, swing) = if upward { (low, range) } else { (high, -range) };
    let retracements = RETRACEMENTS.map(|r| start + (1.0 - r) * swing);
    let extensions = EXTENSIONS.map(|e| start + e * swing);
    let nearest = |levels: &[f64]| {
        let away = |level: f64| (level - last).abs();
        let slack = TIE * range;
        levels.iter().copied().reduce(|best, level| if away(level) < away(best) - slack { level } else { best })
    };
    Fibonacci {
        direction: if range == 0.0 { 0.0 } else { swing.signum() },
        high,
        low,
        retracements,
        extensions,
        nearest_retracement: nearest(&retracements).unwrap_or(f64::NAN),
        nearest_extension: nearest(&extensions).unwrap_or(f64::NAN),
    }
}

/// [`fibonacci`] of the last `lookback` bars, in constant time for each.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FibonacciLevels {
    range: RollingRange,
    age: RangeAge,
    closes: Ring,
}

impl FibonacciLevels {
    /// Swings within `lookback ≥ 1` bars.
    pub fn new(lookback: usize) -> Self {
        Self { range: RollingRange::new(lookback), age: RangeAge::new(lookback), closes: Ring::new(lookback) }
    }

    /// Takes a bar; the levels once there are enough.
    #[inline(always)]
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<Fibonacci> {
        let (highest, lowest) = self.range.push(high, low);
        let (since_high, since_low) = self.age.push(high, low);
        self.closes.push(close);
        if highest.is_nan() {
            return None;
        }
        let upward = if since_high == since_low {
            upper_half(highest, lowest, self.closes.back(since_high as usize))
        } else {
            since_high < since_low
        };
        Some(swing_levels(highest, lowest, upward, close))
    }
}

impl Indicator<3, 15> for FibonacciLevels {
    #[inline(always)]
    fn update(&mut self, [high, low, close]: [f64; 3]) -> [f64; 15] {
        let Some(f) = self.push(high, low, close) else { return [f64::NAN; 15] };
        let [r0, r1, r2, r3, r4, r5, r6] = f.retracements;
        let [e0, e1, e2] = f.extensions;
        let (far, near) = (f.nearest_extension, f.nearest_retracement);
        [f.direction, f.high, f.low, r0, r1, r2, r3, r4, r5, r6, e0, e1, e2, near, far]
    }
    fn reset(&mut self) {
        self.range.reset();
        self.age.reset();
        self.closes.reset();
    }
    fn warm_up(&self) -> usize {
        self.range.period() - 1
    }
}

pub(super) const ROW: Row = Row {
    name: "fibonacci",
    family: Family::Levels,
    inputs: &[Input::High, Input::Low, Input::Close],
    params: &[Param::int("lookback", 55, 1, 10_000)],
    outputs: &[
        "fib_direction",
        "fib_high",
        "fib_low",
        "fib_0",
        "fib_236",
        "fib_382",
        "fib_500",
        "fib_618",
        "fib_786",
        "fib_1000",
        "fib_ext_1272",
        "fib_ext_1618",
        "fib_ext_2000",
        "fib_nearest_retracement",
        "fib_nearest_extension",
    ],
    summary: "Fibonacci levels of the swing between the extremes of the last `lookback` bars.",
    rule: None,
    build: |p| erase(FibonacciLevels::new(p[0] as usize)),
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn streaming_equals_the_function_over_each_window(
            rows in prop::collection::vec((0_u8..12, 0_u8..4, 0_u8..4), 1..60),
            n in 1_usize..12,
        ) {
            let low: Vec<f64> = rows.iter().map(|r| 1.0 + f64::from(r.0)).collect();
            let close: Vec<f64> = rows.iter().zip(&low).map(|(r, l)| l + f64::from(r.1)).collect();
            let high: Vec<f64> = rows.iter().zip(&close).map(|(r, c)| c + f64::from(r.2)).collect();
            let mut stream = FibonacciLevels::new(n);
            for i in 0..rows.len() {
                let got = stream.push(high[i], low[i], close[i]);
                let expected = (i + 1 >= n).then(|| {
                    let w = i + 1 - n..i + 1;
                    fibonacci(&high[w.clone()], &low[w.clone()], &close[w])
                });
                prop_assert_eq!(got, expected);
            }
        }
    }

    #[test]
    fn an_upswing_retraces_from_its_high() {
        let f = fibonacci(&[110.0, 200.0, 170.0], &[100.0, 150.0, 160.0], &[105.0, 190.0, 163.0]);
        assert_eq!((f.direction, f.high, f.low), (1.0, 200.0, 100.0));
        for (level, expected) in f.retracements.iter().zip([200.0, 176.4, 161.8, 150.0, 138.2, 121.4, 100.0]) {
            assert!((level - expected).abs() < 1e-12, "{level} {expected}");
        }
        for (level, expected) in f.extensions.iter().zip([227.2, 261.8, 300.0]) {
            assert!((level - expected).abs() < 1e-12, "{level} {expected}");
        }
        assert!((f.nearest_retracement - 161.8).abs() < 1e-12);
        assert!((f.nearest_extension - 227.2).abs() < 1e-12);
        // 161.8 itself, 162.0 within half a per cent, 150 not.
        assert_eq!(f.confluence(&[162.0, 150.0], 0.005), 40.0);
    }

    #[test]
    fn a_downswing_mirrors_it() {
        let f = fibonacci(&[200.0, 150.0], &[180.0, 100.0], &[190.0, 110.0]);
        assert_eq!(f.direction, -1.0);
        assert!((f.retracements[2] - 138.2).abs() < 1e-12 && (f.extensions[0] - 72.8).abs() < 1e-12);
    }

    #[test]
    fn flat_and_empty_windows() {
        let f = fibonacci(&[5.0; 4], &[5.0; 4], &[5.0; 4]);
        assert_eq!((f.direction, f.nearest_retracement, f.nearest_extension), (0.0, 5.0, 5.0));
        assert!(f.retracements.iter().chain(&f.extensions).all(|&v| v == 5.0));
        assert_eq!(f.confluence(&[], 0.005), 100.0);
        assert!(fibonacci(&[], &[], &[]).direction.is_nan());
        assert!(Fibonacci::EMPTY.confluence(&[1.0], 0.005).is_nan());
    }

    #[test]
    fn one_bar_with_both_ends_goes_where_it_closed() {
        assert_eq!(fibonacci(&[9.0, 12.0], &[8.0, 6.0], &[8.5, 10.0]).direction, 1.0);
        assert_eq!(fibonacci(&[9.0, 12.0], &[8.0, 6.0], &[8.5, 7.0]).direction, -1.0);
        // Exactly in the middle: up, at any scale.
        for k in [1.0, 1e-7, 3.3, 1e9] {
            assert_eq!(fibonacci(&[12.0 * k], &[6.0 * k], &[9.0 * k]).direction, 1.0);
        }
    }
}
