//! Feature rows as a policy sees them: every number in [−1, 1], free of units, scaled by the training span alone.
//!
//! A feature `x` becomes `tanh(½·(t(x) − median) / σ)`, with `t` the [`Transform`] of its column, and median and
//! `σ = IQR / 1.349` (that of a normal distribution's deviation) taken from the rows that the encoder was fitted on. Half
//! of all rows so lie within ±0.33, and an outlier moves neither number nor ever leaves the interval. Where the quartiles
//! fall together, `σ = (99 % − 1 % quantile) / 4.653`; where these do too, the column said nothing in training and is 0 for
//! ever. Yes/no columns are −1 and 1. What is not known (NaN) is 0, the middle.
//!
//! Row by row and without a memory: a batch is the same call in a loop.

mod column;

use serde::{Deserialize, Serialize};

use crate::error::{CoreError, Result};
use crate::features::{Col, FeatureRow};

pub use column::{Column, MARKET_FEATURES, Transform};

/// What the file says it is.
const FORMAT: &str = "mirrorfast encoder";

/// Layout and formulas; raised whenever the same features would give other numbers.
pub const VERSION: u32 = 1;

/// Columns with the median and scale of their training span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalEncoder {
    format: String,
    version: u32,
    column_hash: String,
    /// Rows that it was fitted on.
    rows: u64,
    columns: Vec<Column>,
}

