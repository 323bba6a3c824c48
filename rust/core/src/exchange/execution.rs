//! What a touched order becomes: fills, and what they mean for the other orders of the symbol.

use crate::fill::MarginMode;
use crate::order::{
    BrokerEvent, BrokerEventKind, CancelReason, Fill, Liquidity, OrderKind, Purpose, Side, TimeInForce,
};

use super::book::{OpenOrder, Stage};
use super::session::{Session, Touch, passed};

impl Session<'_> {
    /// Fills a touched order as far as position, volume and its own terms allow.
    pub(super) fn execute(&mut self, at: usize, touch: Touch) {
        let o = self.book.orders[at];
        let side = o.order.side;
        match o.kind {
            OrderKind::Stop { trigger } | OrderKind::TrailingStop { trigger, .. } => {
                self.book.orders[at].kind = OrderKind::Market;
                self.report(&o, BrokerEventKind::Triggered { trigger });
            }
            OrderKind::StopLimit { trigger, price } => {
                self.book.orders[at].kind = OrderKind::Limit { price };
                self.report(&o, BrokerEventKind::Triggered { trigger });
            }
            OrderKind::Market | OrderKind::Limit { .. } => {}
        }
        if touch == Touch::Rest {
            self.rest(at);
            return;
        }
        let mut want = o.remaining;
        if o.order.reduce_only || (!self.instrument.shortable && side == Side::Sell) {
            want = want.min(self.book.reducible(side));
            if want == 0.0 {
                self.end(at, BrokerEventKind::Cancelled { reason: CancelReason::PositionClosed });
                return;
            }
        }
        let quantity = want.min(self.book.budget);
        if o.order.tif == TimeInForce::Fok && quantity < want {
            self.end(at, BrokerEventKind::Expired);
            return;
        }
        if quantity <= 0.0 {
            self.book.orders[at].stage = Stage::Idle;
            if o.order.tif.is_immediate() {
                self.end(at, BrokerEventKind::Expired);
            }
            return;
        }

        let (price, reference, liquidity) = match touch {
            Touch::Give { price } => (price, price, Liquidity::Maker),
            Touch::Take { reference, limit } => {
                let variance = self.book.variance.variance();
                let price = self.costs.taker_price(self.instrument, side, reference, quantity, self.bar, variance);
                let price = match (limit, side) {
                    (Some(limit), Side::Buy) => price.min(limit),
                    (Some(limit), Side::Sell) => price.max(limit),
                    (None, _) => price,
                };
                (price, reference, Liquidity::Taker)
            }
            Touch::Rest => return,
        };
        let rate = self.costs.fee(self.instrument, liquidity);
        if self.book.budget.is_finite() {
            self.book.budget = self.instrument.round_quantity(self.book.budget - quantity);
        }
        let left = self.instrument.round_quantity(o.remaining - quantity);
        let ended = self.fill(&o, quantity, price, reference, rate, liquidity, left);
        self.settle(at, quantity, left, want, ended);
    }

    /// A stop-limit whose trigger traded beyond its limit.
    fn rest(&mut self, at: usize) {
        let o = &mut self.book.orders[at];
        o.resting = true;
        if o.order.tif.is_immediate() {
            self.end(at, BrokerEventKind::Expired);
        } else if let OrderKind::StopLimit { trigger, .. } = o.order.kind {
            // Triggered at the open, it stands in the book for the whole range; triggered inside, what follows is
            // unknown.
            if self.book.ranged || !passed(o.order.side, trigger, self.bar.open) {
                o.stage = Stage::Idle;
            }
        }
    }

    /// Books a fill with the venue; true when it ended a position.
    #[allow(clippy::too_many_arguments)]
    fn fill(
        &mut self,
        o: &OpenOrder,
        quantity: f64,
        price: f64,
        reference: f64,
        fee_rate: f64,
        liquidity: Liquidity,
        remaining: f64,
    ) -> bool {
        let fill = Fill {
            id: *self.next_fill,
            order: o.order.id,
            decision: o.order.decision,
            symbol: self.symbol,
            side: o.order.side,
            quantity,
            price,
            fee: self.instrument.notional(quantity, price) * fee_rate,
            slippage: self.instrument.notional(quantity, (price - reference).abs()),
            liquidity,
            purpose: o.order.purpose,
            ts: self.ts,
            remaining,
        };
        self.book_fill(fill)
    }

    fn book_fill(&mut self, fill: Fill) -> bool {
        *self.next_fill += 1;
        let signed = fill.side.sign() * fill.quantity;
        let new = self.instrument.round_quantity(self.book.quantity + signed);
        self.book.entered |= new.abs() > self.book.quantity.abs() || new * self.book.quantity < 0.0;
        let ended = self.book.apply(fill.side, fill.quantity, fill.price, new);
        self.book.base = fill.price;
        if let Some(account) = self.account.as_deref_mut() {
            account.book(&fill, self.instrument);
        }
        self.out.push(fill);
        ended
    }

    /// What a fill means for the order, its group and the position's other orders.
    fn settle(&mut self, at: usize, quantity: f64, left: f64, want: f64, ended: bool) {
        let o = &mut self.book.orders[at];
        let (order, complete) = (o.order, left == 0.0);
        o.remaining = left;
        o.stage = if complete { Stage::Closed } else { Stage::Idle };
        self.closed |= complete;
        o.resting = true;
        let clipped = !complete && quantity == want;
        if !complete {
            if clipped {
                // There is no more position that it may touch.
                self.end(at, BrokerEventKind::Cancelled { reason: CancelReason::PositionClosed });
                if let Some(fill) = self.out.last_mut() {
                    fill.remaining = 0.0;
                }
            } else if order.tif.is_immediate() {
                self.end(at, BrokerEventKind::Expired);
                if let Some(fill) = self.out.last_mut() {
                    fill.remaining = 0.0;
                }
            }
        }
        for k in 0..self.book.orders.len() {
            let other = &mut self.book.orders[k];
            if k == at || !other.is_open() {
                continue;
            }
            if order.oco > 0 && other.order.oco == order.oco {
                let done = complete || clipped;
                if !done && other.order.side == order.side {
                    other.remaining = self.instrument.round_quantity(other.remaining - quantity);
                }
                if done || other.order.side != order.side || other.remaining <= 0.0 {
                    self.end(k, BrokerEventKind::Cancelled { reason: CancelReason::Oco });
                    continue;
                }
            }
            let other = &self.book.orders[k];
            if ended && other.order.reduce_only && self.book.reducible(other.order.side) == 0.0 {
                self.end(k, BrokerEventKind::Cancelled { reason: CancelReason::PositionClosed });
            }
        }
    }

    /// Takes the whole position away at `reference`, with all orders of the symbol.
    pub(super) fn liquidate(&mut self, reference: f64) {
        let quantity = self.book.quantity.abs();
        let side = Side::of(-self.book.quantity);
        let variance = self.book.variance.variance();
        let price = self.costs.taker_price(self.instrument, side, reference, quantity, self.bar, variance);
        let notional = self.instrument.notional(quantity, price);
        // The venue takes its fee out of the margin that is left, and no more.
        let left = self.margin_left(price);
        let fee = (notional * self.costs.margin.liquidation_fee).min(left.max(0.0));
        self.book_fill(Fill {
            id: *self.next_fill,
            order: 0,
            decision: 0,
            symbol: self.symbol,
            side,
            quantity,
            price,
            fee,
            slippage: self.instrument.notional(quantity, (price - reference).abs()),
            liquidity: Liquidity::Taker,
            purpose: Purpose::Liquidation,
            ts: self.ts,
            remaining: 0.0,
        });
        for at in 0..self.book.orders.len() {
            if self.book.orders[at].is_open() {
                self.end(at, BrokerEventKind::Cancelled { reason: CancelReason::PositionClosed });
            }
        }
    }

    /// What backs the position at `price`, quote currency.
    fn margin_left(&self, price: f64) -> f64 {
        let book = &*self.book;
        if let (MarginMode::Cross, Some(account)) = (self.costs.margin.mode, self.account.as_deref()) {
            let last = account.position(self.symbol).last_price;
            return account.equity() / account.rate(self.symbol)
                + self.instrument.notional(book.quantity, price - last);
        }
        let leverage = self.costs.margin.leverage.min(self.instrument.max_leverage);
        let posted = self.instrument.notional(book.quantity.abs(), book.average_price) / leverage;
        posted - book.funding_paid + self.instrument.notional(book.quantity, price - book.average_price)
    }

    /// Closes an order with an event.
    pub(super) fn end(&mut self, at: usize, kind: BrokerEventKind) {
        let o = self.book.orders[at];
        self.book.orders[at].stage = Stage::Closed;
        self.closed = true;
        self.report(&o, kind);
    }

    fn report(&mut self, o: &OpenOrder, kind: BrokerEventKind) {
        self.events.push(BrokerEvent { ts: self.ts, order: o.order.id, symbol: self.symbol, kind });
    }

    pub(super) fn sweep(&mut self) {
        if self.closed {
            self.book.orders.retain(OpenOrder::is_open);
        }
    }
}
