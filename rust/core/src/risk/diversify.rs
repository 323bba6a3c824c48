//! Correlation cap: a cluster of positions that move together shares one position cap.

use smallvec::SmallVec;

use super::decision::Rule;
use super::draft::Draft;
use super::meter::RiskMeter;
use crate::types::SymbolId;

/// An exposure of another symbol, as a fraction of equity, ≥ 0.
pub(super) type Exposures = SmallVec<[(SymbolId, f64); 64]>;

/// No correlation is beyond this one.
const OFF: f64 = 1.0;

/// Sum of the exposures that are linked to `symbol` by returns with |ρ| > `rho`, directly or through one another (single linkage).
pub(super) fn cluster(symbol: SymbolId, others: &Exposures, meters: &mut [RiskMeter], rho: f64) -> f64 {
    if rho >= OFF || others.is_empty() {
        return 0.0;
    }
    meters[symbol as usize].refresh();
    for (other, _) in others {
        meters[*other as usize].refresh();
    }
    let mut apart = others.clone();
    let mut frontier: SmallVec<[SymbolId; 64]> = SmallVec::new();
    frontier.push(symbol);
    let mut sum = 0.0;
    while let Some(at) = frontier.pop() {
        let meter = &meters[at as usize];
        apart.retain(|&mut (other, exposure)| {
            let linked = meter.correlation(&meters[other as usize]).abs() > rho;
            if linked {
                frontier.push(other);
                sum += exposure;
            }
            !linked
        });
    }
    sum
}

/// Leaves what the cluster has not used of the cap.
pub(super) fn apply(draft: &mut Draft, used: f64, max_position: f64) {
    draft.cap_growth(Rule::CorrelationCap, max_position - used - draft.held, max_position);
}
