//! Bars of many symbols over Arrow buffers: validated once, shared without copying.

use std::collections::BTreeMap;

use arrow_buffer::ScalarBuffer;

use crate::error::{CoreError, Result};
use crate::types::Bar;

/// A sorted panel of bars: symbol after symbol, each in time order.
#[derive(Debug, Clone)]
pub struct Bars {
    symbols: Vec<String>,
    /// Row range of symbol `k` is `offsets[k]..offsets[k + 1]`.
    offsets: Vec<usize>,
    ts: ScalarBuffer<i64>,
    columns: [ScalarBuffer<f64>; 5],
}

/// The rows of one symbol.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Series<'a> {
    pub ts: &'a [i64],
    pub open: &'a [f64],
    pub high: &'a [f64],
    pub low: &'a [f64],
    pub close: &'a [f64],
    pub volume: &'a [f64],
}

impl Series<'_> {
    /// Row `i` as a bar.
    #[inline]
    pub fn bar(&self, i: usize) -> Bar {
        Bar {
            ts: self.ts[i],
            open: self.open[i],
            high: self.high[i],
            low: self.low[i],
            close: self.close[i],
            volume: self.volume[i],
        }
    }

    /// No bar has a [`Bar::fault`] and times rise: the same rules without a branch a row.
    #[allow(clippy::needless_bitwise_bool, clippy::manual_range_contains)] // no branches: the loop fills vector registers
    fn is_sound(&self) -> bool {
        let prices = self.open.iter().zip(self.high).zip(self.low.iter().zip(self.close));
        let mut sound = true;
        for (((&o, &h), (&l, &c)), &v) in prices.zip(self.volume) {
            // Every comparison is false for a NaN; between a positive low and a finite high all is finite.
            sound &= (l > 0.0)
                & (h < f64::INFINITY)
                & (l <= o)
                & (l <= c)
                & (o <= h)
                & (c <= h)
                & (v >= 0.0)
                & (v < f64::INFINITY);
        }
        sound && self.ts.windows(2).all(|t| t[0] < t[1])
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }
}

impl Bars {
    /// Takes columns as they are and checks every row.
    ///
    /// `runs` are the symbols with their number of rows, in table order; `columns` are open, high, low, close, volume.
    ///
    /// # Errors
    /// [`CoreError::Shape`] when lengths differ or a symbol comes twice, [`CoreError::Data`] naming the first bad value.
    pub fn try_new(runs: Vec<(String, usize)>, ts: ScalarBuffer<i64>, columns: [ScalarBuffer<f64>; 5]) -> Result<Self> {
        let n = ts.len();
        for (name, c) in ["open", "high", "low", "close", "volume"].iter().zip(&columns) {
            if c.len() != n {
                return Err(CoreError::shape(format!("length of column {name}"), c.len(), n));
            }
        }
        let mut offsets = vec![0];
        let mut symbols: Vec<String> = Vec::with_capacity(runs.len());
        let mut rising = true;
        for (symbol, rows) in runs {
            // Names usually rise: only where one does not must the others be looked through.
            if symbols.last().is_some_and(|last| *last >= symbol) {
                rising = false;
            }
            if !rising && symbols.contains(&symbol) {
                return Err(CoreError::shape(
                    format!("symbol {symbol}"),
                    "rows in more than one place",
                    "bars sorted by symbol, then timestamp",
                ));
            }
            offsets.push(offsets[offsets.len() - 1] + rows);
            symbols.push(symbol);
        }
        let total = offsets[offsets.len() - 1];
        if total != n {
            return Err(CoreError::shape("rows of all symbols", total, n));
        }
        let bars = Self { symbols, offsets, ts, columns };
        for k in 0..bars.symbols.len() {
            bars.check(k)?;
        }
        Ok(bars)
    }

    fn check(&self, k: usize) -> Result<()> {
        let series = self.series(k);
        if series.is_sound() {
            return Ok(());
        }
        let fail = |row: usize, column: &str, value: String, expected: &str| {
            Err(CoreError::Data {
                symbol: Some(self.symbols[k].clone()),
                row: self.offsets[k] + row,
                column: column.to_owned(),
                value,
                expected: expected.to_owned(),
            })
        };
        for i in 0..series.len() {
            if let Some((column, value, expected)) = series.bar(i).fault() {
                return fail(i, column, value.to_string(), expected);
            }
            if i > 0 && series.ts[i] <= series.ts[i - 1] {
                let what = if series.ts[i] == series.ts[i - 1] { "a timestamp once" } else { "rising timestamps" };
                return fail(i, "timestamp", series.ts[i].to_string(), what);
            }
        }
        Ok(())
    }

