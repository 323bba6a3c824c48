//! Gross exposure and leverage.

use super::decision::Rule;
use super::draft::Draft;

/// Leaves what the gross exposure has not used of the leverage; `gross` counts the held part of this position too.
pub(super) fn apply(draft: &mut Draft, gross: f64, max_leverage: f64) {
    draft.cap_growth(Rule::Leverage, max_leverage - gross, max_leverage);
}
