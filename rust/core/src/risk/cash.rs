//! Minimum cash.

use super::decision::Rule;
use super::draft::Draft;

/// New positions leave `min_cash` of equity free. `free` is what no position ties up, as a fraction of equity, and `margin` what one
/// unit of new position would tie up: 1 without leverage, for short positions too, since their proceeds are not money to spend.
pub(super) fn apply(draft: &mut Draft, free: f64, margin: f64, min_cash: f64) {
    draft.cap_growth(Rule::MinCash, (free - min_cash) / margin, min_cash);
}
