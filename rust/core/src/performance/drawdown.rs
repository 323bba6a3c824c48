//! Drawdowns of an equity curve.

use serde::{Deserialize, Serialize};

/// A fall from a peak, with the rows of the equity curve where it began, was deepest and ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Drawdown {
    /// `trough / peak − 1`, ≤ 0.
    pub depth: f64,
    /// Last row at the peak.
    pub peak: usize,
    /// Deepest row.
    pub trough: usize,
    /// First row back at the peak or above; none while it lasts.
    pub recovery: Option<usize>,
}

/// The deepest drawdown, the earlier one of equals; none for an empty curve. A curve that never falls has one of depth 0.
pub fn deepest_drawdown(equity: &[f64]) -> Option<Drawdown> {
    let mut top = *equity.first()?;
    let mut at = 0;
    let mut deepest = Drawdown { depth: 0.0, peak: 0, trough: 0, recovery: Some(0) };
    for (i, &e) in equity.iter().enumerate() {
        if e >= top {
            if deepest.recovery.is_none() {
                deepest.recovery = Some(i);
            }
            (top, at) = (e, i);
            continue;
        }
        let depth = e.max(0.0) / top - 1.0;
        if depth < deepest.depth {
            deepest = Drawdown { depth, peak: at, trough: i, recovery: None };
        }
    }
    Some(deepest)
}

/// Most rows between a peak and the first row back at it, or the end.
pub fn longest_drawdown(equity: &[f64]) -> usize {
    let Some(&first) = equity.first() else { return 0 };
    let (mut top, mut at, mut longest) = (first, 0, 0);
    for (i, &e) in equity.iter().enumerate() {
        if e >= top {
            // The row that recovers belongs to the fall, where there was one.
            longest = longest.max(if i > at + 1 { i - at } else { 0 });
            (top, at) = (e, i);
        } else {
            longest = longest.max(i - at);
        }
    }
    longest
}
