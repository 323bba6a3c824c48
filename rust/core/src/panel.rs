//! Feature columns of many symbols, spread over threads, into buffers that the caller owns.
//!
//! The only place where the core starts threads. Every symbol is computed by one thread, alone, so that results do not depend on how
//! many there are.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};

use crate::bars::{Bars, Series};
use crate::error::{CoreError, Result};
use crate::features::{Col, FeatureConfig, FeatureRow, FeatureState, Kind};
use crate::snapshot;

/// Code of a value that is not known, in a [`Buffer::Code`].
pub const MISSING: u8 = u8::MAX;

/// Rows that are computed before they are written column by column: a block stays in the first-level cache.
const BLOCK: usize = 16;

/// Where one column goes.
#[derive(Debug)]
pub enum Buffer<'a> {
    /// A [`Kind::Float`] column; NaN where it is missing.
    Float(&'a mut [f64]),
    /// Any other column: 0 and 1 for a yes/no, the index of a label's name, a whole number plus one; [`MISSING`] where it is missing.
    Code(&'a mut [u8]),
}

impl<'a> Buffer<'a> {
    fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Code(values) => values.len(),
        }
    }

    /// Takes the first `n` rows off the front.
    fn take_front(&mut self, n: usize) -> Buffer<'a> {
        match self {
            Self::Float(values) => {
                let (front, rest) = std::mem::take(values).split_at_mut(n);
                *values = rest;
                Buffer::Float(front)
            }
            Self::Code(values) => {
                let (front, rest) = std::mem::take(values).split_at_mut(n);
                *values = rest;
                Buffer::Code(front)
            }
        }
    }

    #[inline]
    fn write(&mut self, at: usize, rows: &[FeatureRow], col: Col) {
        match self {
            Self::Float(values) => {
                for (slot, row) in values[at..].iter_mut().zip(rows) {
                    *slot = row[col];
                }
            }
            Self::Code(values) => {
                let shift = if col.kind() == Kind::Int { 1.0 } else { 0.0 };
                for (slot, row) in values[at..].iter_mut().zip(rows) {
                    *slot = if row[col].is_nan() { MISSING } else { (row[col] + shift) as u8 };
                }
            }
        }
    }
}

/// Which columns to compute, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    config: FeatureConfig,
    columns: Vec<Col>,
    levels: bool,
}

impl Plan {
    /// A plan for these columns, in this order.
    ///
    /// # Errors
    /// As [`FeatureConfig::validate`].
    pub fn new(config: &FeatureConfig, columns: &[Col]) -> Result<Self> {
        config.validate()?;
        Ok(Self { config: config.clone(), columns: columns.to_vec(), levels: columns.iter().any(|c| c.needs_levels()) })
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Col] {
        &self.columns
    }

    fn check(&self, buffers: &[Buffer<'_>], rows: usize) -> Result<()> {
        if buffers.len() != self.columns.len() {
            return Err(CoreError::shape("number of column buffers", buffers.len(), self.columns.len()));
        }
        for (&col, buffer) in self.columns.iter().zip(buffers) {
            if matches!(buffer, Buffer::Float(_)) != (col.kind() == Kind::Float) {
                return Err(CoreError::shape(format!("buffer of {}", col.name()), "another kind", "the column's kind"));
            }
            if buffer.len() != rows {
                return Err(CoreError::shape(format!("rows of {}", col.name()), buffer.len(), rows));
            }
        }
        Ok(())
    }

    /// Every row of `series` from `state` on.
    fn every_row(&self, state: &mut FeatureState, series: &Series<'_>, out: &mut Rows<'_>) {
        for i in 0..series.len() {
            state.push(&series.bar(i));
            state.fill(out.next(), self.levels);
        }
    }

    /// The row of the last bar of `series`.
    fn last_row(&self, state: &mut FeatureState, series: &Series<'_>, out: &mut Rows<'_>) {
        state.push_all(series);
        state.fill(out.next(), self.levels);
    }
}

/// Rows on their way into columns: they are written block by block, however many symbols a block spans.
struct Rows<'a> {
    columns: &'a [Col],
    buffers: Vec<Buffer<'a>>,
    /// Row of the buffers at which the block begins.
    at: usize,
    held: usize,
    block: [FeatureRow; BLOCK],
}

