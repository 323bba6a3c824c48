//! Orders and position of one symbol at the venue.

use serde::{Deserialize, Serialize};

use crate::fill::{FundingConfig, VarianceMeter};
use crate::order::{CancelReason, Order, OrderKind, Side};

use super::FundingRate;

/// Where an order stands with respect to the present bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Submitted since the last phase.
    New,
    /// At the venue since the open of this bar.
    Live,
    /// Takes no further part in this bar.
    Idle,
    /// Filled or withdrawn; swept out at the end of the phase.
    Closed,
}

/// An order at the venue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// As it was submitted.
    pub order: Order,
    /// How it executes now: prices on the tick grid, a triggered stop as the order that it became, a trailing stop
    /// where it has moved to.
    pub kind: OrderKind,
    /// What is still to fill.
    pub remaining: f64,
    /// Bars until it reaches the venue.
    pub(super) delay: u32,
    pub(super) stage: Stage,
    /// Stood through the end of an earlier bar, so that it gives liquidity when the price comes to it.
    pub(super) resting: bool,
    /// Cancel on its way.
    pub(super) cancel: Option<Withdrawal>,
}

/// A cancel on its way to the venue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Withdrawal {
    /// Bars until it arrives.
    pub(super) bars: u32,
    pub(super) reason: CancelReason,
    /// Sent since the last phase.
    pub(super) new: bool,
}

impl OpenOrder {
    pub(super) fn new(order: Order, kind: OrderKind, delay: u32) -> Self {
        let remaining = order.quantity;
        Self { order, kind, remaining, delay, stage: Stage::New, resting: false, cancel: None }
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage != Stage::Closed
    }
}

/// Everything of one symbol.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) orders: Vec<OpenOrder>,
    /// Signed position by the venue's own fills.
    pub(super) quantity: f64,
    pub(super) average_price: f64,
    /// Funding paid by the open position, quote currency.
    pub(super) funding_paid: f64,
    /// Last price known to whoever submits: the open while a bar runs, then its close; 0 before the first bar.
    pub(super) last_price: f64,
    /// Close of the last bar whose range was checked; 0 before the first.
    pub(super) close: f64,
    /// Price that the market stands at inside the bar, as far as known: the open, then the last fill.
    pub(super) base: f64,
    /// What may still fill in this bar.
    pub(super) budget: f64,
    /// The range of this bar was checked once.
    pub(super) ranged: bool,
    /// A fill inside this bar's range opened or added to the position.
    pub(super) entered: bool,
    pub(super) variance: VarianceMeter,
    /// Open time of the last bar, funding settled up to it.
    funding_ts: Option<i64>,
    /// First rate of the past not settled yet.
    pub(super) funding_at: usize,
}

impl Book {
    /// What an order on `side` could take off the position.
    #[inline]
    pub(super) fn reducible(&self, side: Side) -> f64 {
        (-side.sign() * self.quantity).max(0.0)
    }

    /// Sum of the funding rates that fall after the open of the last bar and up to `ts`.
    pub(super) fn due(&mut self, ts: i64, constant: &FundingConfig, history: &[FundingRate]) -> f64 {
        let last = self.funding_ts.replace(ts);
        if history.is_empty() {
            let Some(last) = last else { return 0.0 };
            let times = ts.div_euclid(constant.interval_ms) - last.div_euclid(constant.interval_ms);
            return constant.rate * times as f64;
        }
        let mut sum = 0.0;
        while let Some(next) = history.get(self.funding_at)
            && next.ts <= ts
        {
            if last.is_some_and(|last| next.ts > last) {
                sum += next.rate;
            }
            self.funding_at += 1;
        }
        sum
    }

    /// Takes a fill into the position; true when it ended the position that was there.
    pub(super) fn apply(&mut self, side: Side, quantity: f64, price: f64, new: f64) -> bool {
        let old = self.quantity;
        self.quantity = new;
        let adds = old == 0.0 || (old > 0.0) == (side == Side::Buy);
        if old == 0.0 {
            self.average_price = price;
            self.funding_paid = 0.0;
        } else if adds {
            self.average_price = (self.average_price * old.abs() + price * quantity) / (old.abs() + quantity);
        } else if new == 0.0 {
            self.average_price = 0.0;
            self.funding_paid = 0.0;
            return true;
        } else if (new > 0.0) == (old > 0.0) {
            // Isolated margin leaves with the part of the position that it backed, and so does what funding took of it.
            self.funding_paid *= new / old;
        } else {
            self.average_price = price;
            self.funding_paid = 0.0;
            return true;
        }
        false
    }
}
