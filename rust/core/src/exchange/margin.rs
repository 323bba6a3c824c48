//! Margin: what an order needs, and the price at which a position is taken away.
//!
//! A position is liquidated when what backs it falls to its maintenance margin. With signed quantity `q`, average price
//! `a`, multiplier `m`, maintenance fraction `f` and price `p`:
//! - *isolated*: `M + q·m·(p − a) = f·|q|·m·p`, where `M = |q|·m·a / leverage − funding paid`;
//! - *cross*: the same in account currency with `M` the equity apart from this position, less the maintenance margin of
//!   all others; a spot position counts with its whole value, `q·m·p`.
//!
//! Both solve to `p = (q·m·a − M) / (m·(q − f·|q|))`, with `a = 0` for spot.
//!
//! Inside a bar, other positions of a cross account stand at their own worst extreme: all symbols are taken to fall, or
//! to rise against the trader, together.

use crate::fill::MarginMode;
use crate::instrument::InstrumentKind;
use crate::order::{Liquidity, Order, RejectReason, Side};
use crate::types::{Bar, SymbolId};

use super::SimulatedExchange;

impl SimulatedExchange {
    /// Price at which the position of a symbol is liquidated; `None` when nothing above zero would do so.
    pub fn liquidation_price(&self, symbol: SymbolId) -> Option<f64> {
        if self.costs.margin.mode == MarginMode::Unlimited {
            return None;
        }
        let book = self.books.get(symbol as usize)?;
        self.liquidation_of(symbol, book.quantity, book.average_price, book.funding_paid, 0.0)
    }

    /// Price at which the position would be liquidated after `order` filled at `price`: what to show before it is sent.
    pub fn liquidation_preview(&self, order: &Order, price: f64) -> Option<f64> {
        if self.costs.margin.mode == MarginMode::Unlimited {
            return None;
        }
        let book = self.books.get(order.symbol as usize)?;
        let instrument = &self.instruments[order.symbol as usize];
        let mut after = book.clone();
        let new = instrument.round_quantity(book.quantity + order.side.sign() * order.quantity);
        after.apply(order.side, order.quantity, price, new);
        // Cash moves by the fee and by what the fill realises; both bear on a cross account only.
        let fee = instrument.notional(order.quantity, price) * self.costs.fee(instrument, Liquidity::Taker);
        let realised = match instrument.kind {
            InstrumentKind::Perpetual => {
                let closed = book.reducible(order.side).min(order.quantity);
                -order.side.sign() * instrument.notional(closed, price - book.average_price)
            }
            InstrumentKind::Spot => -order.side.sign() * instrument.notional(order.quantity, price),
        };
        self.liquidation_of(order.symbol, after.quantity, after.average_price, after.funding_paid, realised - fee)
    }

    /// The formula of the module for one position; `cash` is what the account gains besides, in quote currency.
    fn liquidation_of(
        &self,
        symbol: SymbolId,
        quantity: f64,
        average_price: f64,
        funding_paid: f64,
        cash: f64,
    ) -> Option<f64> {
        if quantity == 0.0 {
            return None;
        }
        let instrument = &self.instruments[symbol as usize];
        let spot = instrument.kind == InstrumentKind::Spot;
        let mut average = average_price;
        let backing = match self.costs.margin.mode {
            MarginMode::Unlimited => return None,
            // A spot position is paid in full: nothing lends against it.
            MarginMode::Isolated if spot => return None,
            MarginMode::Isolated => {
                let leverage = self.costs.margin.leverage.min(instrument.max_leverage);
                instrument.notional(quantity.abs(), average_price) / leverage - funding_paid
            }
            MarginMode::Cross => {
                let account = self.account.as_ref()?;
                if spot {
                    average = 0.0;
                }
                let own = account.notional(symbol).abs() * instrument.maintenance_margin;
                let rest = account.equity() - account.value(symbol) - (account.maintenance_margin() - own);
                rest / account.rate(symbol) + cash
            }
        };
        let m = instrument.multiplier;
        let price =
            (quantity * m * average - backing) / (m * (quantity - instrument.maintenance_margin * quantity.abs()));
        (price.is_finite() && price > 0.0).then_some(price)
    }

    /// Initial margin that an order needs against what is free, where the venue keeps the account.
    pub(super) fn check_margin(&self, order: &Order, near: f64) -> Result<(), RejectReason> {
        let Some(account) = &self.account else { return Ok(()) };
        if near <= 0.0 {
            return Ok(());
        }
        let book = &self.books[order.symbol as usize];
        let reducible = book.reducible(order.side);
        // A flip sets the margin of the old position free before it needs its own.
        let opens = order.quantity - reducible.min(order.quantity);
        let needs = |symbol: SymbolId, quantity: f64, price: f64| {
            let instrument = &self.instruments[symbol as usize];
            let notional = instrument.notional(quantity, price) * account.rate(symbol);
            notional * (account.initial_margin(symbol) + self.costs.fee(instrument, Liquidity::Taker))
        };
        let required = needs(order.symbol, opens, near);
        if required == 0.0 {
            return Ok(());
        }
        let released = if opens < order.quantity {
            account.notional(order.symbol).abs() * account.initial_margin(order.symbol)
        } else {
            0.0
        };
        let waiting: f64 = self
            .open_orders()
            .filter(|o| !o.order.reduce_only && self.adds(&o.order))
            .map(|o| needs(o.order.symbol, o.remaining, self.books[o.order.symbol as usize].last_price))
            .sum();
        let free = account.free_cash() + released - waiting;
        if required > free { Err(RejectReason::InsufficientMargin { required, free }) } else { Ok(()) }
    }

    /// The order is not on the reducing side of its symbol's position.
    fn adds(&self, order: &Order) -> bool {
        self.books[order.symbol as usize].reducible(order.side) == 0.0
    }

    /// Marks the venue's account at the worst extremes of these bars.
    pub(super) fn mark_worst(&mut self, bars: &[(SymbolId, Bar)]) {
        if self.costs.margin.mode != MarginMode::Cross {
            return;
        }
        let Some(account) = &mut self.account else { return };
        for (symbol, bar) in bars {
            match account.position(*symbol).side() {
                Some(Side::Buy) => account.mark(*symbol, bar.low),
                Some(Side::Sell) => account.mark(*symbol, bar.high),
                None => {}
            }
        }
    }
}
