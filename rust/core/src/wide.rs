//! The widest vectors of the processor at hand, chosen once at run time.

use pulp::{Arch, NullaryFnOnce};

/// Runs `work` compiled for the processor's widest vector instructions (AVX2, or the platform's baseline).
///
/// What is inlined into `work` is compiled again for each of them, so it must be marked `#[inline(always)]`. The compiler never fuses
/// a multiplication with an addition by itself: the results have the same bits everywhere.
#[inline(always)]
pub(crate) fn wide<Work: NullaryFnOnce>(work: Work) -> Work::Output {
    Arch::new().dispatch(work)
}
