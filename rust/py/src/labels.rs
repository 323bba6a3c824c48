//! Codes of a closed vocabulary as Arrow text, without a string a row.

use std::sync::Arc;

use arrow_array::builder::make_view;
use arrow_array::{ArrayRef, StringViewArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use mirrorfast_core::CoreError;
use mirrorfast_core::panel::MISSING;

/// The words of a column: every row points into one copy of them.
pub(crate) struct Words {
    views: Vec<u128>,
    text: Buffer,
}

impl Words {
    /// A vocabulary in the order of its codes.
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let mut text = Vec::new();
        let mut views = Vec::new();
        for name in names {
            views.push(make_view(name.as_bytes(), 0, text.len() as u32));
            text.extend_from_slice(name.as_bytes());
        }
        Self { views, text: Buffer::from_vec(text) }
    }

    fn array(&self, views: Vec<u128>, nulls: Option<NullBuffer>) -> Result<ArrayRef, CoreError> {
        StringViewArray::try_new(ScalarBuffer::from(views), vec![self.text.clone()], nulls)
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|e: ArrowError| CoreError::Internal(format!("text column: {e}")))
    }

    /// Text of every code; [`MISSING`] is null.
    pub(crate) fn of_codes(&self, codes: &[u8]) -> Result<ArrayRef, CoreError> {
        let views = codes.iter().map(|&c| self.views.get(usize::from(c)).copied().unwrap_or(0)).collect();
        self.array(views, present(codes))
    }

    /// Every word as often as its count says, in order.
    pub(crate) fn repeated(&self, counts: impl Iterator<Item = usize>) -> Result<ArrayRef, CoreError> {
        let mut views = Vec::new();
        for (view, n) in self.views.iter().zip(counts) {
            views.resize(views.len() + n, *view);
        }
        self.array(views, None)
    }
}

/// Which codes are not [`MISSING`]; none where all are.
pub(crate) fn present(codes: &[u8]) -> Option<NullBuffer> {
    if !codes.contains(&MISSING) {
        return None;
    }
    Some(NullBuffer::new(BooleanBuffer::collect_bool(codes.len(), |i| codes[i] != MISSING)))
}
