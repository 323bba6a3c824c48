//! The last values themselves.

use serde::{Deserialize, Serialize};

/// The last `n` values, oldest first by [`Ring::get`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ring {
    values: Vec<f64>,
    at: usize,
    seen: usize,
}

impl Ring {
    /// Room for `n ≥ 1` values.
    pub fn new(n: usize) -> Self {
        Self { values: vec![0.0; n.max(1)], at: 0, seen: 0 }
    }

    /// Adds a value; returns the one that left, NaN while filling.
    #[inline(always)]
    pub fn push(&mut self, x: f64) -> f64 {
        let n = self.values.len();
        let slot = &mut self.values[self.at];
        let old = std::mem::replace(slot, x);
        self.at += 1;
        if self.at == n {
            self.at = 0;
        }
        if self.seen < n {
            self.seen += 1;
            return f64::NAN;
        }
        old
    }

    /// Value `k` places after the oldest one held.
    #[inline(always)]
    pub fn get(&self, k: usize) -> f64 {
        let n = self.values.len();
        let start = if self.seen < n { 0 } else { self.at };
        let i = start + k;
        self.values[if i >= n { i - n } else { i }]
    }

    /// Value `k` bars before the newest one (0: the newest).
    #[inline(always)]
    pub fn back(&self, k: usize) -> f64 {
        self.get(self.seen - 1 - k)
    }

    /// Number of values held.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.seen
    }

    /// Nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.seen == 0
    }

    /// All `n` places are taken.
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.seen == self.values.len()
    }

    /// Room.
    pub fn capacity(&self) -> usize {
        self.values.len()
    }

    /// Oldest to newest, as two runs.
    pub fn runs(&self) -> (&[f64], &[f64]) {
        if self.is_full() {
            (&self.values[self.at..], &self.values[..self.at])
        } else {
            (&self.values[..self.seen], &[])
        }
    }

    /// Oldest to newest.
    pub fn iter(&self) -> impl Iterator<Item = f64> + '_ {
        let (a, b) = self.runs();
        a.iter().chain(b).copied()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.at = 0;
        self.seen = 0;
    }
}

/// The values of `n` rows ago, of one or more series side by side; NaN until there are some.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delay {
    values: Vec<f64>,
    at: usize,
}

impl Delay {
    /// `series ≥ 1` values a row, `n ≥ 1` rows.
    pub fn new(n: usize, series: usize) -> Self {
        Self { values: vec![f64::NAN; n.max(1) * series.max(1)], at: 0 }
    }

    /// Takes a row of as many values as there are series; returns the row of `n` rows ago.
    #[inline(always)]
    pub fn push<const K: usize>(&mut self, row: [f64; K]) -> [f64; K] {
        let Some(slot) = self.values.get_mut(self.at..self.at + K) else { return [f64::NAN; K] };
        let past = std::array::from_fn(|k| std::mem::replace(&mut slot[k], row[k]));
        self.at += K;
        if self.at >= self.values.len() {
            self.at = 0;
        }
        past
    }

    /// Takes several rows: the same as by [`Self::push`].
    #[inline(always)]
    pub fn extend<const K: usize>(&mut self, rows: [&[f64]; K], out: [&mut [f64]; K]) {
        let (len, n) = (rows.first().map_or(0, |c| c.len()), self.values.len() / K);
        let head = len.min(n);
        let mut past = self.at;
        for i in 0..head {
            for k in 0..K {
                out[k][i] = self.values[past + k];
            }
            past = if past + K < self.values.len() { past + K } else { 0 };
        }
        for (column, past) in rows.iter().zip(out) {
            past[head..len].copy_from_slice(&column[..len - head]);
        }
        // The last rows stay, each in the place where pushing them one by one would have left it.
        self.at = (self.at + (len - head) * K) % self.values.len();
        for i in len - head..len {
            for k in 0..K {
                self.values[self.at + k] = rows[k][i];
            }
            self.at = if self.at + K < self.values.len() { self.at + K } else { 0 };
        }
    }

    /// Values held: rows times series.
    pub fn capacity(&self) -> usize {
        self.values.len()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.values.fill(f64::NAN);
        self.at = 0;
    }
}