impl<'a> Rows<'a> {
    fn new(columns: &'a [Col], buffers: Vec<Buffer<'a>>) -> Self {
        Self { columns, buffers, at: 0, held: 0, block: [FeatureRow::MISSING; BLOCK] }
    }

    /// Room for the next row.
    #[inline]
    fn next(&mut self) -> &mut FeatureRow {
        if self.held == BLOCK {
            self.flush();
        }
        self.held += 1;
        &mut self.block[self.held - 1]
    }

    fn flush(&mut self) {
        let rows = &self.block[..self.held];
        for (&col, buffer) in self.columns.iter().zip(&mut self.buffers) {
            buffer.write(self.at, rows, col);
        }
        self.at += self.held;
        self.held = 0;
    }
}

impl Drop for Rows<'_> {
    fn drop(&mut self) {
        self.flush();
    }
}

/// Parts that the symbols are dealt into, in order: enough to keep the threads busy to the end, and no more, as every part costs one
/// slice a column.
const PARTS: usize = 64;

/// Splits `items` into at most [`PARTS`] runs, with the rows that belong to each.
fn dealt<T>(
    items: Vec<T>,
    rows: impl Fn(&T) -> usize,
    mut buffers: Vec<Buffer<'_>>,
    parts: usize,
) -> Vec<(Vec<T>, Vec<Buffer<'_>>)> {
    let size = items.len().div_ceil(parts.max(1)).max(1);
    let mut items = items.into_iter();
    let mut out = Vec::with_capacity(parts);
    loop {
        let run: Vec<T> = items.by_ref().take(size).collect();
        if run.is_empty() {
            return out;
        }
        let n = run.iter().map(&rows).sum();
        out.push((run, buffers.iter_mut().map(|b| b.take_front(n)).collect()));
    }
}

/// Computes the plan's columns over all symbols into `buffers`, one a column.
///
/// With `last_only` the buffers have one row a symbol, in the order of `bars`, else one a bar. `threads` 0 means one for every
/// processor; 1 computes on the calling thread.
///
/// # Errors
/// [`CoreError::Shape`] when a buffer has the wrong kind or length.
pub fn compute(bars: &Bars, plan: &Plan, last_only: bool, buffers: Vec<Buffer<'_>>, threads: usize) -> Result<()> {
    let symbols = bars.symbols().len();
    plan.check(&buffers, if last_only { symbols } else { bars.len() })?;
    let pool = pool(threads, symbols)?;
    // Cloning a fresh state is cheaper than checking the configuration again for every symbol.
    let fresh = FeatureState::new(&plan.config)?;
    let rows = |k: &usize| if last_only { 1 } else { bars.series(*k).len() };
    let parts = dealt((0..symbols).collect(), rows, buffers, if pool.is_some() { PARTS } else { 1 });
    spread(parts, pool, |(part, buffers)| {
        let mut out = Rows::new(&plan.columns, buffers);
        for k in part {
            let mut state = fresh.clone();
            let series = bars.series(k);
            if last_only {
                plan.last_row(&mut state, &series, &mut out);
            } else {
                plan.every_row(&mut state, &series, &mut out);
            }
        }
    });
    Ok(())
}

/// Runs `work` over `parts`, on the pool where there is one.
fn spread<T: Send>(parts: Vec<T>, pool: Option<Arc<ThreadPool>>, work: impl Fn(T) + Sync + Send) {
    match pool {
        Some(pool) => pool.install(|| parts.into_par_iter().for_each(work)),
        None => parts.into_iter().for_each(work),
    }
}

/// A pool of `threads` threads (0: one for every processor), kept for the next call; none where the calling thread is enough.
fn pool(threads: usize, parts: usize) -> Result<Option<Arc<ThreadPool>>> {
    // The threads of a pool do not survive a fork, and waiting for them would never end: a child makes its own.
    static POOL: Mutex<Option<(u32, usize, Arc<ThreadPool>)>> = Mutex::new(None);
    if threads == 1 || parts < 2 {
        return Ok(None);
    }
    let process = std::process::id();
    let mut held = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((owner, size, pool)) = &*held
        && (*owner, *size) == (process, threads)
    {
        return Ok(Some(pool.clone()));
    }
    let built = ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|k| format!("mirrorfast-{k}"))
        .build()
        .map_err(|e| CoreError::Internal(format!("thread pool: {e}")))?;
    let pool = Arc::new(built);
    if let Some((owner, _, old)) = held.replace((process, threads, pool.clone()))
        && owner != process
    {
        std::mem::forget(old);
    }
    Ok(Some(pool))
}

