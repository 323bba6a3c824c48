//! Where the protective stop stands: ATR, percent, trailing, break-even; and how long a position may last.

use serde::{Deserialize, Serialize};

use super::config::{StopConfig, StopKind};
use super::holdings::Held;
use super::meter::RiskMeter;
use crate::instrument::Instrument;

/// Distance from the price to a new stop, in price units; NaN while the ATR is not known. At least one tick, so that a market that
/// stands still does not stop itself out.
pub(super) fn distance(config: &StopConfig, price: f64, meter: &RiskMeter, tick: f64) -> f64 {
    let distance = match config.kind {
        StopKind::Percent => config.percent * price,
        StopKind::Atr | StopKind::None => config.atr_multiple * meter.atr(),
    };
    if distance.is_nan() { distance } else { distance.max(tick) }
}

/// The stop of one symbol's position.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Stop {
    /// Side of the position that it protects: +1, −1, 0 for none.
    pub(super) side: f64,
    /// Price, NaN for none.
    pub(super) price: f64,
    /// Distance between entry and first stop: 1 R, price units.
    pub(super) initial: f64,
    /// Distance that the last approved entry was sized with.
    pub(super) planned: f64,
}

impl Stop {
    pub(super) const NONE: Self = Self { side: 0.0, price: f64::NAN, initial: f64::NAN, planned: f64::NAN };

    /// Price of a stop `distance` away from `entry`, on the tick grid and above 0.
    pub(super) fn at(side: f64, entry: f64, distance: f64, instrument: &Instrument) -> f64 {
        instrument.round_price(entry - side * distance).max(instrument.tick)
    }

    /// Follows the position after a fill: a new or turned one gets its stop from its entry price, a closed one loses it, a resized one
    /// keeps it.
    pub(super) fn follow(&mut self, config: &StopConfig, held: &Held, meter: &RiskMeter, instrument: &Instrument) {
        let side = if held.quantity == 0.0 { 0.0 } else { held.quantity.signum() };
        if side == self.side {
            return;
        }
        self.side = side;
        self.price = f64::NAN;
        self.initial = f64::NAN;
        if side == 0.0 {
            return;
        }
        let fresh = distance(config, held.average_price, meter, instrument.tick);
        self.initial = if self.planned.is_nan() { fresh } else { self.planned };
        if config.kind != StopKind::None && !self.initial.is_nan() {
            self.price = Self::at(side, held.average_price, self.initial, instrument);
        }
    }

    /// Moves the stop after a bar: to the entry once the position has gained `break_even_at_r` times 1 R, and behind the best price if
    /// trailing. Returns the new price if it moved; it never loosens.
    pub(super) fn advance(
        &mut self,
        config: &StopConfig,
        held: &Held,
        best: f64,
        meter: &RiskMeter,
        instrument: &Instrument,
    ) -> Option<f64> {
        if self.price.is_nan() || held.quantity * self.side <= 0.0 {
            return None;
        }
        let before = self.price;
        if config.break_even_at_r.is_some_and(|r| self.side * (best - held.average_price) >= r * self.initial) {
            self.tighten(instrument.round_price(held.average_price));
        }
        if config.trailing {
            let away = distance(config, best, meter, instrument.tick);
            if !away.is_nan() {
                self.tighten(Self::at(self.side, best, away, instrument));
            }
        }
        (self.price != before).then_some(self.price)
    }

    fn tighten(&mut self, price: f64) {
        if self.side * (price - self.price) > 0.0 {
            self.price = price;
        }
    }

    /// The stop has been passed at `price`.
    pub(super) fn is_through(&self, price: f64) -> bool {
        self.side * (price - self.price) <= 0.0 && self.side != 0.0
    }
}
