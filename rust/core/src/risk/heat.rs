//! Portfolio heat: what all stops together would cost.

use super::decision::Rule;
use super::draft::Draft;

/// Leaves what the positions have not used of the heat; `heat` counts the held part of this position too, `distance` is what one more
/// unit of equity in the position would risk.
pub(super) fn apply(draft: &mut Draft, heat: f64, distance: f64, max_heat: f64) {
    draft.cap_growth(Rule::Heat, (max_heat - heat) / distance, max_heat);
}
