//! The venue's precision and smallest order: the last rule, and the only one that an exit obeys.

use crate::instrument::Instrument;

/// Smallest order that the venue takes at this price, as a quantity.
#[inline(always)]
pub(crate) fn smallest(instrument: &Instrument, price: f64) -> f64 {
    instrument.lot.max(instrument.min_quantity).max(instrument.min_notional / instrument.notional(1.0, price))
}

/// The venue takes an order of this size.
#[inline(always)]
pub(crate) fn takes(instrument: &Instrument, quantity: f64, price: f64) -> bool {
    // Float noise of a billionth must not make an order of exactly the smallest size too small.
    quantity.abs() >= smallest(instrument, price) * (1.0 - 1e-9)
}
