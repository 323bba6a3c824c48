//! Memory for columns that are about to be filled.

use arrow_buffer::{Buffer, ScalarBuffer};
use memmap2::MmapMut;

/// Bytes from which on a column is mapped by itself: below, the allocator's recycled memory is cheaper.
const MAPPED_FROM: usize = 1 << 21;

/// A column of zeros to be filled.
///
/// The first touch of a page costs more than computing what goes into it. Large columns therefore ask for huge pages, as those of `NumPy` do;
/// where the system grants none, ordinary ones are used.
pub(crate) enum Floats {
    Heap(Vec<f64>),
    Mapped(MmapMut),
}

impl Floats {
    pub(crate) fn zeros(rows: usize) -> Self {
        let bytes = rows * size_of::<f64>();
        if bytes >= MAPPED_FROM
            && let Ok(map) = MmapMut::map_anon(bytes)
        {
            #[cfg(target_os = "linux")]
            // A system without huge pages refuses, and the column is as good as before.
            let _ = map.advise(memmap2::Advice::HugePage);
            return Self::Mapped(map);
        }
        Self::Heap(vec![0.0; rows])
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [f64] {
        match self {
            Self::Heap(values) => values,
            Self::Mapped(map) => bytemuck::cast_slice_mut(map),
        }
    }

    /// The filled column, without a copy.
    pub(crate) fn into_buffer(self) -> ScalarBuffer<f64> {
        match self {
            Self::Heap(values) => values.into(),
            Self::Mapped(map) => Buffer::from(bytes::Bytes::from_owner(map)).into(),
        }
    }
}
