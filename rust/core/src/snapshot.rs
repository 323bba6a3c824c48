//! State to bytes and back, exactly: every float keeps its bits.

use serde::{Serialize, de::DeserializeOwned};

use crate::error::{CoreError, Result};

/// Serialises a state.
///
/// # Errors
/// [`CoreError::Internal`] if the state cannot be written.
pub fn to_bytes<T: Serialize>(state: &T) -> Result<Vec<u8>> {
    postcard::to_allocvec(state).map_err(|e| CoreError::Internal(format!("snapshot: {e}")))
}

/// Reads a state written by [`to_bytes`]; trailing bytes are an error.
///
/// # Errors
/// [`CoreError::Snapshot`] when the bytes are not such a state.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((state, [])) => Ok(state),
        Ok((_, rest)) => Err(CoreError::Snapshot(format!("{} bytes too many", rest.len()))),
        Err(e) => Err(CoreError::Snapshot(e.to_string())),
    }
}
