//! The one error type of the core.

/// What went wrong, with the name, the value and what was expected.
///
/// Every variant carries enough to write a message that a person can act on; the bindings map each to its Python class.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// A parameter or configuration field lies outside what it may be.
    #[error("{name} = {value}: expected {expected}")]
    Parameter {
        /// Name of the parameter, with its path (`risk.max_position`).
        name: String,
        /// The value that was given, as text.
        value: String,
        /// What would have been accepted.
        expected: String,
    },
    /// A bar or series value cannot be used.
    #[error("{}{column} = {value} at row {row}: expected {expected}", .symbol.as_deref().map(|s| format!("{s}: ")).unwrap_or_default())]
    Data {
        /// Symbol of the bad row, where there is one.
        symbol: Option<String>,
        /// Row in the caller's table, from 0.
        row: usize,
        /// Column name.
        column: String,
        /// The offending value, as text.
        value: String,
        /// What would have been accepted.
        expected: String,
    },
    /// Arrays that belong together differ in length, or a table lacks a column.
    #[error("{what}: got {got}, expected {expected}")]
    Shape {
        /// What was measured.
        what: String,
        /// What it was.
        got: String,
        /// What it should be.
        expected: String,
    },
    /// A snapshot does not belong to this object or this version.
    #[error("snapshot: {0}")]
    Snapshot(String),
    /// A policy or encoder does not fit what it is to be used for.
    #[error("{0}")]
    Model(String),
    /// A state that the code rules out: a bug, never the caller's fault.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Result of the core.
pub type Result<T, E = CoreError> = std::result::Result<T, E>;

impl CoreError {
    /// A [`CoreError::Parameter`] from anything printable.
    #[allow(clippy::needless_pass_by_value)] // callers hand over what they have, values and references alike
    pub fn parameter(name: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Self::Parameter { name: name.into(), value: value.to_string(), expected: expected.into() }
    }

    /// A [`CoreError::Shape`] from anything printable.
    #[allow(clippy::needless_pass_by_value)] // as above
    pub fn shape(what: impl Into<String>, got: impl ToString, expected: impl ToString) -> Self {
        Self::Shape { what: what.into(), got: got.to_string(), expected: expected.to_string() }
    }
}
