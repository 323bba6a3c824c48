//! Where a value stands between the extremes of its window: what the stochastics and %R share.

/// The two extremes are equal, or as near to it as rounding can tell: a place between them would be noise.
#[inline(always)]
pub(super) fn is_flat(highest: f64, lowest: f64) -> bool {
    highest - lowest <= 1e-14 * (highest.abs() + lowest.abs())
}

/// `100 · (x − lowest) / (highest − lowest)`, 0 for a flat window as in TA-Lib; NaN passes through.
#[inline(always)]
pub(super) fn percent(x: f64, highest: f64, lowest: f64) -> f64 {
    if is_flat(highest, lowest) { 0.0 } else { (x - lowest) / (highest - lowest) * 100.0 }
}