/// Features of many symbols as their bars close.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PanelStream {
    plan: Plan,
    fresh: FeatureState,
    /// Place of every symbol in `members`.
    places: BTreeMap<String, usize>,
    members: Vec<Member>,
}

/// One symbol of a [`PanelStream`].
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Member {
    /// Time of the last bar.
    ts: i64,
    state: FeatureState,
}

impl PanelStream {
    /// A stream that has seen no symbol.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn new(config: &FeatureConfig, columns: &[Col]) -> Result<Self> {
        Ok(Self {
            plan: Plan::new(config, columns)?,
            fresh: FeatureState::new(config)?,
            places: BTreeMap::new(),
            members: Vec::new(),
        })
    }

    /// What is computed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Symbols seen so far with their number of bars, in order of name.
    pub fn symbols(&self) -> impl Iterator<Item = (&str, usize)> {
        self.places.iter().map(|(name, &k)| (name.as_str(), self.members[k].state.seen()))
    }

    /// Takes up the state of a stream with the same settings and columns.
    ///
    /// # Errors
    /// [`CoreError::Snapshot`] when the bytes are no such state.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<()> {
        let state: Self = snapshot::from_bytes(bytes)?;
        if state.plan != self.plan {
            return Err(CoreError::Snapshot("made with other settings or columns".to_owned()));
        }
        if state.places.values().any(|&at| at >= state.members.len()) {
            return Err(CoreError::Snapshot("a symbol without its state".to_owned()));
        }
        *self = state;
        Ok(())
    }

    /// Sets the alternative columns of every symbol from now on.
    ///
    /// # Errors
    /// As [`FeatureState::set_alternative`].
    pub fn set_alternative(&mut self, fear_greed: f64, btc_dominance: f64) -> Result<()> {
        self.fresh.set_alternative(fear_greed, btc_dominance)?;
        for member in &mut self.members {
            member.state.set_alternative(fear_greed, btc_dominance)?;
        }
        Ok(())
    }

    /// Takes closed bars, any number of any symbols, and writes one row a bar; `threads` as in [`compute`].
    ///
    /// No bar is taken in when the call fails.
    ///
    /// # Errors
    /// [`CoreError::Data`] when a bar is not later than the last one of its symbol, [`CoreError::Shape`] as in [`compute`].
    pub fn update(&mut self, bars: &Bars, buffers: Vec<Buffer<'_>>, threads: usize) -> Result<()> {
        self.plan.check(&buffers, bars.len())?;
        for (k, symbol) in bars.symbols().iter().enumerate() {
            let before = self.places.get(symbol).map(|&at| self.members[at].ts);
            if let (Some(before), Some(&ts)) = (before, bars.series(k).ts.first())
                && ts <= before
            {
                return Err(CoreError::Data {
                    symbol: Some(symbol.clone()),
                    row: bars.offset(k),
                    column: "timestamp".to_owned(),
                    value: ts.to_string(),
                    expected: format!("a time after the last bar taken in ({before})"),
                });
            }
        }
        let pool = pool(threads, bars.symbols().len())?;
        for symbol in bars.symbols() {
            if !self.places.contains_key(symbol) {
                self.places.insert(symbol.clone(), self.members.len());
                self.members.push(Member { ts: i64::MIN, state: self.fresh.clone() });
            }
        }
        let mut members: Vec<Option<&mut Member>> = self.members.iter_mut().map(Some).collect();
        let mut due = Vec::with_capacity(bars.symbols().len());
        for (k, symbol) in bars.symbols().iter().enumerate() {
            if let Some(member) = self.places.get(symbol).and_then(|&at| members[at].take()) {
                due.push((bars.series(k), member));
            }
        }
        let plan = &self.plan;
        let parts = dealt(due, |(series, _)| series.len(), buffers, if pool.is_some() { PARTS } else { 1 });
        spread(parts, pool, |(part, buffers)| {
            let mut out = Rows::new(&plan.columns, buffers);
            for (series, member) in part {
                plan.every_row(&mut member.state, &series, &mut out);
                member.ts = series.ts.last().copied().unwrap_or(member.ts);
            }
        });
        Ok(())
    }
}