    /// Symbols in table order.
    pub fn symbols(&self) -> &[String] {
        &self.symbols
    }

    /// Rows of all symbols.
    pub fn len(&self) -> usize {
        self.ts.len()
    }

    /// No rows at all.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty()
    }

    /// First table row of symbol `k`.
    pub fn offset(&self, k: usize) -> usize {
        self.offsets[k]
    }

    /// Rows of symbol `k`.
    pub fn series(&self, k: usize) -> Series<'_> {
        let r = self.offsets[k]..self.offsets[k + 1];
        let [open, high, low, close, volume] = &self.columns;
        Series {
            ts: &self.ts[r.clone()],
            open: &open[r.clone()],
            high: &high[r.clone()],
            low: &low[r.clone()],
            close: &close[r.clone()],
            volume: &volume[r],
        }
    }

    /// The most frequent time between neighbouring bars of a symbol, ms; the shortest of several that are. None without two bars.
    pub fn step_ms(&self) -> Option<i64> {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for k in 0..self.symbols.len() {
            let ts = self.series(k).ts;
            let mut at = 1;
            while at < ts.len() {
                // Steps come in runs, almost always in a single one.
                let step = ts[at] - ts[at - 1];
                let run = ts[at - 1..].windows(2).take_while(|t| t[1] - t[0] == step).count();
                *counts.entry(step).or_default() += run;
                at += run;
            }
        }
        counts.into_iter().max_by_key(|&(step, n)| (n, std::cmp::Reverse(step))).map(|(step, _)| step)
    }

    /// Calls `f` once per distinct timestamp, in time order, with the bars that open then as (symbol index, bar), in symbol order.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn for_each_time<E>(&self, mut f: impl FnMut(i64, &[(u32, Bar)]) -> Result<(), E>) -> Result<(), E> {
        let all: Vec<Series<'_>> = (0..self.symbols.len()).map(|k| self.series(k)).collect();
        let mut batch: Vec<(u32, Bar)> = Vec::with_capacity(all.len());
        let Some(first) = all.first() else { return Ok(()) };
        if all.len() == 1 {
            let prices = first.open.iter().zip(first.high).zip(first.low.iter().zip(first.close));
            for ((&ts, ((&open, &high), (&low, &close))), &volume) in first.ts.iter().zip(prices).zip(first.volume) {
                f(ts, &[(0, Bar { ts, open, high, low, close, volume })])?;
            }
            return Ok(());
        }
        if all[1..].iter().all(|s| s.ts == first.ts) {
            // Everybody has every bar: nothing to merge.
            for (i, &now) in first.ts.iter().enumerate() {
                batch.clear();
                batch.extend(all.iter().enumerate().map(|(k, s)| (k as u32, s.bar(i))));
                f(now, &batch)?;
            }
            return Ok(());
        }
        let mut next = vec![0_usize; all.len()];
        loop {
            let now = all.iter().zip(&next).filter_map(|(s, &i)| s.ts.get(i)).min().copied();
            let Some(now) = now else { return Ok(()) };
            batch.clear();
            for (k, s) in all.iter().enumerate() {
                if s.ts.get(next[k]) == Some(&now) {
                    batch.push((k as u32, s.bar(next[k])));
                    next[k] += 1;
                }
            }
            f(now, &batch)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_check_and_the_exact_one_agree() {
        let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, -0.0, 0.0, 1e-300, 1.0, 2.0, 3.0];
        let mut sound = 0;
        for k in 0..100_000_usize {
            let [o, h, l, c, v] = std::array::from_fn(|i| values[k / 10_usize.pow(i as u32) % 10]);
            let series = Series { ts: &[0], open: &[o], high: &[h], low: &[l], close: &[c], volume: &[v] };
            assert_eq!(series.is_sound(), series.bar(0).fault().is_none(), "{o} {h} {l} {c} {v}");
            sound += usize::from(series.is_sound());
        }
        assert!(sound > 100);
        let one = [1.0, 1.0];
        for (ts, rises) in [([0, 1], true), ([1, 1], false), ([1, 0], false)] {
            let series = Series { ts: &ts, open: &one, high: &one, low: &one, close: &one, volume: &one };
            assert_eq!(series.is_sound(), rises);
        }
    }
}
