//! A position in the making: what the rules cut.

use super::decision::{RiskStep, Rule, Steps};

/// Relative size of float noise.
pub(super) const NOISE: f64 = 1e-12;

/// Smallest part of equity that a cap may leave: below lies what subtractions of shares leave of nothing, and an order of it would be
/// dust.
const DUST: f64 = 1e-9;

/// A wanted position on one side, as a fraction of equity, with the record of what was done to it.
#[derive(Debug)]
pub(super) struct Draft {
    /// +1 long, −1 short.
    pub(super) side: f64,
    /// Wanted fraction of equity, ≥ 0.
    pub(super) size: f64,
    /// Fraction of equity held or on order on that side, ≥ 0: what rules against growth leave alone.
    pub(super) held: f64,
    /// A cap made it smaller.
    pub(super) cut: bool,
    /// Steps are recorded.
    pub(super) explain: bool,
    /// The record.
    pub(super) steps: Steps,
}

impl Draft {
    /// Records a step that turns one number into another.
    #[inline]
    pub(super) fn note(&mut self, rule: Rule, before: f64, after: f64, limit: f64) {
        if !self.explain {
            return;
        }
        self.steps.push(RiskStep { rule, before: self.side * before, after: self.side * after, limit });
    }

    /// Cuts the size to `allowed`.
    #[inline]
    pub(super) fn cap(&mut self, rule: Rule, allowed: f64, limit: f64) {
        let before = self.size;
        // Float noise is no cut; a NaN bound allows nothing, which `min` would let pass.
        let stands = before <= allowed * (1.0 + NOISE);
        if !stands {
            self.size = if allowed > DUST { allowed } else { 0.0 };
            self.cut = true;
        }
        self.note(rule, before, self.size, limit);
    }

    /// Lets the size grow by `room` beyond what is held, and never cuts that.
    pub(super) fn cap_growth(&mut self, rule: Rule, room: f64, limit: f64) {
        let room = if room > DUST { room } else { 0.0 };
        self.cap(rule, self.held + room, limit);
    }

    /// Wants to grow by more than the rebalance band.
    pub(super) fn grows(&self, band: f64) -> bool {
        self.size > self.held * (1.0 + band)
    }
}