impl SignalEncoder {
    /// Fits these features on their source columns: `values[k]` is the source of `names[k]`.
    ///
    /// # Errors
    /// As [`Column::of`]; [`CoreError::Shape`] when lengths differ; [`CoreError::Data`] for a column without a finite
    /// value.
    pub fn fit<S: AsRef<str>>(names: &[S], values: &[&[f64]]) -> Result<Self> {
        let mut columns = Self::layout(names)?;
        let rows = check_columns(&columns, values)?;
        for (column, values) in columns.iter_mut().zip(values) {
            column.fit(values)?;
        }
        Ok(Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            column_hash: column_hash(&columns),
            rows: rows as u64,
            columns,
        })
    }

    /// The columns of these features, not fitted.
    ///
    /// # Errors
    /// As [`Column::of`], and [`CoreError::Parameter`] for no name or one that comes twice.
    pub fn layout<S: AsRef<str>>(names: &[S]) -> Result<Vec<Column>> {
        if names.is_empty() {
            return Err(CoreError::parameter("features", "[]", "at least one feature"));
        }
        for (k, name) in names.iter().enumerate() {
            if names[..k].iter().any(|other| other.as_ref() == name.as_ref()) {
                return Err(CoreError::parameter("features", name.as_ref(), "each feature once"));
            }
        }
        names.iter().map(|name| Column::of(name.as_ref())).collect()
    }

    /// Its columns, in the order of an encoded row.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Numbers of an encoded row.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Rows that it was fitted on.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Stands for names, sources and transforms of the columns, in order, and for [`VERSION`]; not for what was fitted.
    pub fn column_hash(&self) -> &str {
        &self.column_hash
    }

    /// Encodes one row; `source(k)` is the value of the source of column `k`.
    #[inline]
    pub fn encode(&self, source: impl Fn(usize) -> f64, out: &mut [f32]) {
        for (k, (column, slot)) in self.columns.iter().zip(out).enumerate() {
            *slot = column.encode(source(k));
        }
    }

    /// Encodes whole columns into rows of `stride` numbers, of which the first [`SignalEncoder::width`] are written.
    ///
    /// # Errors
    /// [`CoreError::Shape`] when lengths differ.
    pub fn encode_columns(&self, values: &[&[f64]], stride: usize, out: &mut [f32]) -> Result<()> {
        let rows = check_columns(&self.columns, values)?;
        if stride < self.width() || out.len() != rows * stride {
            let expected = format!("{rows} rows of at least {}", self.width());
            return Err(CoreError::shape("encoded rows", out.len(), expected));
        }
        for (i, row) in out.chunks_exact_mut(stride).enumerate() {
            self.encode(|k| values[k][i], row);
        }
        Ok(())
    }

    /// Where the engine's feature rows hold the sources, for [`SignalEncoder::encode_features`].
    ///
    /// # Errors
    /// [`CoreError::Model`] naming a feature that the engine does not compute.
    pub fn sources(&self) -> Result<Vec<Col>> {
        let one = |c: &Column| {
            Col::parse(&c.source).map_err(|_| {
                CoreError::Model(format!(
                    "encoder: feature {} comes from outside: the engine cannot compute it",
                    c.name
                ))
            })
        };
        self.columns.iter().map(one).collect()
    }

    /// Encodes a row of the engine's features; `sources` as [`SignalEncoder::sources`] gave them.
    #[inline]
    pub fn encode_features(&self, row: &FeatureRow, sources: &[Col], out: &mut [f32]) {
        self.encode(|k| row[sources[k]], out);
    }

    /// As JSON; every number keeps its bits.
    ///
    /// # Errors
    /// [`CoreError::Internal`] if it cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string_pretty(self).map_err(|e| CoreError::Internal(format!("encoder: {e}")))
    }

    /// Reads what [`SignalEncoder::to_json`] wrote.
    ///
    /// # Errors
    /// [`CoreError::Model`] for a text that is no encoder, one of another version, or one whose columns are not what
    /// their hash says.
    pub fn from_json(text: &str) -> Result<Self> {
        let fault = |what: String| CoreError::Model(format!("encoder: {what}"));
        // The version first: the fields of another one need not be these.
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| fault(format!("no JSON ({e})")))?;
        let word = |key: &str| value.get(key).cloned().unwrap_or_default();
        if word("format") != FORMAT {
            return Err(fault(format!("format is {}, expected \"{FORMAT}\"", word("format"))));
        }
        if word("version") != VERSION {
            return Err(fault(format!("version is {}, expected {VERSION}", word("version"))));
        }
        let encoder: Self = serde_json::from_value(value).map_err(|e| fault(e.to_string()))?;
        let names: Vec<&str> = encoder.columns.iter().map(|c| c.name.as_str()).collect();
        let expected = Self::layout(&names).map_err(|e| fault(e.to_string()))?;
        for (have, want) in encoder.columns.iter().zip(&expected) {
            if (&have.source, have.transform) != (&want.source, want.transform) {
                return Err(fault(format!(
                    "column {} is {:?} of {}, expected {:?} of {}",
                    have.name, have.transform, have.source, want.transform, want.source
                )));
            }
            if !(have.center.is_finite() && have.scale.is_finite() && have.scale >= 0.0) {
                return Err(fault(format!("column {}: center or scale is no usable number", have.name)));
            }
        }
        let hash = column_hash(&encoder.columns);
        if hash != encoder.column_hash {
            return Err(fault(format!("column hash is {}, but its columns have {hash}", encoder.column_hash)));
        }
        Ok(encoder)
    }

    /// That the encoder gives these features, in this order.
    ///
    /// # Errors
    /// [`CoreError::Model`] naming the difference.
    pub fn require<S: AsRef<str>>(&self, names: &[S]) -> Result<()> {
        let have: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let want: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        if have == want {
            return Ok(());
        }
        let without = |a: &[&str], b: &[&str]| -> Vec<String> {
            a.iter().filter(|name| !b.contains(name)).map(|&name| name.to_owned()).collect()
        };
        let (missing, extra) = (without(&want, &have), without(&have, &want));
        let mut parts = Vec::new();
        if !missing.is_empty() {
            parts.push(format!("lacks {}", missing.join(", ")));
        }
        if !extra.is_empty() {
            parts.push(format!("has {} besides", extra.join(", ")));
        }
        if parts.is_empty() {
            parts.push(format!("has another order ({})", have.join(", ")));
        }
        let expected = want.join(", ");
        Err(CoreError::Model(format!(
            "encoder with column hash {} {}: expected the columns {expected}",
            self.column_hash,
            parts.join(" and ")
        )))
    }
}

/// Rows of the columns, which all have as many.
fn check_columns(columns: &[Column], values: &[&[f64]]) -> Result<usize> {
    if values.len() != columns.len() {
        return Err(CoreError::shape("feature columns", values.len(), columns.len()));
    }
    let rows = values[0].len();
    for (column, values) in columns.iter().zip(values) {
        if values.len() != rows {
            return Err(CoreError::shape(format!("rows of {}", column.source), values.len(), rows));
        }
    }
    Ok(rows)
}

/// FNV-1a, 64 bits (Fowler, Noll and Vo): it tells layouts apart and protects against nothing.
fn column_hash(columns: &[Column]) -> String {
    let lines = columns.iter().map(|c| format!("\n{}={:?}({})", c.name, c.transform, c.source));
    let text: String = std::iter::once(VERSION.to_string()).chain(lines).collect();
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
